//! The words that begin lines, and those that people bring along from other tools.

/// Words that begin an item with a block.
pub(super) const BLOCKS: [&str; 8] = ["step", "gate", "database", "repo", "service", "host", "environment", "on"];

/// Words that begin an item of one line.
pub(super) const LINES: [&str; 4] = ["param", "secret", "let", "allow"];

/// Words that begin a clause.
pub(super) const CLAUSES: [&str; 27] = [
    "after",
    "only",
    "when",
    "require",
    "remember",
    "do",
    "verify",
    "undo",
    "irreversible",
    "done",
    "idempotent",
    "atomic",
    "retry",
    "timeout",
    "on",
    "env",
    "in",
    "optional",
    "always",
    "allow",
    "unattended",
    "backup_of",
    "show",
    "window",
    "checklist",
    "approve",
    "expires",
];

/// Clauses that are one word.
pub(super) const BARE: [&str; 4] = ["idempotent", "atomic", "optional", "always"];

pub(super) fn is_clause(word: &str) -> bool {
    CLAUSES.contains(&word) || word == "rehearsed"
}

pub(super) fn is_item(word: &str) -> bool {
    BLOCKS.contains(&word) || LINES.contains(&word)
}

/// What is written here for a clause of another tool: the word, and what to write.
pub(super) fn foreign_clause(word: &str) -> Option<(Option<&'static str>, &'static str)> {
    Some(match word {
        "depends_on" | "depends" | "dependsOn" | "needs" | "requires" | "before" => {
            (Some("after"), "write the order as `after a, b`")
        }
        "rollback" | "compensate" | "revert" | "down" => (Some("undo"), "write `undo action(…)`"),
        "if" | "only_if" | "condition" => (Some("when"), "write `when expression`"),
        "unless" | "skip_if" => (None, "write `when not (…)`"),
        "retries" => (Some("retry"), "write `retry 3`"),
        "assert" | "ensure" | "expect" | "postcondition" => (Some("verify"), "write `verify check`"),
        "precondition" | "pre" => (Some("require"), "write `require check`"),
        "ignore_errors" | "continue_on_error" | "allow_failure" => (None, "write `optional`"),
        "run" | "cmd" | "command" | "commands" | "script" | "shell" | "exec" | "uses" => {
            (None, "write the action after `do`: do run(\"make\")")
        }
        "name" | "title" | "description" => (None, "write the title after the step's name: step build \"Build it\" {"),
        _ => return None,
    })
}

/// What is written here for an item of another tool.
pub(super) fn foreign_item(word: &str) -> Option<&'static str> {
    Some(match word {
        "task" | "job" | "stage" | "action" | "target" => "step",
        "approval" | "manual" | "pause" => "gate",
        "var" | "variable" | "input" | "parameter" => "param",
        "const" | "def" | "local" | "locals" | "set" => "let",
        "db" => "database",
        "env" => "environment",
        "repository" => "repo",
        _ => return None,
    })
}

/// The word that somebody meant, when one is near enough.
pub(super) fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let allowed = match word.chars().count() {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    };
    known
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed.max(usize::from(is_swap(word, candidate))))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The same letters in another order.
fn is_swap(left: &str, right: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(left) == sorted(right)
}

/// How a clause or an item is written, for advice.
pub(super) fn shape(word: &str) -> Option<&'static str> {
    Some(match word {
        "plan" => "plan name \"title\" {",
        "step" => "step name \"title\" for x in list {",
        "gate" => "gate name \"title\" {",
        "database" => "database name {",
        "repo" => "repo name {",
        "service" => "service name {",
        "host" => "host name {",
        "environment" => "environment name {",
        "param" => "param name: type = default",
        "secret" => "secret name = env(\"NAME\")",
        "let" => "let name = value",
        "allow" => "allow lint_name \"reason\"",
        "after" => "after a, b",
        "only" => "only in production, staging",
        "when" => "when condition",
        "require" => "require check else \"message\"",
        "remember" => "remember name = value",
        "do" => "do action(…)",
        "verify" => "verify check else \"message\"",
        "undo" => "undo action(…) or ask action(…)",
        "irreversible" => "irreversible \"reason\"",
        "done" => "done when condition",
        "retry" => "retry 3 backoff 1s..30s",
        "timeout" => "timeout 10m",
        "on" => "on failure undo all",
        "env" => "env { KEY = value }",
        "in" => "in \"folder\"",
        "unattended" => "unattended \"reason\"",
        "backup_of" => "backup_of database",
        "show" => "show a, b",
        "window" => "window \"22:00-06:00 Asia/Seoul\" on mon..fri except \"2026-12-24..2027-01-02\"",
        "checklist" => "checklist [\"first\", \"second\"]",
        "approve" => "approve 1 of [\"dba\", \"lead\"] not author",
        "expires" => "expires 2h",
        "rehearsed" => "rehearsed within 7d",
        _ => return None,
    })
}
