//! Where secrets come from. They are read when a run starts or resumes, never journalled, and masked everywhere.

use crate::registry::Function;

use super::make::{command, required, source};
use super::types::STRING;

pub(super) static ENTRIES: &[Function] = &[
    source(
        "env",
        &[required("name", STRING, "The variable.")],
        "A secret from an environment variable of `plan` itself.",
        r#"secret database_url = env("DATABASE_URL")"#,
    ),
    source(
        "file",
        &[required("path", STRING, "From the plan's folder.")],
        "A secret from a file, without its last end of line.",
        r#"secret token = file(".secrets/token")"#,
    ),
    source(
        "command",
        &[command("Program and arguments, as for `run`.")],
        "A secret that a program prints, without its last end of line.",
        r#"secret token = command("op read op://deploy/token")"#,
    ),
];
