//! Why a piece can't be read: mistakes that are known by their looks, each with what to write instead, and for all others
//! what was found and what could have stood there.

use std::ops::Range;

use pest::error::{Error, ErrorVariant, InputLocation};

use crate::diag::{Code, Diagnostic};
use crate::source::Span;

use super::lex::{Kind, Lexer, Token};
use super::rules::{self, Rule};
use super::{codes, text, words};

/// A mistake, and what to write over the piece so that the rest of it can be read.
pub(super) struct Mistake {
    pub(super) found: Diagnostic,
    pub(super) edits: Vec<Edit>,
}

/// Bytes of the piece, and what takes their place; never longer, so that all other places stay true.
pub(super) type Edit = (Range<usize>, String);

/// How `in_words` calls the end of a piece.
const END_OF_LINE: &str = "the end of the line";

/// A piece as it failed.
pub(super) struct Failed<'p> {
    text: &'p str,
    tokens: Vec<Token>,
    /// Where the piece begins in the file, and where pest gave up, in the piece.
    base: usize,
    stop: usize,
    expected: Vec<&'static str>,
    entry: bool,
}

impl<'p> Failed<'p> {
    pub(super) fn new(text: &'p str, base: usize, error: &Error<Rule>, entry: bool) -> Self {
        let stop = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        let mut expected = Vec::new();
        if let ErrorVariant::ParsingError { positives, .. } = &error.variant {
            for words in positives.iter().filter_map(|rule| rules::in_words(*rule)) {
                if !expected.contains(&words) {
                    expected.push(words);
                }
            }
        }
        // A value can be a name or a text, which then need no mention.
        if let Some(end) = expected.iter().position(|words| *words == END_OF_LINE) {
            let end = expected.remove(end);
            expected.push(end);
        }
        if expected.contains(&"a value") {
            expected.retain(|words| !matches!(*words, "a name" | "a text"));
        }
        Self { text, tokens: Lexer::new(text).collect(), base, stop, expected, entry }
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn word(&self, at: usize) -> &'p str {
        self.tokens.get(at).map_or("", |token| token.text(self.text))
    }

    fn span(&self, at: usize) -> Span {
        let range = self.tokens[at].span.range();
        Span::new(self.base + range.start, self.base + range.end)
    }

    fn range(&self, at: usize) -> Range<usize> {
        self.tokens[at].span.range()
    }

    /// Whether two tokens stand together without a blank.
    fn touch(&self, at: usize) -> bool {
        self.tokens.get(at + 1).is_some_and(|next| next.span.start == self.tokens[at].span.end)
    }

    fn mistake(&self, code: &'static Code, at: usize, message: String, advice: String, edits: Vec<Edit>) -> Mistake {
        Mistake { found: Diagnostic::new(code, self.span(at), message).advice(advice), edits }
    }

    /// The first mistake that is known by its looks, no later than where pest gave up.
    pub(super) fn known(&self) -> Option<Mistake> {
        if let Some(mistake) = self.in_head().or_else(|| self.missing_equals()) {
            return Some(mistake);
        }
        let within_reach = |at: &usize| (self.tokens[*at].span.start as usize) <= self.stop;
        (0..self.tokens.len()).take_while(within_reach).find_map(|at| self.at_token(at))
    }

    fn at_token(&self, at: usize) -> Option<Mistake> {
        match self.tokens[at].kind {
            Kind::ForeignComment => Some(self.mistake(
                &codes::FOREIGN_MARK,
                at,
                format!("`{}` does not begin a comment", &self.word(at)[..2]),
                "begin the comment with `#`".to_owned(),
                vec![(self.range(at), String::new())],
            )),
            Kind::Semicolon => Some(self.mistake(
                &codes::FOREIGN_MARK,
                at,
                "`;` ends nothing here".to_owned(),
                "end the line instead; arguments and entries are parted by `,`".to_owned(),
                vec![(self.range(at), ",".to_owned())],
            )),
            Kind::ForeignText => Some(self.foreign_text(at)),
            Kind::Operator => self.operator(at),
            Kind::Equals if self.stop == self.range(at).start && self.in_map(at) => Some(self.mistake(
                &codes::FOREIGN_OPERATOR,
                at,
                "`=` stands between a key and its value".to_owned(),
                "write entries of a map as `key: value`".to_owned(),
                vec![(self.range(at), ":".to_owned())],
            )),
            Kind::Number => self.number(at),
            Kind::Dot => self.dot(at),
            Kind::Word => self.word_out_of_place(at),
            Kind::Other => self.other(at),
            _ => None,
        }
    }

