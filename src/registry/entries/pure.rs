//! Functions that compute.

use crate::registry::{Function, Sig};

use super::make::{optional, pure, required};
use super::types::{BOOL, DURATION, FLOAT, INT, INTS, JSON, REGEX, SIZE, STRING, STRING_MAP, STRINGS, TEXT, TIME};

const PATTERN: Sig = Sig::OneOf(&[STRING, REGEX]);
const NUMBER: Sig = Sig::OneOf(&[INT, FLOAT, JSON]);
const BOOLS: Sig = Sig::Is(|| crate::model::Ty::list(crate::model::Ty::Bool));
const COUNTABLE: Sig = Sig::OneOf(&[STRING, Sig::AnyList, Sig::AnyMap, JSON]);
const LIST: Sig = Sig::OneOf(&[Sig::AnyList, JSON]);
const MAP: Sig = Sig::OneOf(&[Sig::AnyMap, JSON]);
const WORDS: Sig = Sig::OneOf(&[STRINGS, INTS, JSON]);

pub(super) static ENTRIES: &[Function] = &[
    // text
    pure(
        "len",
        &[required("value", COUNTABLE, "Text, a list, a map, or JSON that is one of them.")],
        INT,
        "How many characters (Unicode code points), elements or entries there are.",
        r#"len("한국어") == 3"#,
    ),
    pure(
        "count",
        &[
            required("value", Sig::OneOf(&[STRING, Sig::AnyList, JSON]), "Text or a list."),
            optional("pattern", PATTERN, "What to count; needed for text."),
        ],
        INT,
        "How often a pattern occurs in a text (without overlaps), or how many elements of a list there are, or match it.",
        r#"count("a b a", /a/) == 2"#,
    ),
    pure(
        "lower",
        &[required("text", TEXT, "Any text.")],
        STRING,
        "The text in lower case.",
        r#"lower("Ready") == "ready""#,
    ),
    pure("upper", &[required("text", TEXT, "Any text.")], STRING, "The text in upper case.", r#"upper("eu") == "EU""#),
    pure(
        "trim",
        &[required("text", TEXT, "Any text.")],
        STRING,
        "The text without white space at both ends.",
        r#"trim(" ok ") == "ok""#,
    ),
    pure(
        "replace",
        &[
            required("text", TEXT, "Any text."),
            required("pattern", PATTERN, "What goes: a text, or a regex."),
            required(
                "with",
                STRING,
                "What comes in its place; after a regex, `$1` is its first group and `$$` a dollar sign.",
            ),
        ],
        STRING,
        "The text with every occurrence of a pattern replaced.",
        r#"replace("v1.2", /^v/, "") == "1.2""#,
    ),
    pure(
        "split",
        &[
            required("text", TEXT, "Any text."),
            required("separator", PATTERN, "What stands between the parts; not empty."),
        ],
        STRINGS,
        "The parts of a text between separators. An empty text has one part, the empty one.",
        r#"split("a,b", ",") == ["a", "b"]"#,
    ),
    pure(
        "lines",
        &[required("text", TEXT, "Any text.")],
        STRINGS,
        "The lines of a text, without their ends of line. An empty text has none.",
        r#"len(lines("a\nb\n")) == 2"#,
    ),
    pure(
        "join",
        &[
            required("list", WORDS, "Texts or numbers."),
            optional("separator", STRING, "What stands between them; default: nothing."),
        ],
        STRING,
        "All elements as one text.",
        r#"join(["a", "b"], ", ") == "a, b""#,
    ),
    pure(
        "contains",
        &[
            required("value", COUNTABLE, "Text, a list, or a map."),
            required("what", Sig::Scalar, "A part of the text, an element of the list, a key of the map."),
        ],
        BOOL,
        "Whether a text has this part, a list this element, a map this key.",
        r#"contains("webhook_events", "hook")"#,
    ),
    pure(
        "starts_with",
        &[required("text", TEXT, "Any text."), required("start", STRING, "How it should begin.")],
        BOOL,
        "Whether a text begins with another.",
        r#"starts_with("release/7", "release/")"#,
    ),
    pure(
        "ends_with",
        &[required("text", TEXT, "Any text."), required("end", STRING, "How it should end.")],
        BOOL,
        "Whether a text ends with another.",
        r#"ends_with("dump.sql", ".sql")"#,
    ),
    pure(
        "matches",
        &[
            required("text", TEXT, "Any text."),
            required("pattern", REGEX, "Found anywhere; `^` and `$` tie it to the ends."),
        ],
        BOOL,
        "Whether a regex matches somewhere in a text.",
        r#"matches("b71d44a", /^[0-9a-f]{7}$/)"#,
    ),
    pure(
        "find",
        &[required("text", TEXT, "Any text."), required("pattern", REGEX, "What to look for.")],
        Sig::Is(|| crate::model::Ty::optional(crate::model::Ty::String)),
        "The first match of a regex: its first group when it has groups, else the whole match; `none` when there is none.",
        r#"find("version 1.4", /version (\S+)/) == "1.4""#,
    ),
    pure(
        "find_all",
        &[required("text", TEXT, "Any text."), required("pattern", REGEX, "What to look for.")],
        STRINGS,
        "Every match of a regex: its first group when it has groups, else the whole match.",
        r#"len(find_all("a1 b2", /[0-9]/)) == 2"#,
    ),
    pure(
        "sha256",
        &[required("text", TEXT, "Hashed as UTF-8.")],
        STRING,
        "The SHA-256 of a text, as 64 hexadecimal digits.",
        r#"sha256("a").starts_with("ca978112")"#,
    ),
    pure(
        "url_encode",
        &[required("text", TEXT, "Any text.")],
        STRING,
        "The text with everything but letters, digits and `-._~` percent-encoded, for a part of a URL.",
        r#"url_encode("a b") == "a%20b""#,
    ),
    // lists and maps
    pure(
        "first",
        &[required("list", LIST, "Any list.")],
        Sig::OptionalElementOfFirst,
        "The first element; `none` when the list is empty.",
        r#"first(["a"]) == "a""#,
    ),
    pure(
        "last",
        &[required("list", LIST, "Any list.")],
        Sig::OptionalElementOfFirst,
        "The last element; `none` when the list is empty.",
        r#"last(["a", "b"]) == "b""#,
    ),
    pure(
        "sort",
        &[required("list", LIST, "Texts, numbers, times, durations or sizes.")],
        Sig::SameAsFirst,
        "The elements in order, the smallest first; texts by code point. Equal ones keep their order.",
        r#"sort([2, 1]) == [1, 2]"#,
    ),
    pure(
        "unique",
        &[required("list", LIST, "Any list.")],
        Sig::SameAsFirst,
        "The elements without repetitions, each where it comes first.",
        r#"unique(["a", "a"]) == ["a"]"#,
    ),
    pure(
        "reverse",
        &[required("list", LIST, "Any list.")],
        Sig::SameAsFirst,
        "The elements from the last to the first.",
        r#"reverse([1, 2]) == [2, 1]"#,
    ),
    pure(
        "min",
        &[required("list", LIST, "Texts, numbers, times, durations or sizes.")],
        Sig::ElementOfFirst,
        "The smallest element. An empty list has none: an error.",
        r#"min([2, 1]) == 1"#,
    ),
    pure(
        "max",
        &[required("list", LIST, "Texts, numbers, times, durations or sizes.")],
        Sig::ElementOfFirst,
        "The largest element. An empty list has none: an error.",
        r#"max([2, 1]) == 2"#,
    ),
    pure(
        "sum",
        &[required("list", Sig::OneOf(&[INTS, Sig::AnyList, JSON]), "Numbers, durations or sizes.")],
        Sig::ElementOfFirst,
        "All elements added up. An empty list has no sum: an error.",
        r#"sum([1, 2]) == 3"#,
    ),
    pure(
        "all",
        &[required("list", BOOLS, "Bools.")],
        BOOL,
        "Whether every element is true; true for an empty list.",
        r#"all([true, true])"#,
    ),
    pure(
        "any",
        &[required("list", BOOLS, "Bools.")],
        BOOL,
        "Whether an element is true; false for an empty list.",
        r#"any([false, true])"#,
    ),
    pure(
        "keys",
        &[required("map", MAP, "A map, or a JSON object.")],
        STRINGS,
        "The keys of a map, sorted.",
        r#"keys({ b: 1, a: 2 }) == ["a", "b"]"#,
    ),
    pure(
        "values",
        &[required("map", MAP, "A map, or a JSON object.")],
        Sig::ListOfElementOfFirst,
        "The values of a map, in the order of its keys.",
        r#"values({ b: 1, a: 2 }) == [2, 1]"#,
    ),
    pure(
        "default",
        &[
            required("value", Sig::Any, "What may be `none`."),
            required("otherwise", Sig::ElementOfFirst, "What stands in for it."),
        ],
        Sig::ElementOfFirst,
        "A value, or another when it is `none`.",
        r#"default(first(["a"]), "b") == "a""#,
    ),
    // conversions
    pure(
        "json",
        &[required("text", STRING, "A JSON document.")],
        JSON,
        "The JSON that a text holds; text that is not JSON is an error.",
        r#"json("{\"ok\": true}").ok == true"#,
    ),
    pure(
        "to_json",
        &[required("value", Sig::Any, "What JSON can hold; times are RFC 3339, durations seconds, sizes bytes.")],
        STRING,
        "A value as compact JSON.",
        r#"to_json(["a"]) == "[\"a\"]""#,
    ),
    pure(
        "string",
        &[required("value", Sig::Scalar, "Any scalar.")],
        STRING,
        "A value as a template prints it.",
        r#"string(7) == "7""#,
    ),
    pure(
        "int",
        &[required(
            "value",
            Sig::OneOf(&[STRING, INT, FLOAT, BOOL, JSON]),
            "A number, a bool, or text that is a whole number.",
        )],
        INT,
        "A whole number; a fraction is cut off. What is no number, or too large, is an error.",
        r#"int("42") == 42"#,
    ),
    pure(
        "float",
        &[required("value", Sig::OneOf(&[STRING, INT, FLOAT, JSON]), "A number, or text that is one.")],
        FLOAT,
        "A number with a fraction. What is no number is an error.",
        r#"float("0.5") < 0.6"#,
    ),
    pure(
        "abs",
        &[required("number", NUMBER, "Any number.")],
        Sig::SameAsFirst,
        "A number without its sign.",
        r#"abs(-3) == 3"#,
    ),
    pure(
        "round",
        &[required("number", NUMBER, "Any number.")],
        INT,
        "The nearest whole number; a half goes away from zero.",
        r#"round(2.5) == 3"#,
    ),
    pure(
        "parse_duration",
        &[required("text", TEXT, "As in a plan: `500ms`, `90s`, `1h30m`.")],
        DURATION,
        "The duration that a text says.",
        r#"parse_duration("1h30m") == 90m"#,
    ),
    pure(
        "parse_size",
        &[required("text", TEXT, "As in a plan: `512B`, `10MiB`, `1GB`.")],
        SIZE,
        "The size that a text says.",
        r#"parse_size("1KiB") == 1024B"#,
    ),
    pure(
        "parse_time",
        &[required("text", TEXT, "RFC 3339 with its offset: `2027-03-01T22:00:00+09:00`.")],
        TIME,
        "The instant that a text says.",
        r#"parse_time("2027-03-01T00:00:00Z") > parse_time("2027-02-28T00:00:00Z")"#,
    ),
    pure(
        "query",
        &[required("values", STRING_MAP, "Names and values.")],
        STRING,
        "A map as the query of a URL: percent-encoded, joined with `&`, by name.",
        r#"query({ env: "eu west" }) == "env=eu%20west""#,
    ),
];
