//! Tokens of any text, right or wrong. pest reads what is right; this is for everything around it: limits and comments
//! before pest runs, cutting a broken file into pieces, saying what was found, and laying a file out anew.

use crate::source::Span;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a word of the language.
    Word,
    Number,
    /// `"…"`, `"""…"""` or `r"…"`
    Text,
    /// One of them without its end, to the end of the line, or of the file for a block.
    OpenText,
    Regex,
    /// `( [ {`
    Open,
    /// `) ] }`
    Close,
    Comma,
    Dot,
    DotDot,
    Colon,
    Equals,
    /// Infix and prefix operators, also those of other languages.
    Operator,
    /// `?`
    Mark,
    Newline,
    Comment,
    /// `// …` or `/* …`, to the end of the line.
    ForeignComment,
    /// A text in single or typographic quotes.
    ForeignText,
    Semicolon,
    /// Any other character.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

impl Token {
    pub(super) fn text<'s>(&self, source: &'s str) -> &'s str {
        &source[self.span.range()]
    }

    pub(super) fn is(&self, source: &str, text: &str) -> bool {
        self.text(source) == text
    }
}

/// Cuts a text into tokens; blanks are left out, everything else is in one of them.
pub(super) struct Lexer<'s> {
    text: &'s str,
    at: usize,
    /// A value ended just now: a slash after it is no regular expression.
    after_value: bool,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(text: &'s str) -> Self {
        let at = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
        Self { text, at, after_value: false }
    }

    fn bytes(&self) -> &'s [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// Bytes up to the end of the line, without a carriage return before it.
    fn rest_of_line(&self) -> usize {
        let rest = self.bytes();
        let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        if end > 0 && rest[end - 1] == b'\r' { end - 1 } else { end }
    }

    fn token(&self, first: u8) -> (Kind, usize) {
        let rest = self.bytes();
        match first {
            b'\n' => (Kind::Newline, 1),
            b'#' => (Kind::Comment, self.rest_of_line()),
            b'"' if rest.starts_with(b"\"\"\"") => self.quoted(b"\"\"\"", 3, false),
            b'"' => self.quoted(b"\"", 1, false),
            b'r' if rest.get(1) == Some(&b'"') => self.quoted(b"\"", 2, true),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => (Kind::Word, self.word()),
            b'0'..=b'9' => (Kind::Number, self.number()),
            b'(' | b'[' | b'{' => (Kind::Open, 1),
            b')' | b']' | b'}' => (Kind::Close, 1),
            b',' => (Kind::Comma, 1),
            b'.' if rest.starts_with(b"..") => (Kind::DotDot, 2),
            b'.' => (Kind::Dot, 1),
            b':' => (Kind::Colon, 1),
            b'?' => (Kind::Mark, 1),
            b';' => (Kind::Semicolon, 1),
            b'/' if matches!(rest.get(1), Some(b'/' | b'*')) => (Kind::ForeignComment, self.rest_of_line()),
            b'/' => self.regex(),
            b'\'' => self.foreign_text("'"),
            b'=' | b'!' | b'<' | b'>' | b'&' | b'|' | b'+' | b'-' | b'*' => self.operator(),
            128.. => self.wide(),
            _ => (Kind::Other, 1),
        }
    }

    fn word(&self) -> usize {
        let rest = &self.text[self.at..];
        let plain = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if rest.as_bytes().get(plain).is_none_or(u8::is_ascii) {
            return plain;
        }
        rest.find(|c: char| c != '_' && !pest::unicode::XID_CONTINUE(c)).unwrap_or(rest.len())
    }

    fn number(&self) -> usize {
        let rest = self.bytes();
        let digits = |from: usize| rest[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut len = digits(0);
        if rest.get(len) == Some(&b'.') && rest.get(len + 1).is_some_and(u8::is_ascii_digit) {
            len += 1 + digits(len + 1);
        }
        len + Self { text: self.text, at: self.at + len, after_value: false }.word()
    }

    fn quoted(&self, close: &[u8], open: usize, raw: bool) -> (Kind, usize) {
        let rest = self.bytes();
        let block = close.len() == 3;
        let mut at = open;
        while at < rest.len() {
            match rest[at] {
                b'\n' if !block => break,
                b'\\' if !raw && (block || rest.get(at + 1).is_some_and(|b| !matches!(b, b'\n' | b'\r'))) => at += 2,
                b'"' if rest[at..].starts_with(close) => return (Kind::Text, at + close.len()),
                _ => at += 1,
            }
        }
        (Kind::OpenText, if block { rest.len() } else { self.rest_of_line() })
    }

    fn regex(&self) -> (Kind, usize) {
        let rest = self.bytes();
        let mut at = 1;
        while !self.after_value && at < rest.len() && rest[at] != b'\n' {
            match rest[at] {
                b'/' => return (Kind::Regex, at + 1),
                b'\\' if rest.get(at + 1).is_some_and(|b| !matches!(b, b'\n' | b'\r')) => at += 2,
                _ => at += 1,
            }
        }
        (Kind::Other, 1)
    }

    fn operator(&self) -> (Kind, usize) {
        let rest = self.bytes();
        let known: [&[u8]; 15] =
            [b"===", b"!==", b"==", b"!=", b"<=", b">=", b"<>", b"&&", b"||", b"->", b"=>", b"<-", b"=~", b":=", b"+="];
        let len = known.iter().find(|known| rest.starts_with(known)).map_or(1, |known| known.len());
        match (rest[0], len) {
            (b'=', 1) => (Kind::Equals, 1),
            (b'&' | b'|', 1) => (Kind::Other, 1),
            _ => (Kind::Operator, len),
        }
    }

    fn foreign_text(&self, close: &str) -> (Kind, usize) {
        let line = &self.text[self.at..self.at + self.rest_of_line()];
        let open = line.chars().next().map_or(1, char::len_utf8);
        match line[open..].find(close) {
            Some(end) => (Kind::ForeignText, open + end + close.len()),
            None => (Kind::Other, open),
        }
    }

    fn wide(&self) -> (Kind, usize) {
        let first = self.text[self.at..].chars().next().expect("a byte stands here");
        match first {
            '“' | '”' | '„' => self.smart_text(&['”', '“', '"']),
            '‘' | '’' => self.smart_text(&['’', '‘']),
            '«' => self.foreign_text("»"),
            '「' => self.foreign_text("」"),
            _ if pest::unicode::XID_START(first) => (Kind::Word, self.word()),
            _ => (Kind::Other, first.len_utf8()),
        }
    }

    fn smart_text(&self, close: &[char]) -> (Kind, usize) {
        let line = &self.text[self.at..self.at + self.rest_of_line()];
        let open = line.chars().next().map_or(1, char::len_utf8);
        match line[open..].char_indices().find(|(_, c)| close.contains(c)) {
            Some((end, last)) => (Kind::ForeignText, open + end + last.len_utf8()),
            None => (Kind::Other, open),
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let blanks = self.bytes().iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
        self.at += blanks;
        let (kind, len) = self.token(*self.bytes().first()?);
        // An escape at the very end may reach over it, or into the middle of a character.
        let mut end = (self.at + len).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        let span = Span::new(self.at, end);
        self.at = end;
        self.after_value = matches!(kind, Kind::Number | Kind::Text | Kind::Close | Kind::Regex);
        Some(Token { kind, span })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        Lexer::new(text).map(|token| (token.kind, token.text(text))).collect()
    }

    #[test]
    fn a_hash_in_a_text_or_a_regex_is_no_comment() {
        let seen = kinds("a \"#\" /#/ # b");
        let expected = [(Kind::Word, "a"), (Kind::Text, "\"#\""), (Kind::Other, "/"), (Kind::Comment, "#/ # b")];
        assert_eq!(seen, expected);
        assert_eq!(kinds("f(/#/) # b")[2..], [(Kind::Regex, "/#/"), (Kind::Close, ")"), (Kind::Comment, "# b")]);
    }

    #[test]
    fn texts_end_where_they_end() {
        assert_eq!(
            kinds(r#""a\"b" r"c\" """d"e""" "f"#)[1..],
            [(Kind::Text, "r\"c\\\""), (Kind::Text, "\"\"\"d\"e\"\"\""), (Kind::OpenText, "\"f"),]
        );
    }

    #[test]
    fn every_byte_is_blank_or_in_a_token() {
        let text = "단계 “x” 'y' 5min…\\ /* ; \u{1F600} \"\\";
        let tokens: Vec<Token> = Lexer::new(text).collect();
        let mut at = 0;
        for token in tokens {
            assert!(text[at..token.span.start as usize].trim().is_empty());
            at = token.span.end as usize;
        }
        assert_eq!(at, text.len());
    }
}
