//! `P01xx`: what can be wrong with the text itself.

use crate::diag::{Code, Severity};

/// Every code of this layer.
pub const CODES: &[&Code] = &[
    &FILE_TOO_LARGE,
    &NOT_TEXT,
    &EMPTY_FILE,
    &TEXT_TOO_LONG,
    &NESTING_TOO_DEEP,
    &TOO_MANY_NODES,
    &EXPRESSION_TOO_DEEP,
    &UNCLOSED_TEXT,
    &UNCLOSED_BRACKET,
    &UNCLOSED_BLOCK,
    &STRAY_CLOSER,
    &UNEXPECTED,
    &UNKNOWN_ITEM,
    &UNKNOWN_CLAUSE,
    &MISPLACED,
    &RESERVED_WORD,
    &BAD_NAME,
    &FOREIGN_OPERATOR,
    &FOREIGN_VALUE,
    &FOREIGN_QUOTES,
    &FOREIGN_CLAUSE,
    &FOREIGN_MARK,
    &CHAINED_COMPARISON,
    &BAD_ESCAPE,
    &BAD_TEMPLATE,
    &BAD_NUMBER,
    &NUMBER_TOO_LARGE,
    &NOT_CALLABLE,
    &NO_PLAN,
    &SECOND_PLAN,
    &AFTER_PLAN,
    &MISSING_EQUALS,
    &LOOSE_NOT,
    &NO_DIVISION,
    &LATE_OPERATOR,
];

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

pub(crate) static FOREIGN_OPERATOR: Code = Code {
    id: "P0118",
    name: "foreign_operator",
    severity: Severity::Error,
    title: "an operator of another language",
    explain: r#"The operators are `and`, `or`, `not`, `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `not in`, `+`, `-` and `*`.

Wrong:

```plan-wrong
when a && !b
```

Right:

```plan-part
when a and not b
```"#,
};

pub(crate) static FOREIGN_VALUE: Code = Code {
    id: "P0119",
    name: "foreign_value",
    severity: Severity::Error,
    title: "a constant of another language",
    explain: r#"The constants are `true`, `false` and `none`.

Wrong:

```plan-wrong
when app.tag == null
```

Right:

```plan-part
when app.tag == none
```"#,
};

pub(crate) static FOREIGN_QUOTES: Code = Code {
    id: "P0120",
    name: "foreign_quotes",
    severity: Severity::Error,
    title: "a text in other quotes than double ones",
    explain: r#"Texts stand in double quotes: "…", three of them around several lines, or r"…" where a backslash and braces mean themselves.

Wrong:

```plan-wrong
do run('make')
```

Right:

```plan-part
do run("make")
```"#,
};

pub(crate) static FOREIGN_CLAUSE: Code = Code {
    id: "P0121",
    name: "foreign_clause",
    severity: Severity::Error,
    title: "a clause of another tool",
    explain: r#"Other tools have another word or shape for this clause.

Wrong:

```plan-wrong
depends_on: build
```

Right:

```plan-part
after build
```"#,
};

pub(crate) static FOREIGN_MARK: Code = Code {
    id: "P0122",
    name: "foreign_mark",
    severity: Severity::Error,
    title: "a mark of another language",
    explain: r#"A comment begins with `#`, and a clause ends with its line, without a mark.

Wrong:

```plan-wrong
do run("make");   // build
```

Right:

```plan-part
do run("make")   # build
```"#,
};

pub(crate) static CHAINED_COMPARISON: Code = Code {
    id: "P0123",
    name: "chained_comparison",
    severity: Severity::Error,
    title: "comparisons do not chain",
    explain: r#"`a < b < c` would compare the outcome of `a < b` with `c`, which nobody means.

Wrong:

```plan-wrong
when 1 < count < 9
```

Right:

```plan-part
when 1 < count and count < 9
```"#,
};

pub(crate) static BAD_ESCAPE: Code = Code {
    id: "P0124",
    name: "bad_escape",
    severity: Severity::Error,
    title: "an unknown escape in a text",
    explain: r#"Escapes are `\n`, `\t`, `\r`, `\"`, `\\`, `\{` and `\u{…}`. A text r"…" has none.

Wrong:

```plan-wrong
do run("dir C:\work")
```

Right:

```plan-part
do run(r"dir C:\work")
```"#,
};

pub(crate) static BAD_TEMPLATE: Code = Code {
    id: "P0125",
    name: "bad_template",
    severity: Severity::Error,
    title: "braces in a text hold something else than a name",
    explain: r#"`{{ path }}` fills a value in: a name, or names joined by dots. Nothing else stands in braces: no helpers, blocks, partials or operators. `\{{` stands for the braces themselves.

Wrong:

```plan-wrong
do run("deploy {{upper name}}")
```

Right:

```plan-part
let shout = upper(name)
do run("deploy {{shout}}")
```"#,
};

pub(crate) static BAD_NUMBER: Code = Code {
    id: "P0126",
    name: "bad_number",
    severity: Severity::Error,
    title: "a number that cannot be read",
    explain: r#"Numbers are integers, floats with a digit on both sides of the dot, durations (500ms 90s 10m 2h 7d 1h30m) and sizes (10MiB; B kB MB GB KiB MiB GiB). Number and unit stand together.

Wrong:

```plan-wrong
timeout 5 min
```

Right:

```plan-part
timeout 5m
```"#,
};

pub(crate) static NUMBER_TOO_LARGE: Code = Code {
    id: "P0127",
    name: "number_too_large",
    severity: Severity::Error,
    title: "a number that is too large",
    explain: r#"Numbers have 64 bits: at most 9223372036854775807; durations in milliseconds and sizes in bytes likewise.

Wrong:

```plan-wrong
retry 99999999999999999999
```

Right:

```plan-part
retry 3
```"#,
};

pub(crate) static NOT_CALLABLE: Code = Code {
    id: "P0128",
    name: "not_callable",
    severity: Severity::Error,
    title: "this cannot be called",
    explain: r#"Parentheses after a name or after `value.name` call a function. Nothing else can be called.

Wrong:

```plan-wrong
require "app"()
```

Right:

```plan-part
require app.clean
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

pub(crate) static LOOSE_NOT: Code = Code {
    id: "P0133",
    name: "loose_not",
    severity: Severity::Error,
    title: "`not` after an operator that binds more tightly",
    explain: r#"`not` binds more loosely than comparisons and sums. After one of them it needs parentheses.

Wrong:

```plan-wrong
when a == not b
```

Right:

```plan-part
when a == (not b)
```"#,
};

pub(crate) static NO_DIVISION: Code = Code {
    id: "P0134",
    name: "no_division",
    severity: Severity::Error,
    title: "there is no division",
    explain: r#"`/` always begins a regular expression, as in `matches(x, /v[0-9]+/)`.

Wrong:

```plan-wrong
let half = n / 2
```

Right:

```plan-part
let half = 4
```"#,
};

pub(crate) static LATE_OPERATOR: Code = Code {
    id: "P0135",
    name: "late_operator",
    severity: Severity::Error,
    title: "an operator after `within` or `for`",
    explain: r#"`within` and `for` bind the whole expression before them, once, and end it.

Wrong:

```plan-wrong
verify a within 5m and b
```

Right:

```plan-part
verify a within 5m
verify b
```"#,
};
