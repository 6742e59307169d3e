//! Programs, shells, people.

use crate::registry::{Function, Need, RetryClass, Sig, TextUse};

use super::make::{action, command, optional, probe, required};
use super::types::{INT, INTS, STRING, STRING_MAP, TIME};

/// What a process leaves behind.
const PROCESS: Sig = Sig::Is(|| {
    use crate::model::Ty;
    Ty::record("process", &[("stdout", Ty::String), ("exit_code", Ty::Int)])
});

pub(super) static ENTRIES: &[Function] = &[
    action(
        "run",
        &[
            command("Program and arguments. Split into words first, filled in afterwards: a value is always one argument."),
            optional("in", STRING, "Folder where it runs; default: the step's `in`, else the plan's folder."),
            optional("env", STRING_MAP, "Environment variables, over those of the step's `env`."),
            optional("stdin", STRING, "What it reads; default: nothing."),
            optional("ok", INTS, "Exit codes that mean success; default: `[0]`."),
        ],
        PROCESS,
        "Runs a program, without a shell.\n\n\
         Quotes group words as in a shell (`'a b'`, `\"a b\"`, `\\ `); nothing is expanded: no `$`, no `*`, no `~`, no `|`. \
         What it prints is shown and journalled, masked; `stdout` holds its last 64 KiB without the last end of line. A \
         program that is not found is a clean failure: nothing has happened.",
        r#"do run("render deploys create {{revision}} --wait", in: "backend")"#,
    )
    .needs(&[Need::ProgramIn("command")])
    .real(),
    action(
        "shell",
        &[
            required("script", STRING, "For `sh -eu`. Each `{{ }}` is quoted; `{{{ }}}` is raw.").text(TextUse::Shell),
            optional("in", STRING, "Folder where it runs; default: the step's `in`, else the plan's folder."),
            optional("env", STRING_MAP, "Environment variables, over those of the step's `env`."),
            optional("stdin", STRING, "What it reads; default: nothing."),
            optional("ok", INTS, "Exit codes that mean success; default: `[0]`."),
        ],
        PROCESS,
        "Runs a script with `sh`, for pipes and redirections.\n\n\
         Values are quoted, so that no value can become a command. Do not put a `{{ }}` inside quotes of your own.",
        r#"do shell("pg_dump app | gzip > {{target}}")"#,
    )
    .needs(&[Need::Program("sh")])
    .real(),
    action(
        "by_hand",
        &[required("what", STRING, "What a person does, in a sentence or a list.")],
        Sig::Nothing,
        "Waits for a person to do something and to say that it is done, or that it is not.\n\n\
         The run pauses; `plan resolve RUN STEP done` or `not-done` goes on.",
        r#"do by_hand("Switch the DNS record to the new address")"#,
    )
    .real(),
    action(
        "plan",
        &[
            required("file", STRING, "The plan file, from this plan's folder."),
            optional("values", STRING_MAP, "Values for its parameters, as `--set` takes them."),
        ],
        Sig::Is(|| crate::model::Ty::record("sub-plan", &[("run", crate::model::Ty::String)])),
        "Runs another plan as one step. Its undo is its rollback; its pause pauses this run.",
        r#"do plan("database.plan", values: { revision: revision })"#,
    )
    .undo(crate::registry::DefaultUndo::Itself)
    .settles(),
    probe(
        "output",
        &[
            command("Program and arguments, as for `run`."),
            optional("in", STRING, "Folder where it runs; default: the step's `in`, else the plan's folder."),
            optional("env", STRING_MAP, "Environment variables."),
        ],
        STRING,
        "What a program prints on stdout, without the last end of line.\n\n\
         It cannot be read when the program is not found or ends with anything but 0. It must not change anything: it may \
         run many times.",
        r#"require output("node --version").starts_with("v22.")"#,
    )
    .needs(&[Need::ProgramIn("command")])
    .real(),
    probe(
        "exit_code",
        &[
            command("Program and arguments, as for `run`."),
            optional("in", STRING, "Folder where it runs; default: the step's `in`, else the plan's folder."),
            optional("env", STRING_MAP, "Environment variables."),
        ],
        INT,
        "The exit code of a program. It cannot be read when the program is not found or ends by a signal.",
        r#"require exit_code("git diff --quiet") == 0"#,
    )
    .needs(&[Need::ProgramIn("command")])
    .real(),
    probe("now", &[], TIME, "The time.", r#"require now() < parse_time("2027-12-24T00:00:00Z")"#)
        .retry(RetryClass::Plain)
        .real(),
];
