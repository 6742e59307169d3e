//! What can be wrong inside of expressions, and habits from other languages.

use crate::diag::{Code, Severity};

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
step deploy {
  do run("deploy {{shout}}")
}
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
