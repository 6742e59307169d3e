//! What can be wrong with the shape of blocks and clauses.

use crate::diag::{Code, Severity};

pub(crate) static UNCLOSED_TEXT: Code = Code {
    id: "P0108",
    name: "unclosed_text",
    severity: Severity::Error,
    title: "a text is not closed",
    explain: r#"A text in double quotes ends on its own line. One in three double quotes goes on over several lines, up to the next three.

Wrong:

```plan-wrong
do run("make)
```

Right:

```plan-part
do run("make")
```"#,
};

pub(crate) static UNCLOSED_BRACKET: Code = Code {
    id: "P0109",
    name: "unclosed_bracket",
    severity: Severity::Error,
    title: "a bracket is not closed",
    explain: r#"A `(`, `[` or the `{` of a map has no closing partner.

Wrong:

```plan-wrong
approve 1 of ["dba", "lead"
expires 2h
```

Right:

```plan-part
approve 1 of ["dba", "lead"]
expires 2h
```"#,
};

pub(crate) static UNCLOSED_BLOCK: Code = Code {
    id: "P0110",
    name: "unclosed_block",
    severity: Severity::Error,
    title: "a block is not closed",
    explain: r#"The `{` of a plan, step, gate, resource or environment has no `}`.

Wrong:

```plan-wrong
step a {
  do run("a")

step b {
  do run("b")
}
```

Right:

```plan-part
step a {
  do run("a")
}

step b {
  do run("b")
}
```"#,
};

pub(crate) static STRAY_CLOSER: Code = Code {
    id: "P0111",
    name: "stray_closer",
    severity: Severity::Error,
    title: "a closing bracket has no partner",
    explain: r#"A `)`, `]` or `}` closes nothing, or something else than what is open.

Wrong:

```plan-wrong
do run("a"))
```

Right:

```plan-part
do run("a")
```"#,
};

pub(crate) static UNEXPECTED: Code = Code {
    id: "P0112",
    name: "unexpected",
    severity: Severity::Error,
    title: "something else was expected here",
    explain: r#"The text breaks off or goes on in a way that the language does not have. The message says what could stand here.

Wrong:

```plan-wrong
after build test
```

Right:

```plan-part
after build, test
```"#,
};

pub(crate) static UNKNOWN_ITEM: Code = Code {
    id: "P0113",
    name: "unknown_item",
    severity: Severity::Error,
    title: "a plan has no such item",
    explain: r#"A plan holds `param`, `secret`, `let`, `database`, `repo`, `service`, `host`, `environment`, `step`, `gate`, `on …` and `allow`.

Wrong:

```plan-wrong
stpe deploy {
}
```

Right:

```plan-part
step deploy {
}
```"#,
};

pub(crate) static UNKNOWN_CLAUSE: Code = Code {
    id: "P0114",
    name: "unknown_clause",
    severity: Severity::Error,
    title: "there is no such clause",
    explain: r#"The first word of a line in a block says what the line is; this word is none of them.

Wrong:

```plan-wrong
verfy app.clean
```

Right:

```plan-part
verify app.clean
```"#,
};

pub(crate) static MISPLACED: Code = Code {
    id: "P0115",
    name: "misplaced",
    severity: Severity::Error,
    title: "this stands in the wrong place",
    explain: r#"Items stand in the plan, clauses in steps, gates, environments and hooks, and `name = value` in resources and environments.

Wrong:

```plan-wrong
step a {
  let x = 1
}
```

Right:

```plan-part
let x = 1
step a {
}
```"#,
};

pub(crate) static RESERVED_WORD: Code = Code {
    id: "P0116",
    name: "reserved_word",
    severity: Severity::Error,
    title: "a word of the language used as a name",
    explain: r#"These words cannot be names: plan run env and or not in for within every misses else true false none. All others can, also the words of clauses, such as `backup` or `verify`.

Wrong:

```plan-wrong
step run { … }
```

Right:

```plan-part
step run_tests { … }
```"#,
};

pub(crate) static BAD_NAME: Code = Code {
    id: "P0117",
    name: "bad_name",
    severity: Severity::Error,
    title: "this cannot be a name",
    explain: r#"A name begins with a letter of any script or `_` and goes on with letters, digits and `_`. It stands without quotes.

Wrong:

```plan-wrong
step run-tests { … }
```

Right:

```plan-part
step run_tests { … }
```"#,
};

pub(crate) static MISSING_EQUALS: Code = Code {
    id: "P0132",
    name: "missing_equals",
    severity: Severity::Error,
    title: "`=` is missing",
    explain: r#"A name gets its value with `=`.

Wrong:

```plan-wrong
let dir "backend"
```

Right:

```plan-part
let dir = "backend"
```"#,
};
