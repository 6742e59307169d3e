//! Reads a file that pest refused as a whole, piece by piece: the blocks are followed here, each piece is read by pest
//! through an entry rule of its own. One mistake gives one diagnostic, and the rest of the file is read all the same.

use pest::Parser;

use crate::diag::{Code, Diagnostic};
use crate::source::Span;

use super::ast::{Clause, Item, ItemKind, Loc, Name, NodeDecl, PlanDecl, Text};
use super::blocks::{Block, BlockKind, Read};
use super::lex::Kind;
use super::mistakes::{self, Failed};
use super::pieces::{Cutter, Flaw, Piece};
use super::read::{Head, Reader};
use super::rules::{PlanParser, Rule};
use super::{Limits, broken, codes, words};

pub(super) struct Recovery<'a> {
    cutter: Cutter<'a>,
    reader: Reader<'a>,
    at: usize,
    blocks: Vec<Block>,
    plan: Option<(Name, Option<Text>, u32)>,
    items: Vec<Item>,
    /// Braces that are opened and never closed, less the ones reported; negative when some close nothing.
    balance: isize,
    /// A text swallowed the rest of the file.
    cut_off: bool,
}

/// Reads a broken file. The tree is `None` when there is no `plan name {`.
pub(super) fn recover(text: &str, limits: &Limits) -> (Option<PlanDecl>, Vec<Diagnostic>) {
    let cutter = Cutter::new(text);
    let mut recovery = Recovery {
        balance: cutter.balance(),
        cutter,
        reader: Reader::new(limits),
        at: 0,
        blocks: Vec::new(),
        plan: None,
        items: Vec::new(),
        cut_off: false,
    };
    recovery.run();
    let items = recovery.items;
    let end = text.trim_end().len();
    let plan = recovery.plan.map(|(name, title, start)| {
        let loc = Loc(Span::new(start as usize, end));
        PlanDecl { name, title, items, loc }
    });
    (plan, recovery.reader.sink.found)
}

