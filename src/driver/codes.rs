//! `R05xx`: what can stop a run before or while it is driven.

crate::diag::codes! {
    FILE_UNREADABLE = "R0520" "file_unreadable" "A file cannot be read or written"
        "The message names the file and what the system said. Nothing was started.\n\nCheck that the path is right \
         (relative paths start at the folder you are in) and that you may read it.";
    BAD_VALUES = "R0521" "bad_values" "The values for this run are not right"
        "Parameters come from `--set name=value`, `--vars FILE` (TOML or JSON), the environment block of the plan and the \
         defaults, in this order. Every missing, unknown or wrongly typed one is listed at once; nothing was started.\n\n\
         `plan explain FILE` is not needed to see them: the `param` lines at the top of the plan are the list.";
    MISSING_SECRET = "R0522" "missing_secret" "A secret cannot be read"
        "A secret is read when a run starts or resumes, from where the plan says: an environment variable, a file, the \
         output of a command. One that is missing, empty or unreadable stops the start; on a resume the run stays as it \
         is.\n\nSet the variable or mend the file or command, then run the same command again.";
    SHORT_SECRET = "R0523" "short_secret" "A secret is too short to be masked"
        "Output is searched for secrets and they are replaced. Under 6 characters that would tear ordinary words apart \
         and a reader could guess the rest, so such a secret is refused.";
    NOT_AVAILABLE = "R0524" "not_available" "The plan uses something that this version cannot do yet"
        "The language knows the function or clause and checks it, but this version of `plan` cannot carry it out. It is \
         refused before anything starts, so that no run ends half-way at it.\n\n`plan explain NAME` says what the \
         function will do; until then use `run(…)` or `shell(…)`.";
    PREFLIGHT_FAILED = "R0525" "preflight_failed" "Something that the plan's actions need is not there"
        "Before the first effect everything that the actions need is looked for: programs, databases, folders, remotes. \
         All that is missing is listed at once. Nothing was started.\n\n`plan preflight FILE` does just this.";
    RESOURCE_LOCKED = "R0526" "resource_locked" "Another run holds a resource that this one changes"
        "A run keeps a lock on each resource that its plan changes until it is final: also while it waits for a person, \
         so that two releases never mix.\n\nFinish the other run (`plan status RUN` says how), or cancel it. `plan lock` \
         shows every lock; `plan lock break RUN` frees those of a run that nobody drives any more.";
    RUN_HELD = "R0527" "run_held" "The run is driven by another process"
        "One process at a time writes a run. The message says which one and since when it was last heard of.\n\nUse \
         the other terminal, or stop that process (SIGTERM leaves a run that can be resumed).";
    UNKNOWN_RUN = "R0528" "unknown_run" "There is no such run"
        "A run is named by its id or the beginning of it; `last` is the newest. `plan list` shows the runs of the \
         journal, whose place is `.plan/journal.db` beside the nearest `plan.toml`, at the git root, or beside the plan.";
    UNKNOWN_NODE = "R0529" "unknown_node" "The run has no such step or gate"
        "Steps are named as `plan status` shows them; an instance of a fan-out as `name[\"item\"]`.";
    DECISION_REFUSED = "R0530" "decision_refused" "That is not possible in this state"
        "What a person can decide depends on what the run waits for. `plan status RUN` lists what can be done now, as \
         commands to copy.";
    PLAN_CHANGED = "R0531" "plan_changed" "The plan file has changed since the run started"
        "A resume uses the plan and the values in the journal, not the file. The change is pointed out and not used.\n\n\
         `plan amend RUN FILE` takes it over for what has not started yet.";
    INCOMPATIBLE_ENGINE = "R0532" "incompatible_engine" "The run was started by a version that this one cannot go on from"
        "The plan text in the journal no longer checks with this version of `plan`. Finish the run with the version that \
         started it (the message names it), or close it.";
    AMEND_REFUSED = "R0533" "amend_refused" "The changed plan cannot take over this run"
        "An amended plan must keep every step that has started, and pass its own checks. The message says which step is \
         in the way.";
    INVALID_PLAN = "R0535" "invalid_plan" "The plan has errors"
        "A plan with errors is never run. `plan validate FILE` shows them all.";
    BAD_ARGUMENT = "R0536" "bad_argument" "An argument cannot be read"
        "The message says which one and what was expected.";
    CONFIRMATION_NEEDED = "R0538" "confirmation_needed" "Somebody has to confirm this"
        "On a terminal `plan` asks; elsewhere the answer must be given as a flag, so that a script never says yes by \
         accident. The message names the flag.";
}
