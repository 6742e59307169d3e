//! `P02xx`: names and types.

crate::diag::codes! {
    UNKNOWN_NAME = "P0201" "unknown_name" "A name stands for nothing"
"Every bare name must be a parameter, a secret, a let, a resource, a step or a gate of the plan. The nearest one that exists is suggested.

Wrong:

    do run(\"deploy {{regoin}}\")   # with `param region: string`

Right:

    do run(\"deploy {{region}}\")
";
    NAME_TWICE = "P0202" "name_twice" "Two things have one name"
"Parameters, secrets, lets, resources, steps and gates share one namespace, so that a bare name always means one thing.

Wrong:

    param db: string
    database db { url = \"sqlite:x.db\" }

Right:

    param file: string
    database db { url = \"sqlite:{{file}}\" }
";
    UNUSED = "P0203" "unused" "Something is declared and never used"
"Most often a name was changed in one place only. A name that begins with `_` may stay unused.

Wrong:

    param old_name: string

Right:

    (take the line away, or use it)
";
    WRONG_TYPE = "P0204" "wrong_type" "A value is not of the type that is wanted"
"Types are checked before anything runs. `json` compares with any scalar; an `int` is a `float`; nothing else is converted by itself.

Wrong:

    timeout 30

Right:

    timeout 30s
";
    UNKNOWN_FUNCTION = "P0205" "unknown_function" "There is no such function"
"`plan explain` lists the functions. `x.f(a)` is `f(x, a)`.

Wrong:

    do restart(api)

Right:

    do run(\"systemctl restart api\")
";
    WRONG_PLACE = "P0206" "wrong_place" "Something stands where it cannot"
"Pure functions may stand anywhere; probes read the world and stand in `require`, `verify`, `when`, `remember` and `done when`; actions change it and stand after `do` and `undo`. A parameter's default and a let know nothing of steps.

Wrong:

    let head = app.head

Right:

    remember head = app.head   # in a step
";
    BAD_ARGUMENTS = "P0207" "bad_arguments" "A function is called with the wrong arguments"
"The message shows how it is called. Arguments stand in order, or by name: `copy(\"a\", to: \"b\")`.

Wrong:

    do copy(\"a.db\")

Right:

    do copy(\"a.db\", to: \"b.db\")
";
    UNKNOWN_MEMBER = "P0208" "unknown_member" "A value has no such member"
"Steps have the outputs of their action, what they remember, and `started`, `ended`, `attempts`. A `json` value has any member, which is looked up as the plan runs.

Wrong:

    verify api.get(\"/health\").code == 200

Right:

    verify api.get(\"/health\").status == 200
";
    MAYBE_NONE = "P0209" "maybe_none" "A value may be `none` and was not compared"
"A value of type `T?` must be compared with `none` before it is used: in `x != none and …`, `x == none or …`, or in a `when`.

Wrong:

    when note.len() > 0

Right:

    when note != none and note.len() > 0
";
    NOT_PRINTABLE = "P0210" "not_printable" "A value cannot stand in a text"
"Only what prints as one word can: texts, numbers, truth values, durations, sizes, times and `json` scalars.

Wrong:

    do run(\"deploy {{regions}}\")

Right:

    let all = regions.join(\",\")
    …
    do run(\"deploy {{all}}\")
";
    BAD_REGEX = "P0211" "bad_regex" "A regular expression cannot be read"
"The syntax is that of the regex crate: no look-around and no back references, and in return no pattern that hangs a run.

Wrong:

    verify output(\"x\").count(/(error/) == 0

Right:

    verify output(\"x\").count(/\\(error/) == 0
";
    MISPLACED_CLAUSE = "P0212" "misplaced_clause" "A clause stands where it does not belong"
"Steps act, gates wait, environments set policy. The message says where the clause belongs.

Wrong:

    step s { approve 1 of [\"dba\"] }

Right:

    gate g { approve 1 of [\"dba\"] }
";
    REPEATED_CLAUSE = "P0213" "repeated_clause" "A clause that stands once stands twice"
"A step has one action, so one effect and one undo. `after`, `require`, `remember`, `verify`, `verify undo` and `allow` may stand several times.

Wrong:

    do run(\"a\")
    do run(\"b\")

Right:

    two steps, the second `after` the first
";
    NEEDS_ACTION = "P0214" "needs_action" "A clause speaks of an action that is not there"
"`undo`, `retry`, `timeout`, `done when` and the like say something about what `do` does.

Wrong:

    step s {
        verify db.reachable
        timeout 5s
    }

Right:

    step s { verify db.reachable within 5s }
";
    UNDO_CONFLICT = "P0215" "undo_conflict" "A step says two things about the way back"
"Exactly one of `undo …`, `undo nothing \"…\"` and `irreversible \"…\"`. Several ways back are joined with `or`.

Wrong:

    undo run(\"a\")
    irreversible \"it is sent\"

Right:

    irreversible \"it is sent\"
";
    NOT_RETRYABLE = "P0216" "not_retryable" "A step that must not run twice is retried"
"A further attempt is only safe when running twice is harmless (`idempotent`) or a failure leaves nothing behind (`atomic`).

Wrong:

    do run(\"charge.sh\")
    retry 3

Right:

    do run(\"charge.sh --once {{id}}\")
    idempotent
    retry 3
";
    NOT_OPTIONAL = "P0217" "not_optional" "A step with an effect is optional"
"An optional step may fail and the run goes on. That is only right when its failure leaves nothing behind: no effect, `atomic`, or `undo nothing`.

Wrong:

    do run(\"warm-cache.sh\")
    undo run(\"drop-cache.sh\")
    optional

Right:

    do run(\"warm-cache.sh\")
    undo nothing \"a cache fills itself\"
    optional
";
    UNKNOWN_ENVIRONMENT = "P0218" "unknown_environment" "There is no such environment"
"`only in` names environments that the plan declares.

Wrong:

    only in prod   # declared: production

Right:

    only in production
";
    UNKNOWN_LINT = "P0219" "unknown_lint" "There is no such lint"
"`allow` silences a lint (P04xx) by its name, with a reason. Errors cannot be allowed.

Wrong:

    allow no_windows \"we deploy at noon\"

Right:

    allow no_window \"we deploy at noon\"
";
    BAD_WINDOW = "P0220" "bad_window" "A window cannot be read"
"Hours from-to, then an IANA time zone; days as `mon..fri`; exceptions as days or ranges of days.

Wrong:

    window \"10pm-6am KST\"

Right:

    window \"22:00-06:00 Asia/Seoul\"
";
    BAD_OVERRIDE = "P0221" "bad_override" "An environment sets something that is not there"
"An environment sets parameters (`name = …`) and settings of resources (`api.url = …`).

Wrong:

    environment dev { apis.url = \"…\" }

Right:

    environment dev { api.url = \"…\" }
";
    BAD_SETTING = "P0222" "bad_setting" "A resource has a wrong setting, or lacks one"
"Each kind of resource has its own settings; the message lists them.

Wrong:

    service api { address = \"http://127.0.0.1:8000\" }

Right:

    service api { url = \"http://127.0.0.1:8000\" }
";
    BAD_FAN_OUT = "P0223" "bad_fan_out" "A fan-out goes over something else than a plain list"
"`for x in list` makes a step for each item when the run starts, so the list must be known then and hold single values.

Wrong:

    step s for t in db.tables { … }

Right:

    step s for t in [\"a\", \"b\"] { … }
";
    EMPTY_GATE = "P0224" "empty_gate" "Nothing holds a gate"
"A gate waits for approvals, a checklist, a window or a precondition.

Wrong:

    gate go { after build }

Right:

    gate go {
        after build
        approve 1 of [\"lead\"]
    }
";
    EMPTY_STEP = "P0225" "empty_step" "A step does and checks nothing"
"Most often its `do` was forgotten.

Wrong:

    step s { after build }

Right:

    step s {
        after build
        do run(\"ship.sh\")
        undo run(\"unship.sh\")
    }
";
    BAD_POLICY = "P0226" "bad_policy" "A failure policy names something that cannot be undone"
"`on failure undo a, b` names steps.

Wrong:

    on failure undo go   # a gate

Right:

    on failure undo push
";
    BAD_NUMBER = "P0227" "bad_number" "A number is out of range"
"Times are longer than nothing, counts are not negative.

Wrong:

    verify db.reachable within 0s

Right:

    verify db.reachable within 30s
";
    BAD_APPROVAL = "P0229" "bad_approval" "An approval cannot be given"
"`approve n of [names]` needs at least n names, and n of at least 1.

Wrong:

    approve 2 of [\"lead\"]

Right:

    approve 2 of [\"lead\", \"dba\"]
";
    UNKNOWN_TYPE = "P0230" "unknown_type" "There is no such type"
"The types are: string int float bool duration size time regex json list(T) map(T), and T? for what may be `none`.

Wrong:

    param names: list

Right:

    param names: list(string)
";
    SELF_REFERENCE = "P0231" "self_reference" "A step comes after itself"
"`after` names other steps and gates.

Wrong:

    step s { after s  … }

Right:

    step s { … }
";
    UNKNOWN_EVENT = "P0232" "unknown_event" "A hook waits for something that never happens"
"Hooks run on `failure`, `success`, `paused` and `stuck`.

Wrong:

    on error { … }

Right:

    on failure { … }
";
    EMPTY_REASON = "P0233" "empty_reason" "A reason is empty"
"Reasons stand in reports, for those who come later.

Wrong:

    undo nothing \"\"

Right:

    undo nothing \"a log line stays\"
";
}
