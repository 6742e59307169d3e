//! `R0501`–`R0519`: why an action failed.

use crate::diag::Code;
use crate::engine::{Failure, Outcome};

crate::diag::codes! {
    NOT_STARTED = "R0501" "not_started" "A program could not be started"
        "It was not found on PATH, is not executable, or the folder to run it in is not there. Nothing has happened, so \
         the step counts as not done.\n\nInstall the program or mend the path; `plan preflight FILE` looks for all of \
         them before a run.";
    COMMAND_FAILED = "R0502" "command_failed" "A command ended with an error"
        "Its exit code was not 0, or a signal ended it. What it had done by then is not known, so the step is undone \
         unless it is `atomic`.\n\nThe last lines of its output are shown; `plan logs RUN` has all of it.";
    SQL_FAILED = "R0503" "sql_failed" "The database refused a statement"
        "The message is the database's own, with the line of the text where it stands. Statements run in one \
         transaction, which was rolled back, unless the message says otherwise.";
    DATABASE_UNREACHABLE = "R0504" "database_unreachable" "A database cannot be reached"
        "The connection failed or the file is not there. Nothing has happened.\n\nCheck the `url` of the database (it is \
         never shown, for it may hold a password), that the server runs, and that this machine may connect.";
    HTTP_FAILED = "R0505" "http_failed" "An HTTP request was not answered as expected"
        "The server answered with another status than expected, or could not be reached. Whether the request had an \
         effect is not known unless the message says that it was never sent.";
    GIT_FAILED = "R0506" "git_failed" "git ended with an error"
        "What git said is shown. The checkout is as it was: what this version does with git leaves files and index alone.";
    PUSH_REFUSED = "R0507" "push_refused" "The remote did not take the push"
        "Somebody else has pushed meanwhile, or a rule of the remote forbids it. Nothing was pushed, and nothing is ever \
         forced.\n\nFetch, rebase or merge, and run the plan again.";
    REVERT_CONFLICT = "R0508" "revert_conflict" "The pushed commits cannot be reverted by themselves"
        "Later commits touch the same lines. Nothing was pushed.\n\nRevert by hand, push, and say so with \
         `plan mark RUN STEP undone --reason …`.";
    COPY_FAILED = "R0509" "copy_failed" "A file could not be copied"
        "What is at the target is what was there before: the copy takes its place only when it is complete and on disk.";
    BAD_CALL = "R0511" "bad_call" "An action was given something that it cannot use"
        "A value that is only known while the plan runs is empty or of the wrong kind. Nothing has happened.";
    BACKUP_FAILED = "R0512" "backup_failed" "A backup could not be made"
        "The dump could not be written, or could not be read back whole. What was written is removed, older backups are \
         left alone, and the database is as it was.\n\nThe message is that of `pg_dump` or `pg_restore`: look at versions \
         (`pg_dump` must not be older than the server), rights and free disk.";
    BACKUP_REFUSED = "R0513" "backup_refused" "A file is not a backup of this database"
        "Its SHA-256 is not the one noted when it was written, it was taken of another database (PostgreSQL's system \
         identifier tells, not the host's name), or its `.json` is not beside it. Nothing has happened.\n\nTake another \
         backup, or its copy.";
    RESTORE_FAILED = "R0514" "restore_failed" "A backup could not be put in place"
        "It was restored beside the database, which is as it was, and what was made is removed. The message says what the \
         database refused, or what was not the same as when the backup was taken.";
    MIGRATION_REFUSED = "R0516" "migration_refused" "A migration was not started"
        "What was found before it would have made it unsafe: several heads, a revision that the files do not know, an \
         INVALID index that an earlier attempt left, a pooled address, another migration at work, nothing to do. Nothing has \
         happened.";
    LINT_DENIED = "R0515" "lint_denied" "The SQL holds what the plan denies"
        "Each finding is shown with its line, its class and what to do instead. Nothing has happened.\n\n`plan lint FILE` reads \
         a file in the same way; `plan explain CLASS` says more of a class. What is meant to happen all the same leaves the \
         list of `deny`.";
    MIGRATION_FAILED = "R0517" "migration_failed" "A migration ended with an error"
        "The message is the tool's or the database's own. The revision and the schema were read afterwards: when both are \
         what they were and the migration ran in one transaction, nothing has happened; otherwise the message says where \
         the database stands now.";
}

/// A failure before anything has happened.
pub(crate) fn clean(code: &Code, message: impl Into<String>) -> Outcome {
    Outcome::Failed { clean: true, failure: failure(code, message) }
}

/// A failure after which something may have happened.
pub(crate) fn dirty(code: &Code, message: impl Into<String>) -> Outcome {
    Outcome::Failed { clean: false, failure: failure(code, message) }
}

pub(crate) fn failure(code: &Code, message: impl Into<String>) -> Failure {
    Failure { code: code.id.to_owned(), message: message.into(), tail: String::new() }
}