    fn foreign_text(&self, at: usize) -> Mistake {
        let written = self.word(at);
        let first = written.chars().next().map_or(0, char::len_utf8);
        let last = written.chars().next_back().map_or(0, char::len_utf8);
        let inner = &written[first..written.len() - last];
        let message = "texts stand in straight double quotes".to_owned();
        let advice = format!("write \"{inner}\"");
        let plain = inner.replace(['"', '\\', '{'], " ");
        let edit = (self.range(at), format!("\"{plain}\""));
        self.mistake(&codes::FOREIGN_QUOTES, at, message, advice, vec![edit])
    }

    fn operator(&self, at: usize) -> Option<Mistake> {
        let seen = self.word(at);
        if seen == "-" && self.is_hyphen(at) {
            let advice = format!("join the parts with `_`: {}_{}", self.word(at - 1), self.word(at + 1));
            let message = format!("the name `{}-{}` holds a hyphen", self.word(at - 1), self.word(at + 1));
            let edits = vec![(self.range(at), "_".to_owned())];
            return Some(self.mistake(&codes::BAD_NAME, at, message, advice, edits));
        }
        let advice = match seen {
            "->" | "=>" | "<-" => "say which comes first with `after`: after build, test",
            "=~" => "write `matches(text, /pattern/)`",
            ":=" => "write `=`",
            "+=" => "values do not change: give the sum a name of its own with `let`",
            _ => return None,
        };
        let edits = if seen == ":=" { vec![(self.range(at), "=".to_owned())] } else { Vec::new() };
        let message = format!("`{seen}` is not an operator here");
        Some(self.mistake(&codes::FOREIGN_OPERATOR, at, message, advice.to_owned(), edits))
    }

    /// A minus between two words without blanks, where a name stands.
    fn is_hyphen(&self, at: usize) -> bool {
        let between = at > 0 && self.kind(at - 1) == Some(Kind::Word) && self.kind(at + 1) == Some(Kind::Word);
        between && self.touch(at - 1) && self.touch(at) && self.stop == self.range(at).start
    }

    fn in_map(&self, at: usize) -> bool {
        let open = |token: &&Token| matches!(token.kind, Kind::Open | Kind::Close);
        self.tokens[..at].iter().rev().find(open).is_some_and(|token| token.is(self.text, "{"))
    }

    fn number(&self, at: usize) -> Option<Mistake> {
        let unit = self.word(at + 1);
        let units = [
            "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes", "h", "hr", "hrs",
            "hour", "hours", "d", "day", "days", "week", "weeks", "B", "kB", "KB", "MB", "GB", "KiB", "MiB", "GiB",
        ];
        if units.contains(&unit) {
            let short = match &unit[..1] {
                _ if unit.ends_with('B') || unit == "ms" => unit,
                "w" => "d",
                letter => letter,
            };
            let written = if unit.starts_with("week") { "7d".to_owned() } else { format!("{}{short}", self.word(at)) };
            let message = format!("`{} {unit}` is not one number", self.word(at));
            let edits = vec![(self.range(at).start..self.range(at + 1).end, format!("{}{short}", self.word(at)))];
            return Some(self.mistake(&codes::BAD_NUMBER, at + 1, message, format!("write {written}"), edits));
        }
        let dot = self.kind(at + 1) == Some(Kind::Dot) && self.touch(at);
        let dot = dot && !(self.kind(at + 2) == Some(Kind::Word) && self.touch(at + 1));
        dot.then(|| {
            let message = format!("`{}.` has no digit after the dot", self.word(at));
            let edits = vec![(self.range(at + 1), String::new())];
            self.mistake(&codes::BAD_NUMBER, at, message, format!("write {}.0", self.word(at)), edits)
        })
    }

