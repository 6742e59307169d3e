//! `R06xx`: the journal, its leases and its locks.

use crate::diag::Code;

crate::diag::codes! {
    JOURNAL_FAILED = "R0601" "journal_failed" "The journal could not be read or written"
        "The message is the system's or SQLite's own. Nothing more was started: an effect begins only after its intent \
         is in the journal. What was acknowledged before is kept.\n\nMend the cause and use `plan resume RUN`.";
    JOURNAL_FULL = "R0602" "journal_full" "The disk of the journal is full"
        "Nothing more was started, and the run can be resumed: a full disk pauses a run, it does not fail it.\n\nFree \
         some space, then `plan resume RUN`. Don't delete the files beside the journal (`-wal`, `-shm`, `.anchors`): they \
         are part of it.";
    JOURNAL_NOT_WRITABLE = "R0603" "journal_not_writable" "The journal may not be written"
        "The file, its folder or the whole file system is read-only for this user, or the path is not a regular file: a \
         symbolic link is not followed.\n\nGive the journal to the user who runs the plan, or name another place with \
         `--journal FILE`.";
    JOURNAL_NEWER = "R0604" "journal_newer" "The journal was written by a newer version of plan"
        "The message names both versions. Nothing was changed. An older version could not tell what it leaves out.\n\n\
         Use the version that wrote it, or a newer one.";
    JOURNAL_CORRUPT = "R0605" "journal_corrupt" "The journal has been damaged or changed"
        "Each record carries a hash over itself and all before it, and the newest hash is also kept in the folder \
         `.anchors` beside the journal. They don't agree: a record was changed, removed or moved, or an older copy of \
         the file was put back. Nothing was changed and nothing is started from it, for what happened in the world is no \
         longer known.\n\nPut the newest backup of the journal *and* its anchors back, or look by hand at what the plan \
         has done and start a new run.";
    LEASE_HELD = "R0606" "lease_held" "Another process drives this run"
        "One process at a time writes a run. The message names it; it is alive (the same process id and start time on \
         this machine, or a heartbeat within the last minute from another).\n\nUse that terminal, or end the process: \
         SIGTERM leaves a run that can be resumed.";
    LEASE_FENCED = "R0607" "lease_fenced" "Another process has taken this run over"
        "The journal refused to write: the lease of this process is older than the run's. It happens when a process was \
         held up for so long that it was taken for dead. Whatever it still wanted to do was not started.\n\n`plan status \
         RUN` shows who drives the run now.";
    RUN_NOT_FOUND = "R0608" "run_not_found" "The journal has no such run"
        "A run is named by its id, by the beginning or the end of it, or by `last`.\n\n`plan list` shows the runs of a \
         journal. Its place is `.plan/journal.db` beside the nearest `plan.toml`, else at the git root, else beside the \
         plan; `--journal FILE` names another.";
    RUN_AMBIGUOUS = "R0609" "run_ambiguous" "Several runs begin or end like that"
        "The message lists them.\n\nGive more of the id.";
    JOURNAL_MISSING = "R0610" "journal_missing" "There is no journal"
        "The file is not there. `plan run` creates it; every other command wants one that exists.\n\nIts place is \
         `.plan/journal.db` beside the nearest `plan.toml`, else at the git root, else beside the plan; `--journal FILE` \
         names another.";
    NOT_A_JOURNAL = "R0611" "not_a_journal" "The file is not a journal of plan"
        "It is a database of something else. Nothing was changed.\n\nCheck the path given with `--journal` or \
         `PLAN_JOURNAL`.";
}

/// Those that say: what is on disk is not what this process may go on from.
pub static STALE: &[&Code] = &[&JOURNAL_NEWER, &JOURNAL_CORRUPT, &LEASE_FENCED];
