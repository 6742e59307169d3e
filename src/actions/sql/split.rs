//! Cuts a text of SQL into its statements: quotes, comments and bodies are respected, nothing else is understood.

use super::Dialect;

/// One statement of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Statement<'a> {
    /// Without leading blanks and comments, and without its `;`.
    pub text: &'a str,
    /// Where it begins: bytes of the whole text.
    pub start: usize,
}

impl<'a> Statement<'a> {
    /// Its first words in upper case: what kind of statement it is.
    fn words(self, dialect: Dialect) -> impl Iterator<Item = String> + 'a {
        Lexer { text: self.text, at: 0, dialect }.filter_map(|token| match token {
            Token::Word(word) => Some(word.to_ascii_uppercase()),
            Token::Open | Token::Close | Token::End(_) | Token::Other => None,
        })
    }

    /// It begins or ends a transaction, which is the caller's to do.
    pub(crate) fn controls_transaction(self, dialect: Dialect) -> bool {
        let words: Vec<String> = self.words(dialect).take(3).collect();
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["BEGIN" | "COMMIT" | "END" | "ABORT", ..] => true,
            ["START" | "PREPARE", "TRANSACTION", ..] => true,
            ["ROLLBACK", "TO", ..] | ["ROLLBACK", "TRANSACTION" | "WORK", "TO"] => false,
            ["ROLLBACK", ..] => true,
            _ => false,
        }
    }

    /// Its count of rows means rows that were changed.
    pub(crate) fn changes_rows(self, dialect: Dialect) -> bool {
        let changes = |word: &str| matches!(word, "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "REPLACE");
        let mut depth = 0_usize;
        let mut outer = Lexer { text: self.text, at: 0, dialect }.filter_map(|token| match token {
            Token::Open => {
                depth += 1;
                None
            }
            Token::Close => {
                depth = depth.saturating_sub(1);
                None
            }
            Token::Word(word) if depth == 0 => Some(word.to_ascii_uppercase()),
            Token::Word(_) | Token::End(_) | Token::Other => None,
        });
        match outer.next().as_deref() {
            Some("WITH") => outer
                .find(|word| changes(word) || matches!(word.as_str(), "SELECT" | "VALUES" | "TABLE"))
                .is_some_and(|word| changes(&word)),
            Some(first) => changes(first),
            None => false,
        }
    }
}

/// The statements of a text, empty ones left out.
pub(crate) fn split(text: &str, dialect: Dialect) -> Vec<Statement<'_>> {
    let mut lexer = Lexer { text, at: 0, dialect };
    let mut found = Vec::new();
    let mut current = Body::default();
    loop {
        let before = lexer.at;
        let Some(token) = lexer.next() else { break };
        match token {
            Token::End(at) if current.closed() => {
                current.cut(text, at, &mut found);
                current = Body::default();
            }
            token => current.take(token, before, lexer.start_of_last(before), dialect),
        }
    }
    current.cut(text, text.len(), &mut found);
    found
}

/// What is open inside one statement.
#[derive(Default)]
struct Body {
    start: Option<usize>,
    parens: usize,
    /// `BEGIN` and `CASE` without their `END`.
    blocks: usize,
    words: Vec<String>,
}

impl Body {
    fn closed(&self) -> bool {
        self.parens == 0 && self.blocks == 0
    }

    fn take(&mut self, token: Token<'_>, before: usize, start: usize, dialect: Dialect) {
        self.start.get_or_insert(start.max(before));
        match token {
            Token::Open => self.parens += 1,
            Token::Close => self.parens = self.parens.saturating_sub(1),
            Token::Word(word) => self.word(word.to_ascii_uppercase(), dialect),
            Token::End(_) | Token::Other => {}
        }
    }

    /// Bodies of triggers (SQLite) and of SQL functions (`BEGIN ATOMIC`, PostgreSQL) hold statements of their own.
    fn word(&mut self, word: String, dialect: Dialect) {
        let creates = self.words.first().is_some_and(|first| first == "CREATE");
        let has = |wanted: &str| self.words.iter().any(|word| word == wanted);
        let may_hold = match dialect {
            Dialect::Sqlite => creates && has("TRIGGER"),
            Dialect::Postgres => creates && (has("FUNCTION") || has("PROCEDURE")),
        };
        match word.as_str() {
            "BEGIN" if may_hold && dialect == Dialect::Sqlite => self.blocks += 1,
            "ATOMIC" if may_hold && self.words.last().is_some_and(|last| last == "BEGIN") => self.blocks += 1,
            "CASE" if self.blocks > 0 => self.blocks += 1,
            "END" if self.blocks > 0 => self.blocks -= 1,
            _ => {}
        }
        // The head says what it is, the last word whether an ATOMIC follows a BEGIN.
        if self.words.len() >= 8 {
            self.words.remove(7);
        }
        self.words.push(word);
    }