    fn dot(&self, at: usize) -> Option<Mistake> {
        let bare = self.kind(at + 1) == Some(Kind::Number) && self.stop == self.range(at).start;
        bare.then(|| {
            let digits = self.word(at + 1);
            let message = format!("`.{digits}` has no digit before the dot");
            let edits = vec![(self.range(at), String::new())];
            self.mistake(&codes::BAD_NUMBER, at, message, format!("write 0.{digits}"), edits)
        })
    }

    fn word_out_of_place(&self, at: usize) -> Option<Mistake> {
        let check = matches!(self.word(0), "verify" | "require");
        let joins = matches!(self.word(at), "and" | "or");
        let over = (1..at).any(|before| matches!(self.word(before), "within" | "for"));
        if self.stop != self.range(at).start || !check || !joins || !over {
            return None;
        }
        let message = format!("`{}` stands after the end of a check over time", self.word(at));
        let advice = "`within` and `for` end a check: put the whole condition before them, or write two checks";
        Some(self.mistake(&codes::LATE_OPERATOR, at, message, advice.to_owned(), Vec::new()))
    }

    fn other(&self, at: usize) -> Option<Mistake> {
        let seen = self.word(at);
        let opens =
            at > 0 && matches!(self.kind(at - 1), Some(Kind::Open | Kind::Comma | Kind::Operator | Kind::Colon));
        let (code, message, advice) = match seen {
            "/" if opens => (
                &codes::UNCLOSED_TEXT,
                "this regular expression is not closed".to_owned(),
                "write `/` at its end; a slash inside is written \\/",
            ),
            "/" | "%" => (
                &codes::NO_DIVISION,
                format!("`{seen}` divides nothing here"),
                "there is no division: work the number out beforehand; a regular expression stands between slashes: /v[0-9]+/",
            ),
            "&" | "|" => (&codes::FOREIGN_OPERATOR, format!("`{seen}` is not an operator here"), "write `and` or `or`"),
            "'" | "`" | "“" | "”" | "‘" | "’" => (
                &codes::FOREIGN_QUOTES,
                "texts stand in straight double quotes".to_owned(),
                "begin and end the text with \"",
            ),
            "$" | "@" => (
                &codes::UNEXPECTED,
                format!("`{seen}` does not begin a value"),
                "values are named by their bare names, and inside texts as {{ name }}",
            ),
            _ => return None,
        };
        Some(self.mistake(code, at, message, advice.to_owned(), Vec::new()))
    }

    /// A name in quotes, or one that begins with a digit, after the word of a block.
    fn in_head(&self) -> Option<Mistake> {
        let named =
            words::BLOCKS.contains(&self.word(0)) || matches!(self.word(0), "plan" | "param" | "let" | "secret");
        if !named || self.stop > self.tokens.get(1)?.span.start as usize {
            return None;
        }
        let written = self.word(1);
        match self.kind(1)? {
            Kind::Text => {
                let inner = written.trim_matches('"');
                let edit = if text::is_name(inner) { vec![(self.range(1), format!(" {inner}"))] } else { Vec::new() };
                let message = format!("the name of a {} stands without quotes", self.word(0));
                let advice = "write a bare name, and a title in quotes after it: step deploy \"Ship it\" {";
                Some(self.mistake(&codes::BAD_NAME, 1, message, advice.to_owned(), edit))
            }
            Kind::Number => {
                let message = format!("the name `{written}` begins with a digit");
                let advice = format!("begin it with a letter: {}_{written}", self.word(0));
                let edit = vec![(self.range(1), format!("_{}", &written[1..]))];
                Some(self.mistake(&codes::BAD_NAME, 1, message, advice, edit))
            }
            _ => None,
        }
    }