impl Recovery<'_> {
    fn run(&mut self) {
        self.at = self.cutter.significant(0);
        if !self.open_plan() {
            return;
        }
        while !self.blocks.is_empty() {
            self.at = self.cutter.significant(self.at);
            match (self.cutter.kind(self.at), self.cutter.word(self.at)) {
                (None, _) => return self.end_of_file(),
                (Some(Kind::Semicolon), _) => {
                    let advice = "end the line instead";
                    self.report_at(self.at, &codes::FOREIGN_MARK, "`;` ends nothing here", advice);
                    self.at += 1;
                }
                (Some(Kind::ForeignComment), word) => {
                    let message = format!("`{}` does not begin a comment", &word[..2]);
                    self.report_at(self.at, &codes::FOREIGN_MARK, message, "begin the comment with `#`");
                    self.at += 1;
                }
                (Some(Kind::Close), "}") => self.close_brace(),
                (Some(_), _) => self.one_piece(),
            }
        }
        self.after_plan();
    }

    fn report_at(&mut self, at: usize, code: &'static Code, message: impl Into<String>, advice: impl Into<String>) {
        let span = self.cutter.tokens[at].span;
        self.reader.sink.report(code, span, message, advice);
    }

    fn open_plan(&mut self) -> bool {
        let first = self.at;
        let word = self.cutter.word(first);
        if word != "plan" {
            let known = words::nearest(word, ["plan"].into_iter()).is_some();
            let message = if known {
                format!("`{word}` stands where `plan` was expected")
            } else {
                "a plan file begins with `plan name {`, and everything stands inside it".to_owned()
            };
            self.report_at(first, &codes::NO_PLAN, message, "write `plan name \"title\" {` first, and `}` at the end");
            return false;
        }
        let piece = self.cutter.piece(first);
        self.at = piece.end;
        let head = match self.read(Rule::head_only, &piece) {
            Some(Read::Head(Head::Plan { name, title })) => Some((name, title)),
            _ => broken::name_after(&self.cutter, first).map(|name| (name, None)),
        };
        let opened = piece.opens || self.block_follows(&piece, head.is_some());
        if !opened {
            return false;
        }
        let start = self.cutter.tokens[first].span.start;
        self.plan = head.map(|(name, title)| (name, title, start));
        self.push(BlockKind::Plan, None, first);
        true
    }

    fn push(&mut self, kind: BlockKind, head: Option<Head>, first: usize) {
        let brace = self.cutter.tokens[self.at.saturating_sub(1)].span;
        self.blocks.push(Block { kind, head, first, brace, entries: Vec::new(), clauses: Vec::new() });
    }

    /// Whether the lines after a head without a brace are its block all the same; steps over a brace on a line of its own.
    fn block_follows(&mut self, piece: &Piece, plan: bool) -> bool {
        let next = self.cutter.significant(self.at);
        if self.cutter.word(next) == "{" {
            self.at = next + 1;
            return true;
        }
        let swallowed =
            matches!(piece.flaw, Some(Flaw::OpenText(at)) if self.cutter.word(at).trim_end().ends_with('{'));
        let deeper = next < self.cutter.tokens.len() && self.cutter.column(next) > self.cutter.column(piece.first);
        if deeper && !swallowed {
            self.balance += 1;
        }
        swallowed || deeper || plan
    }

    /// Reads one piece in the block that is open.
    fn one_piece(&mut self) {
        let piece = self.cutter.piece(self.at);
        let kind = self.blocks.last().map_or(BlockKind::Plan, |block| block.kind);
        if kind != BlockKind::Plan && self.is_item(&piece) {
            return self.item_in_block(piece);
        }
        self.at = piece.end.max(self.at + 1);
        match kind {
            BlockKind::Plan => self.item(&piece),
            BlockKind::Resource => self.entry(&piece),
            BlockKind::Environment | BlockKind::Clauses => self.clause(&piece, kind),
            BlockKind::Unknown => {
                if piece.opens {
                    self.push(BlockKind::Unknown, None, piece.first);
                }
            }
        }
    }

    /// Whether a piece can only be an item of the plan.
    fn is_item(&self, piece: &Piece) -> bool {
        let word = self.cutter.word(piece.first);
        let names = self.cutter.kind(piece.first + 1) == Some(Kind::Word);
        (piece.opens && words::BLOCKS.contains(&word)) || (names && matches!(word, "param" | "secret" | "let"))
    }

    /// An item inside a block: the block above was never closed, or the item stands in the wrong place.
    fn item_in_block(&mut self, piece: Piece) {
        let block = self.blocks.last().expect("a block is open");
        let outside = self.cutter.column(piece.first) <= self.cutter.column(block.first);
        if self.balance > 0 && (piece.opens || outside) {
            self.unclosed();
            return;
        }
        let word = self.cutter.word(piece.first);
        let message = format!("`{word}` stands inside another block");
        let advice = format!("move the {word} out, next to the blocks of the plan");
        self.report_at(piece.first, &codes::MISPLACED, message, advice);
        self.at = piece.end;
        self.item(&piece);
    }

    /// Reports the innermost block as unclosed and closes it.
    fn unclosed(&mut self) {
        self.balance -= 1;
        let Some(block) = self.blocks.last() else { return };
        let word = self.cutter.word(block.first).to_owned();
        let name = self.cutter.word(block.first + 1);
        let what = if self.cutter.kind(block.first + 1) == Some(Kind::Word) { format!("{word} {name}") } else { word };
        let advice = "write `}` on a line of its own after the last clause of the block";
        let message = format!("the block of `{what}` is not closed");
        let found = Diagnostic::new(&codes::UNCLOSED_BLOCK, block.brace, message).label("opened here").advice(advice);
        self.reader.sink.found.push(found);
        let end = self.cutter.tokens[self.at.saturating_sub(1).min(self.cutter.tokens.len() - 1)].span.end;
        self.close_block(end);
    }

    fn close_brace(&mut self) {
        let column = self.cutter.column(self.at);
        let leads = self.cutter.leads_line(self.at);
        let fits = |block: &Block| self.cutter.column(block.first) == column;
        if leads && self.balance > 0 && self.blocks.len() > 1 {
            let outer = self.blocks[..self.blocks.len() - 1].iter().any(fits);
            if outer && !self.blocks.last().is_some_and(fits) {
                return self.unclosed();
            }
        }
        let more = self.cutter.significant(self.at + 1) < self.cutter.tokens.len();
        let too_early =
            self.balance < 0 && self.blocks.len() == 1 && more && !(leads && self.blocks.first().is_some_and(fits));
        if too_early {
            self.balance += 1;
            let advice = "take it away: nothing but the plan itself is open here";
            self.report_at(self.at, &codes::STRAY_CLOSER, "this `}` closes nothing", advice);
            self.at += 1;
            return;
        }
        let end = self.cutter.tokens[self.at].span.end;
        self.at += 1;
        self.close_block(end);
    }

    fn close_block(&mut self, end: u32) {
        let Some(block) = self.blocks.pop() else { return };
        let loc = Loc(Span { start: self.cutter.tokens[block.first].span.start, end });
        let Block { entries, clauses, .. } = block;
        let kind = match block.head {
            Some(Head::Node { kind, name, title, each }) => {
                ItemKind::Node(NodeDecl { kind, name, title, each, clauses, loc })
            }
            Some(Head::Resource { kind, name }) => ItemKind::Resource { kind, name, entries },
            Some(Head::Environment { name }) => ItemKind::Environment { name, entries, policies: clauses },
            Some(Head::Hook { events }) => ItemKind::Hook { events, clauses },
            Some(Head::Plan { .. }) | None => return,
        };
        self.items.push(Item { kind, loc });
    }

    fn end_of_file(&mut self) {
        if self.cut_off {
            while let Some(block) = self.blocks.last() {
                let end = block.brace.end;
                self.close_block(end);
            }
            return;
        }
        self.unclosed();
        while !self.blocks.is_empty() {
            let end = self.cutter.tokens.last().map_or(0, |token| token.span.end);
            self.close_block(end);
        }
    }

    fn after_plan(&mut self) {
        let next = self.cutter.significant(self.at);
        if next >= self.cutter.tokens.len() {
            return;
        }
        if self.cutter.word(next) == "plan" {
            let advice = "move it into a file of its own; a plan runs another with the action `plan(\"other.plan\")`";
            self.report_at(next, &codes::SECOND_PLAN, "a file holds one plan, and this is a second", advice);
        } else {
            let advice = "only comments stand there; perhaps a `}` above closes the plan too early";
            self.report_at(next, &codes::AFTER_PLAN, "text after the end of the plan", advice);
        }
    }

    /// Reads a piece that stands in the plan itself.
    fn item(&mut self, piece: &Piece) {
        let word = self.cutter.word(piece.first);
        if words::BLOCKS.contains(&word) && (piece.opens || !self.is_policy(piece)) {
            return self.head(piece, None);
        }
        if words::LINES.contains(&word) {
            match self.read(Rule::item_only, piece) {
                Some(Read::Item(item)) => self.items.push(item),
                _ => self.items.extend(broken::item(&self.cutter, piece)),
            }
            return;
        }
        if self.cutter.begins_entry(piece.first) {
            let advice =
                format!("a value of the plan is written `let {word} = …`, a parameter `param {word}: type = …`");
            self.report_at(piece.first, &codes::MISPLACED, "`name = value` stands in the plan itself", advice);
            self.items.extend(broken::item_named(&self.cutter, piece));
            return;
        }
        if words::is_clause(word) && !piece.opens {
            let message = format!("the clause `{word}` stands outside of a step");
            let advice = "move it into a step, a gate or an environment";
            return self.report_at(piece.first, &codes::MISPLACED, message, advice);
        }
        self.unknown_item(piece, word);
    }

    /// `on failure undo …` outside of a block is a clause, not a hook.
    fn is_policy(&self, piece: &Piece) -> bool {
        self.cutter.word(piece.first) == "on" && matches!(self.cutter.word(piece.first + 2), "undo" | "ask" | "stop")
    }

    /// A line that begins with an operator: most likely the line before should have gone on.
    fn leading_operator(&mut self, piece: &Piece, word: &str) -> bool {
        let over = matches!(word, "within" | "every" | "misses");
        let leads = self.cutter.kind(piece.first) == Some(Kind::Operator) || over;
        if leads {
            let message = format!("no line begins with `{word}`");
            let advice =
                if over { "write it on the line of its check" } else { "write it at the end of the line before" };
            self.report_at(piece.first, &codes::UNEXPECTED, message, advice);
        }
        leads
    }

    fn unknown_item(&mut self, piece: &Piece, word: &str) {
        if self.leading_operator(piece, word) {
            return;
        }
        let known = words::BLOCKS.iter().chain(&words::LINES).copied();
        let meant = words::foreign_item(word).or_else(|| words::nearest(word, known));
        let message = format!("{} is no item of a plan", self.describe(piece.first));
        let advice = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                "a plan holds param, secret, let, database, repo, service, host, environment, step, gate, on and allow"
                    .to_owned()
            }
        };
        self.report_at(piece.first, &codes::UNKNOWN_ITEM, message, advice);
        match meant {
            Some(meant) if words::BLOCKS.contains(&meant) => self.head(piece, Some(meant)),
            Some(_) => self.items.extend(broken::item_named(&self.cutter, piece)),
            None if piece.opens => self.push(BlockKind::Unknown, None, piece.first),
            None => {}
        }
    }

    fn describe(&self, at: usize) -> String {
        self.cutter
            .kind(at)
            .map_or_else(|| "the end of the file".to_owned(), |k| mistakes::describe(k, self.cutter.word(at)))
    }

    /// Reads the head of a block; `meant` stands for a first word that was wrong and has been reported.
    fn head(&mut self, piece: &Piece, meant: Option<&str>) {
        let word = meant.unwrap_or_else(|| self.cutter.word(piece.first));
        let read = if meant.is_none() { self.read(Rule::head_only, piece) } else { None };
        let head = match read {
            Some(Read::Head(head)) => Some(head),
            _ => broken::head(&self.cutter, piece, word),
        };
        if !piece.opens && !self.block_follows(piece, false) {
            if let Some(head) = head {
                self.push(BlockKind::Clauses, Some(head), piece.first);
                self.close_block(self.cutter.tokens[self.at.saturating_sub(1)].span.end);
            }
            return;
        }
        let kind = match word {
            "environment" => BlockKind::Environment,
            "step" | "gate" | "on" => BlockKind::Clauses,
            _ => BlockKind::Resource,
        };
        self.push(kind, head, piece.first);
    }

    /// Reads a line of a resource.
    fn entry(&mut self, piece: &Piece) {
        let word = self.cutter.word(piece.first);
        let named = matches!(self.cutter.kind(piece.first + 1), Some(Kind::Equals | Kind::Colon | Kind::Dot));
        let value = matches!(self.cutter.kind(piece.first + 1), Some(Kind::Text | Kind::Number));
        if words::is_clause(word) && !named && !(value && word == "env") {
            let message = format!("the clause `{word}` stands in a resource");
            let advice = "a resource holds `name = value`; clauses stand in steps, gates and environments";
            return self.report_at(piece.first, &codes::MISPLACED, message, advice);
        }
        let read = match self.read(Rule::entry_only, piece) {
            Some(Read::Entry(entry)) => Some(entry),
            _ => broken::entry(&self.cutter, piece),
        };
        if let (Some(entry), Some(block)) = (read, self.blocks.last_mut()) {
            block.entries.push(entry);
        }
    }

    /// Reads a line of a step, a gate, a hook or an environment.
    fn clause(&mut self, piece: &Piece, kind: BlockKind) {
        let word = self.cutter.word(piece.first);
        let assigned = self.cutter.begins_entry(piece.first);
        let dotted = self.cutter.kind(piece.first + 1) == Some(Kind::Dot);
        if kind == BlockKind::Environment && (assigned || dotted) {
            return self.entry(piece);
        }
        let second = self.cutter.kind(piece.first + 1);
        if matches!(second, Some(Kind::Equals | Kind::Colon))
            || (words::foreign_clause(word).is_some() && piece.flaw.is_none())
        {
            return self.foreign_clause(piece, kind);
        }
        if assigned || !words::is_clause(word) {
            return self.unknown_clause(piece, word);
        }
        let read = match self.read(Rule::clause_only, piece) {
            Some(Read::Clause(clause)) => Some(clause),
            _ => broken::clause(&self.cutter, piece, word),
        };
        self.keep(read);
    }

    fn keep(&mut self, clause: Option<Clause>) {
        if let (Some(clause), Some(block)) = (clause, self.blocks.last_mut()) {
            block.clauses.push(clause);
        }
    }

    /// `timeout: 5m`, `depends_on: [a]`, `rollback x()`: reported, and read as what is meant.
    fn foreign_clause(&mut self, piece: &Piece, kind: BlockKind) {
        let word = self.cutter.word(piece.first);
        let marked = matches!(self.cutter.kind(piece.first + 1), Some(Kind::Equals | Kind::Colon));
        let foreign = words::foreign_clause(word);
        if foreign.is_none() && !words::is_clause(word) {
            if kind == BlockKind::Environment {
                return self.entry(piece);
            }
            return self.unknown_clause(piece, word);
        }
        let (meant, advice) = foreign.unwrap_or((Some(word), ""));
        let shape = words::shape(word).unwrap_or("timeout 10m");
        let (message, advice) = if advice.is_empty() {
            let mark = self.cutter.word(piece.first + 1);
            (format!("a clause takes no `{mark}` after its first word"), format!("write `{shape}`"))
        } else {
            (format!("`{word}` is not a clause here"), advice.to_owned())
        };
        self.report_at(piece.first, &codes::FOREIGN_CLAUSE, message, advice);
        let Some(meant) = meant else { return };
        let mut text = self.text_of(piece).to_owned();
        let base = self.start_of(piece);
        let range = |at: usize| {
            let range = self.cutter.tokens[at].span.range();
            range.start - base..range.end - base
        };
        let mut edits = Vec::new();
        if meant.len() <= word.len() {
            edits.push((range(piece.first), meant.to_owned()));
        }
        if marked {
            edits.push((range(piece.first + 1), String::new()));
        }
        if meant == "after" {
            let bracket = |at: &usize| matches!(self.cutter.word(*at), "[" | "]");
            edits.extend((piece.first..piece.end).filter(bracket).map(|at| (range(at), String::new())));
        }
        mistakes::apply(&mut text, &edits);
        let read = match self.parse(Rule::clause_only, &text, base) {
            Ok(Read::Clause(clause)) => Some(clause),
            Ok(_) | Err(_) => broken::clause(&self.cutter, piece, meant),
        };
        self.keep(read);
    }

    fn unknown_clause(&mut self, piece: &Piece, word: &str) {
        if self.leading_operator(piece, word) {
            return;
        }
        let second = self.cutter.word(piece.first + 1);
        if matches!(second, "->" | "=>" | "<-") {
            let message = format!("`{second}` does not say an order here");
            let advice = "write `after` in the step that comes later: after build, test";
            return self.report_at(piece.first + 1, &codes::FOREIGN_OPERATOR, message, advice);
        }
        let known = words::CLAUSES.iter().copied().chain(["rehearsed"]);
        let meant = words::nearest(word, known);
        let (code, message) = if self.cutter.begins_entry(piece.first) {
            (&codes::MISPLACED, "`name = value` stands in resources and environments".to_owned())
        } else {
            (&codes::UNKNOWN_CLAUSE, format!("{} begins no clause", self.describe(piece.first)))
        };
        let advice = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if code == &codes::MISPLACED => {
                "observe a value with `remember name = …`, or define one for the plan with `let`".to_owned()
            }
            None => {
                "the clauses of a step are after, only in, when, require, remember, do, verify, undo and some more: \
                     `plan explain P0114`"
                    .to_owned()
            }
        };
        self.report_at(piece.first, code, message, advice);
        if let Some(meant) = meant {
            let clause = broken::clause(&self.cutter, piece, meant);
            self.keep(clause);
        }
        if piece.opens {
            self.push(BlockKind::Unknown, None, piece.first);
        }
    }

    fn start_of(&self, piece: &Piece) -> usize {
        self.cutter.tokens[piece.first].span.start as usize
    }

    fn text_of(&self, piece: &Piece) -> &str {
        let end = self.cutter.tokens[piece.end.max(piece.first + 1) - 1].span.end as usize;
        &self.cutter.text[self.start_of(piece)..end]
    }

    /// Reads a piece by an entry rule and reports what is wrong with it.
    fn read(&mut self, rule: Rule, piece: &Piece) -> Option<Read> {
        if let Some(flaw) = piece.flaw {
            self.cut_off |= match flaw {
                Flaw::OpenText(at) => self.cutter.word(at).starts_with("\"\"\""),
                // The rest of the file lies in the bracket: what else is not closed has the same cause.
                Flaw::OpenBracket(_) => piece.end == self.cutter.tokens.len(),
                Flaw::Mismatch(..) | Flaw::Stray(_) => false,
            };
            self.reader.sink.found.push(flaw.found(&self.cutter));
            return None;
        }
        if self.nested_too_deep(piece) {
            return None;
        }
        let base = self.start_of(piece);
        let mut text = self.text_of(piece).to_owned();
        let mut first = true;
        // Each round mends one mistake, and each takes the reader further.
        for _ in 0..8 {
            let error = match self.parse(rule, &text, base) {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let failed = Failed::new(&text, base, &error, rule == Rule::entry_only);
            let Some(mistake) = failed.known() else {
                if first {
                    let found = failed.unexpected();
                    self.reader.sink.found.push(found);
                }
                return None;
            };
            self.reader.sink.found.push(mistake.found);
            first = false;
            if !mistakes::apply(&mut text, &mistake.edits) {
                return None;
            }
        }
        None
    }

    fn parse(&mut self, rule: Rule, text: &str, base: usize) -> Result<Read, Box<pest::error::Error<Rule>>> {
        let entry = PlanParser::parse(rule, text)?.next().expect("an entry rule yields itself");
        let pair = entry.into_inner().find(|pair| pair.as_rule() != Rule::nl).expect("an entry rule holds one thing");
        self.reader.sink.base = base;
        self.reader.clause = u32::try_from(base).unwrap_or(u32::MAX);
        let read = match pair.as_rule() {
            Rule::plan_head | Rule::node_head | Rule::resource_head | Rule::environment_head | Rule::hook_head => {
                Read::Head(self.reader.head(pair))
            }
            Rule::entry => Read::Entry(self.reader.entry(pair)),
            _ if rule == Rule::item_only => Read::Item(self.reader.item(pair)),
            _ => Read::Clause(self.reader.clause(pair)),
        };
        self.reader.sink.base = 0;
        Ok(read)
    }

    fn nested_too_deep(&mut self, piece: &Piece) -> bool {
        let mut depth = self.blocks.len();
        for at in piece.first..piece.end {
            match self.cutter.tokens[at].kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > self.reader.limits.nesting {
                let message = format!("brackets lie more than {} deep", self.reader.limits.nesting);
                let advice = "give the inner parts a name with `let`";
                self.report_at(at, &codes::NESTING_TOO_DEEP, message, advice);
                return true;
            }
        }
        false
    }
}
