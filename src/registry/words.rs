//! Splits a command line into words, before any value is filled in: a value is always part of one argument.

use crate::model::{Expr, Piece, Template};

/// One argument of a command line, before values are filled in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Word<'a> {
    pub parts: Vec<WordPart<'a>>,
}

/// A piece of a [`Word`]; pieces that touch are one argument.
#[derive(Debug, Clone, PartialEq)]
pub enum WordPart<'a> {
    Text(String),
    Value(&'a Expr),
}

impl Word<'_> {
    /// The whole word, when no value is part of it.
    pub fn literal(&self) -> Option<String> {
        self.parts
            .iter()
            .map(|part| match part {
                WordPart::Text(text) => Some(text.as_str()),
                WordPart::Value(_) => None,
            })
            .collect()
    }

    fn push(&mut self, c: char) {
        match self.parts.last_mut() {
            Some(WordPart::Text(text)) => text.push(c),
            Some(WordPart::Value(_)) | None => self.parts.push(WordPart::Text(c.to_string())),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Quote {
    None,
    Single,
    Double,
}

/// Splits as `sh` does, without expanding anything: blanks part words; `'…'` holds everything as it is; in `"…"` a
/// backslash makes `"`, `\`, `$` and a backquote literal; outside quotes it does so for any character, and before an end of
/// line it joins the lines. `Err` says what is wrong with the text; the checker asks too.
pub fn split_words(template: &Template) -> Result<Vec<Word<'_>>, String> {
    let mut splitter = Splitter { words: Vec::new(), word: None, quote: Quote::None };
    for piece in &template.parts {
        match piece {
            Piece::Literal(text) => splitter.text(text)?,
            Piece::Value { expr, .. } => {
                splitter.word.get_or_insert_default().parts.push(WordPart::Value(expr));
            }
        }
    }
    splitter.end()
}

struct Splitter<'a> {
    words: Vec<Word<'a>>,
    word: Option<Word<'a>>,
    quote: Quote,
}

impl<'a> Splitter<'a> {
    fn text(&mut self, text: &str) -> Result<(), String> {
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match (self.quote, c) {
                (_, '\0') => return Err("a command line cannot hold a NUL character".to_owned()),
                (Quote::None, ' ' | '\t' | '\n' | '\r') => self.words.extend(self.word.take()),
                (Quote::None, '\'') => self.open(Quote::Single),
                (Quote::None, '"') => self.open(Quote::Double),
                (Quote::Single, '\'') | (Quote::Double, '"') => self.quote = Quote::None,
                (Quote::None | Quote::Double, '\\') => self.escape(chars.next())?,
                (Quote::None | Quote::Single | Quote::Double, c) => self.push(c),
            }
        }
        Ok(())
    }

    /// Also an empty pair of quotes is a word.
    fn open(&mut self, quote: Quote) {
        self.word.get_or_insert_default();
        self.quote = quote;
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn escape(&mut self, next: Option<char>) -> Result<(), String> {
        match next {
            None => return Err("the backslash has nothing after it; write `\\\\` for a backslash".to_owned()),
            Some('\n') => {}
            Some(c @ ('"' | '\\' | '$' | '`')) => self.push(c),
            Some(c) if self.quote == Quote::Double => {
                self.push('\\');
                self.push(c);
            }
            Some(c) => self.push(c),
        }
        Ok(())
    }

    fn end(mut self) -> Result<Vec<Word<'a>>, String> {
        match self.quote {
            Quote::None => {}
            Quote::Single => return Err("a `'` is not closed in this command line".to_owned()),
            Quote::Double => return Err("a `\"` is not closed in this command line".to_owned()),
        }
        self.words.extend(self.word.take());
        if self.words.is_empty() {
            return Err("the command line is empty".to_owned());
        }
        Ok(self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Result<Vec<String>, String> {
        let template = Template { parts: vec![Piece::Literal(text.to_owned())] };
        let words = split_words(&template)?;
        Ok(words.iter().map(|word| word.literal().expect("no values here")).collect())
    }

    #[test]
    fn words_are_split_as_sh_does() {
        let cases: [(&str, &[&str]); 10] = [
            ("echo a  b\t\nc", &["echo", "a", "b", "c"]),
            (r#"echo 'a b' "c d""#, &["echo", "a b", "c d"]),
            (r#"echo '' """#, &["echo", "", ""]),
            (r#"--name="x y"z'w'"#, &["--name=x yzw"]),
            (r"echo a\ b \\ \'", &["echo", "a b", r"\", "'"]),
            (r#"echo "a\"b\\c\d\$e""#, &["echo", r#"a"b\c\d$e"#]),
            (r"echo 'a\b'", &["echo", r"a\b"]),
            ("echo a\\\nb", &["echo", "ab"]),
            ("echo $HOME *.rs ~ | cat", &["echo", "$HOME", "*.rs", "~", "|", "cat"]),
            ("배포 시작", &["배포", "시작"]),
        ];
        for (text, words) in cases {
            assert_eq!(
                split(text).as_deref(),
                Ok(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()[..]),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_closed_is_named() {
        for (text, part) in
            [("echo 'a", "`'`"), ("echo \"a", "`\"`"), ("echo \\", "backslash"), (" \n", "empty"), ("a\0", "NUL")]
        {
            assert!(split(text).expect_err(text).contains(part), "{text}");
        }
    }
}