    fn cut<'a>(&self, text: &'a str, end: usize, found: &mut Vec<Statement<'a>>) {
        if let Some(start) = self.start {
            found.push(Statement { text: text[start..end].trim_end(), start });
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Open,
    Close,
    /// A `;` and where it stands.
    End(usize),
    Other,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    dialect: Dialect,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Where the token that was read from `before` on begins: behind blanks and comments.
    fn start_of_last(&self, before: usize) -> usize {
        let mut lexer = Lexer { text: self.text, at: before, dialect: self.dialect };
        lexer.skip_space();
        lexer.at
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("--") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                self.at += self.comment(trimmed);
            } else {
                return;
            }
        }
    }

    /// The length of a `/* … */`; PostgreSQL nests them.
    fn comment(&self, text: &str) -> usize {
        let bytes = text.as_bytes();
        let (mut at, mut depth) = (2, 1);
        while at < bytes.len() && depth > 0 {
            match &bytes[at..bytes.len().min(at + 2)] {
                b"*/" => {
                    depth -= 1;
                    at += 2;
                }
                b"/*" if self.dialect == Dialect::Postgres => {
                    depth += 1;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        at
    }

    /// Passes a quoted part that ends with `close`; doubled ones (and, with `escapes`, what follows a backslash) are inside.
    fn quoted(&mut self, close: u8, escapes: bool) {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' if escapes => at += 2,
                byte if byte == close && bytes.get(at + 1) == Some(&close) && close != b']' => at += 2,
                byte if byte == close => {
                    at += 1;
                    break;
                }
                _ => at += 1,
            }
        }
        self.at = at.min(bytes.len());
    }

    /// `$$ … $$`, `$tag$ … $tag$`; false when this `$` begins none.
    fn dollar(&mut self) -> bool {
        let rest = self.rest();
        let Some(end) = rest[1..].find('$').map(|at| at + 1) else { return false };
        let tag = &rest[1..end];
        let name = |c: char| c == '_' || c.is_alphanumeric();
        if !tag.chars().all(name) || tag.starts_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let delimiter = &rest[..=end];
        let body = &rest[delimiter.len()..];
        let inside = body.find(delimiter).map_or(body.len(), |at| at + delimiter.len());
        self.at += delimiter.len() + inside;
        true
    }

    fn word(&mut self) -> Token<'a> {
        let rest = self.rest();
        let part = |c: char| c == '_' || c == '$' || c.is_alphanumeric();
        let len = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let word = &rest[..len];
        self.at += len;
        if word.eq_ignore_ascii_case("e") && self.dialect == Dialect::Postgres && self.rest().starts_with('\'') {
            self.quoted(b'\'', true);
            return Token::Other;
        }
        Token::Word(word)
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        let sqlite = self.dialect == Dialect::Sqlite;
        let first = self.rest().chars().next()?;
        let start = self.at;
        let token = match first {
            '\'' | '"' => {
                self.quoted(u8::try_from(first).unwrap_or(b'\''), false);
                Token::Other
            }
            '`' if sqlite => {
                self.quoted(b'`', false);
                Token::Other
            }
            '[' if sqlite => {
                self.quoted(b']', false);
                Token::Other
            }
            '$' if !sqlite && self.dollar() => Token::Other,
            c if c == '_' || c.is_alphanumeric() => self.word(),
            c => {
                self.at += c.len_utf8();
                match c {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    ';' => Token::End(start),
                    _ => Token::Other,
                }
            }
        };
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, dialect: Dialect) -> Vec<&str> {
        let found = split(text, dialect);
        found.iter().for_each(|s| assert!(text[s.start..].starts_with(s.text)));
        found.into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn quotes_comments_and_dollars_hide_semicolons() {
        let text = "-- first; comment\n select ';', \";\" /* ; /* ; */ ; */ ; insert into t values (E'\\';', $$;$$, $a$;$$;$a$, $1);;\n ";
        assert_eq!(
            texts(text, Dialect::Postgres),
            ["select ';', \";\" /* ; /* ; */ ; */", "insert into t values (E'\\';', $$;$$, $a$;$$;$a$, $1)",]
        );
        assert_eq!(
            texts("select [a;b], `c;d`, 'it''s;';select 2", Dialect::Sqlite),
            ["select [a;b], `c;d`, 'it''s;'", "select 2"]
        );
    }

    #[test]
    fn bodies_stay_whole() {
        let trigger =
            "create trigger t after insert on a begin update b set c = case when 1 then 2 end; delete from d; end";
        assert_eq!(texts(&format!("{trigger}; select 1"), Dialect::Sqlite), [trigger, "select 1"]);
        let function = "create or replace function f(begin int) returns int language sql begin atomic; select 1; select case when true then 1 end; end";
        assert_eq!(texts(&format!("{function}; select 1;"), Dialect::Postgres), [function, "select 1"]);
        let table = "create table t (begin int, \"end\" int)";
        assert_eq!(texts(&format!("{table};select 1"), Dialect::Postgres), [table, "select 1"]);
        let rule = "create rule r as on insert to t do (delete from a; delete from b)";
        assert_eq!(texts(&format!("{rule};"), Dialect::Postgres), [rule]);
    }

    #[test]
    fn transaction_control_is_told_from_savepoints() {
        let controls = |text: &str| split(text, Dialect::Postgres)[0].controls_transaction(Dialect::Postgres);
        for text in
            ["begin", "/* x */ Commit", "START TRANSACTION", "end;", "rollback", "abort", "prepare transaction 'x'"]
        {
            assert!(controls(text), "{text}");
        }
        for text in ["savepoint a", "rollback to a", "release a", "prepare p as select 1", "select 'begin'"] {
            assert!(!controls(text), "{text}");
        }
    }

    #[test]
    fn only_changed_rows_count() {
        let counts = |text: &str| split(text, Dialect::Postgres)[0].changes_rows(Dialect::Postgres);
        assert!(counts("insert into a select 1") && !counts("with x as (delete from a returning 1) select * from x"));
        assert!(counts("update a set b = 1") && counts("with y as materialized (values (1)) insert into a table y"));
        assert!(!counts("select 1") && !counts("create table a as select 1") && !counts("explain delete from a"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cut_without_losing_statements(text in "[a-z;'\"$/*\\-() \n가]{0,60}") {
            for dialect in [Dialect::Postgres, Dialect::Sqlite] {
                for statement in split(&text, dialect) {
                    proptest::prop_assert!(!statement.text.is_empty());
                    proptest::prop_assert_eq!(&text[statement.start..statement.start + statement.text.len()], statement.text);
                }
            }
        }
    }
}