    /// `let x 3`, `url "…"`, `url: "…"`
    fn missing_equals(&self) -> Option<Mistake> {
        let at = if matches!(self.word(0), "let" | "secret" | "remember") {
            2
        } else if self.entry {
            1 + 2 * (0..).take_while(|i| self.kind(2 * i + 1) == Some(Kind::Dot)).count()
        } else {
            return None;
        };
        if self.kind(at - 1) != Some(Kind::Word) || self.stop != self.range(at.min(self.tokens.len() - 1)).start {
            return None;
        }
        let name = self.word(at - 1);
        match self.kind(at)? {
            Kind::Colon => {
                let message = format!("`:` stands between `{name}` and its value");
                let edits = vec![(self.range(at), "=".to_owned())];
                Some(self.mistake(&codes::FOREIGN_CLAUSE, at, message, format!("write `{name} = …`"), edits))
            }
            Kind::Equals | Kind::Operator | Kind::Close | Kind::Comma => None,
            _ => {
                let start = self.range(at).start;
                let blank = start > self.range(at - 1).end;
                let edits = if blank { vec![(start - 1..start, "=".to_owned())] } else { Vec::new() };
                let message = format!("`=` is missing between `{name}` and its value");
                Some(self.mistake(&codes::MISSING_EQUALS, at, message, format!("write `{name} = …`"), edits))
            }
        }
    }

    /// What was found, and what could have stood there.
    pub(super) fn unexpected(&self) -> Diagnostic {
        let at =
            self.tokens.iter().position(|token| token.span.end as usize > self.stop && token.kind != Kind::Comment);
        let token = at.filter(|at| self.tokens[*at].kind != Kind::Newline);
        let expected = list(&self.expected);
        let (found, span) = match token {
            Some(at) => (describe(self.tokens[at].kind, self.word(at)), self.span(at)),
            None => {
                let end = self.tokens.iter().rev().find(|token| !matches!(token.kind, Kind::Newline | Kind::Comment));
                let end = self.base + end.map_or(0, |token| token.span.end as usize);
                (END_OF_LINE.to_owned(), Span::new(end, end))
            }
        };
        let advice = self.advice(at);
        Diagnostic::new(&codes::UNEXPECTED, span, format!("expected {expected}, found {found}")).advice(advice)
    }

    fn advice(&self, at: Option<usize>) -> String {
        let missing = |what: &str| self.expected.contains(&what);
        let first = self.word(0);
        if first == "param" && missing("`:`") {
            return "a parameter has a type: param name: string".to_owned();
        }
        if missing("`,`") && (missing("`)`") || missing("`]`") || missing("`}`")) {
            return "part the items with `,`, or close the bracket before".to_owned();
        }
        if missing("`,`") && at.is_some_and(|at| at > 0) && !missing("an operator") {
            return format!("part the names with commas: {first} a, b");
        }
        if let Some(shape) = words::shape(first) {
            return format!("the shape is `{shape}`");
        }
        match at {
            None => "go on, or end the line before with an operator or a comma where it continues".to_owned(),
            Some(_) => "take it away, or add what is missing before it".to_owned(),
        }
    }
}

fn list(words: &[&str]) -> String {
    match words {
        [] => "something else".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// A token in the words of a message.
pub(super) fn describe(kind: Kind, text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    match kind {
        Kind::Text | Kind::OpenText | Kind::ForeignText => format!("the text {short}"),
        Kind::Number => format!("the number `{short}`"),
        Kind::Regex => format!("the regular expression {short}"),
        Kind::Newline => END_OF_LINE.to_owned(),
        Kind::Comment | Kind::ForeignComment => "a comment".to_owned(),
        Kind::Word
        | Kind::Open
        | Kind::Close
        | Kind::Comma
        | Kind::Dot
        | Kind::DotDot
        | Kind::Colon
        | Kind::Equals
        | Kind::Operator
        | Kind::Mark
        | Kind::Semicolon
        | Kind::Other => format!("`{short}`"),
    }
}

/// Writes edits over a text without moving anything.
pub(super) fn apply(text: &mut String, edits: &[Edit]) -> bool {
    let mut changed = false;
    for (range, with) in edits {
        if with.len() <= range.len() {
            let padded = format!("{with:<width$}", width = range.len() - with.len() + with.chars().count());
            changed |= text[range.clone()] != padded;
            text.replace_range(range.clone(), &padded);
        }
    }
    changed
}
