//! `R06xx`: what can be wrong with a journal or a lock.

use crate::diag::{Code, Severity};

macro_rules! codes {
    ($($constant:ident = $id:literal $name:literal $title:literal $explain:literal;)*) => {
        $(
            #[doc = $title]
            pub static $constant: Code =
                Code { id: $id, name: $name, severity: Severity::Error, title: $title, explain: $explain };
        )*
        /// Every code of this layer.
        pub static CODES: &[&Code] = &[$(&$constant),*];
    };
}

codes! {
    JOURNAL_IO = "R0601" "journal_io" "The journal cannot be read or written"
        "The message names the file and what the system said. Nothing more is started when a journal cannot be written: the \
         run pauses and can be resumed once the cause is gone.\n\nCheck that the folder exists, that this user may write \
         it, and that the disk works.";
    JOURNAL_FULL = "R0602" "journal_full" "There is no room left for the journal"
        "The disk (or a quota) is full. Nothing more was started; what was acknowledged before is safe.\n\nMake room, then \
         `plan resume RUN`.";
    JOURNAL_NEWER = "R0603" "journal_newer" "The journal was written by a newer version"
        "The file or one of its records has a format that this version does not know. It was not changed.\n\nUse the newer \
         `plan`.";
    JOURNAL_CORRUPT = "R0604" "journal_corrupt" "The journal is damaged"
        "Every record carries a hash over all its columns and the hash of the one before, and the newest hash is kept \
         outside the database file. A record that was changed, lost or moved is found before anything is done.\n\nRestore the \
         journal from a copy, or finish the release by hand: `plan status` of an intact copy says where it stood.";
    LEASE_LOST = "R0605" "lease_lost" "Another process has taken the run over"
        "Each write carries the epoch of the lease under which it is made, and the database refuses those of an older one. \
         This process has stopped; the other one goes on.\n\n`plan status RUN` shows how the run stands.";
    RUN_HELD = "R0606" "run_held" "The run is driven by another process"
        "One process at a time writes a run. The message says which one and since when it was last heard of.\n\nUse the \
         other terminal, or stop that process (SIGTERM leaves a run that can be resumed).";
    NO_RUN = "R0607" "no_run" "There is no such run"
        "A run is named by its id, the beginning of it, or the part behind the dash; `last` is the newest. `plan list` shows \
         the runs of the journal, which is `.plan/journal.db` beside the nearest `plan.toml`, at the git root, or beside the \
         plan, unless `--journal` or PLAN_JOURNAL names another.";
    AMBIGUOUS_RUN = "R0608" "ambiguous_run" "More than one run begins like this"
        "The message lists them. Give more of the id.";
    NO_JOURNAL = "R0609" "no_journal" "There is no journal here"
        "No run has been started from here yet, or its journal lies elsewhere: `.plan/journal.db` beside the nearest \
         `plan.toml`, at the git root, or beside the plan.\n\nName it with `--journal FILE` or PLAN_JOURNAL.";
    OLD_SQLITE = "R0610" "old_sqlite" "The SQLite inside this program is too old"
        "Versions before 3.51.3 can corrupt a database in WAL mode when two processes checkpoint at once. This program was \
         built with an older one and refuses to work.\n\nBuild it with its own lock file: `cargo build --locked`.";
}

/// Those that mean that what this process knew is out of date, or cannot be trusted.
pub static STALE: &[&Code] = &[&JOURNAL_NEWER, &JOURNAL_CORRUPT, &LEASE_LOST];
