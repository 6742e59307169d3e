//! Files here.

use crate::registry::{DefaultUndo, Function, Need, RetryClass, Sig};

use super::make::{action, probe, required};
use super::types::{FILE, STRING};

pub(super) static ENTRIES: &[Function] = &[
    probe(
        "file",
        &[required("path", STRING, "From the plan's folder.")],
        FILE,
        "What is known of a file: `exists`, and when it does `size`, `modified`, `sha256`, `text` (UTF-8, at most 1 MiB) and \
         its absolute `path`. Members of a file that is not there cannot be read.",
        r#"require file("dist/app.tar.gz").exists"#,
    )
    .real(),
    action(
        "copy",
        &[
            required("from", STRING, "A file, from the plan's folder."),
            required("to", STRING, "Its new path; ending in `/`, a folder to put it into. Folders are made."),
        ],
        Sig::Is(|| {
            use crate::model::Ty;
            Ty::record("copy", &[("path", Ty::String), ("sha256", Ty::String), ("size", Ty::Size)])
        }),
        "Copies a file: to a temporary name first, synced, then renamed, so that the target is never half written.\n\n\
         Its undo removes what it made, or puts back what was there before (kept beside it until the run ends); a target \
         that somebody else has changed since is left alone, and the undo fails.",
        r#"do copy("app.db", "backups/app-before.db")"#,
    )
    .needs(&[Need::Writable("to")])
    .retry(RetryClass::Idempotent)
    .undo(DefaultUndo::Itself)
    .captures()
    .settles()
    .real(),
];
