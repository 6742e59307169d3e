//! What can be wrong with a file as a whole: limits, and what stands in it.

use crate::diag::{Code, Severity};

pub(crate) static FILE_TOO_LARGE: Code = Code {
    id: "P0101",
    name: "file_too_large",
    severity: Severity::Error,
    title: "the file is larger than the limit",
    explain: r#"A plan file is held in memory as a whole, and a huge one is nearly always a mistake. The limit is 1 MiB unless it is raised.

Instead:

```plan-part
param tables: list(string)      # given by --vars tables.json
```"#,
};

pub(crate) static NOT_TEXT: Code = Code {
    id: "P0102",
    name: "not_text",
    severity: Severity::Error,
    title: "the file is not text",
    explain: r#"A plan file is UTF-8 text without control characters. This one holds bytes that no text has: a compiled file, an archive or another encoding."#,
};

pub(crate) static EMPTY_FILE: Code = Code {
    id: "P0103",
    name: "empty_file",
    severity: Severity::Error,
    title: "the file holds no plan",
    explain: r#"A plan file holds one plan. This one holds nothing but blanks and comments.

Wrong:

```plan-wrong
# to be written
```

Right:

```plan-part
plan release "First release" {
}
```"#,
};

pub(crate) static TEXT_TOO_LONG: Code = Code {
    id: "P0104",
    name: "text_too_long",
    severity: Severity::Error,
    title: "a text is longer than the limit",
    explain: r#"One text literal may hold 64 KiB unless the limit is raised. Longer ones belong into a file of their own.

Wrong:

```plan-wrong
do sql(db, """
  … thousands of lines …
""")
```

Right:

```plan-part
do sql(db, file: "backfill.sql")
```"#,
};

pub(crate) static NESTING_TOO_DEEP: Code = Code {
    id: "P0105",
    name: "nesting_too_deep",
    severity: Severity::Error,
    title: "brackets are nested too deeply",
    explain: r#"Brackets and blocks may lie 64 deep unless the limit is raised.

Wrong:

```plan-wrong
let x = [[[[[[ … ]]]]]]
```

Right:

```plan-part
let inner = [[1, 2], [3, 4]]
let x = [inner, inner]
```"#,
};

pub(crate) static TOO_MANY_NODES: Code = Code {
    id: "P0106",
    name: "too_many_nodes",
    severity: Severity::Error,
    title: "the plan has more steps and gates than the limit",
    explain: r#"A plan may have 10,000 steps and gates unless the limit is raised. A step that is the same for many things is written once, with `for`.

Wrong:

```plan-wrong
step copy_1 { … }
step copy_2 { … }
```

Right:

```plan-part
step copy for name in names {
  do run("copy {{name}}")
}
```"#,
};

pub(crate) static EXPRESSION_TOO_DEEP: Code = Code {
    id: "P0107",
    name: "expression_too_deep",
    severity: Severity::Error,
    title: "an expression has too many levels",
    explain: r#"Each operator, call, dot and bracket adds a level to the one inside it. 256 are allowed.

Wrong:

```plan-wrong
when a or b or c or …
```

Right:

```plan-part
when env.name in names
```"#,
};

pub(crate) static NO_PLAN: Code = Code {
    id: "P0129",
    name: "no_plan",
    severity: Severity::Error,
    title: "the file does not begin with a plan",
    explain: r#"A plan file holds one plan, and everything stands inside it.

Wrong:

```plan-wrong
step a {
}
```

Right:

```plan-part
plan release {
  step a {
  }
}
```"#,
};

pub(crate) static SECOND_PLAN: Code = Code {
    id: "P0130",
    name: "second_plan",
    severity: Severity::Error,
    title: "a second plan in one file",
    explain: r#"A file holds one plan. Several belong into several files; one runs another with the action `plan(…)`.

Wrong:

```plan-wrong
plan a {
}
plan b {
}
```

Right:

```plan-part
plan a {
}
```"#,
};

pub(crate) static AFTER_PLAN: Code = Code {
    id: "P0131",
    name: "after_plan",
    severity: Severity::Error,
    title: "text after the end of the plan",
    explain: r#"After the closing brace of the plan only comments may stand. Often a brace too many has closed the plan early.

Wrong:

```plan-wrong
plan a {
}
}
```

Right:

```plan-part
plan a {
}
```"#,
};
