//! From pest's pairs to the clauses of steps, gates, environments and hooks.

use crate::source::Span;

use super::ast::{Alternative, Approve, Check, Clause, ClauseKind, Expr, Loc, Name, Over, Policy, Text, Window};
use super::read::{Children, Reader};
use super::rules::Rule;
use super::sink::Pair;

impl Reader<'_> {
    /// Reads one clause of any kind.
    pub(super) fn clause(&mut self, pair: Pair<'_>) -> Clause {
        let loc = self.sink.loc(&pair);
        let rule = pair.as_rule();
        let mut parts = Children::of(pair);
        let first = self.sink.span(&parts.need());
        let mut word = first;
        let second = match rule {
            Rule::only_in => Some(Rule::w_in),
            Rule::verify_undo => Some(Rule::w_undo),
            Rule::undo_nothing => Some(Rule::w_nothing),
            Rule::done_when => Some(Rule::w_when),
            Rule::on_failure => Some(Rule::w_failure),
            Rule::rehearsed => Some(Rule::w_within),
            _ => None,
        };
        if let Some(second) = second.and_then(|rule| parts.accept(rule)) {
            word = word.to(self.sink.span(&second));
        }
        let kind = self.clause_kind(rule, parts, word);
        Clause { kind, word: Loc(word), loc }
    }

    fn clause_kind(&mut self, rule: Rule, mut parts: Children<'_>, word: Span) -> ClauseKind {
        match rule {
            Rule::after => ClauseKind::After(self.names(parts.need())),
            Rule::only_in => ClauseKind::OnlyIn(self.names(parts.need())),
            Rule::when => ClauseKind::When(self.expr(parts.need())),
            Rule::require => {
                let (check, otherwise) = self.checked(parts);
                ClauseKind::Require { check, otherwise }
            }
            Rule::verify => {
                let (check, otherwise) = self.checked(parts);
                ClauseKind::Verify { check, otherwise }
            }
            Rule::verify_undo => {
                let (check, otherwise) = self.checked(parts);
                ClauseKind::VerifyUndo { check, otherwise }
            }
            Rule::remember => {
                let name = self.sink.name(&parts.need());
                ClauseKind::Remember { name, value: self.expr(parts.need()) }
            }
            Rule::do_action => ClauseKind::Do(self.expr(parts.need())),
            Rule::undo => {
                let alternatives = parts.filter(|part| part.as_rule() == Rule::alternative);
                ClauseKind::Undo(alternatives.map(|part| self.alternative(part)).collect())
            }
            Rule::undo_nothing => ClauseKind::UndoNothing(self.text(&parts.need())),
            Rule::irreversible => ClauseKind::Irreversible(self.text(&parts.need())),
            Rule::done_when => ClauseKind::DoneWhen(self.expr(parts.need())),
            Rule::idempotent => ClauseKind::Idempotent,
            Rule::atomic => ClauseKind::Atomic,
            Rule::optional => ClauseKind::Optional,
            Rule::always => ClauseKind::Always,
            Rule::retry => self.retry(parts),
            Rule::timeout => ClauseKind::Timeout(self.expr(parts.need())),
            Rule::on_host => ClauseKind::On(self.sink.name(&parts.need())),
            Rule::env_vars => ClauseKind::Env(self.map(parts.need()).0),
            Rule::in_dir => ClauseKind::In(self.expr(parts.need())),
            Rule::on_failure => ClauseKind::OnFailure(self.policy(parts.need())),
            _ => self.rarer_clause(rule, parts, word),
        }
    }

    fn rarer_clause(&mut self, rule: Rule, mut parts: Children<'_>, word: Span) -> ClauseKind {
        match rule {
            Rule::allow => {
                let lint = self.sink.name(&parts.need());
                ClauseKind::Allow { lint, reason: self.text(&parts.need()) }
            }
            Rule::unattended => ClauseKind::Unattended(self.text(&parts.need())),
            Rule::backup_of => ClauseKind::BackupOf(self.sink.name(&parts.need())),
            Rule::show => ClauseKind::Show(parts.map(|value| self.expr(value)).collect()),
            Rule::window => ClauseKind::Window(self.window(parts)),
            Rule::checklist => ClauseKind::Checklist(self.expr(parts.need())),
            Rule::approve => ClauseKind::Approve(self.approve(parts)),
            Rule::expires => ClauseKind::Expires(self.expr(parts.need())),
            Rule::rehearsed => ClauseKind::Rehearsed(self.expr(parts.need())),
            other => unreachable!("the grammar has no clause `{other:?}` at byte {}", word.start),
        }
    }

    fn names(&mut self, pair: Pair<'_>) -> Vec<Name> {
        Children::of(pair).map(|name| self.sink.name(&name)).collect()
    }

    /// `check [else "…"]`
    fn checked(&mut self, mut parts: Children<'_>) -> (Check, Option<Text>) {
        let check = self.check(parts.need());
        let otherwise = parts.next().map(|pair| {
            let text = Children::of(pair).nth(1).expect("`else` has a text");
            self.text(&text)
        });
        (check, otherwise)
    }

    fn check(&mut self, pair: Pair<'_>) -> Check {
        let loc = self.sink.loc(&pair);
        let mut parts = Children::of(pair);
        let expr = self.expr(parts.need());
        let over = parts.next().map(|pair| self.over(pair));
        Check { expr, over, loc }
    }

    fn over(&mut self, pair: Pair<'_>) -> Over {
        let within = pair.as_rule() == Rule::within;
        let mut parts = Children::of(pair).skip(1);
        let span = self.expr(parts.next().expect("a check over time has a length"));
        let mut every = None;
        let mut misses = None;
        for part in parts {
            let rule = part.as_rule();
            let value = self.after_word(part);
            if rule == Rule::every { every = Some(value) } else { misses = Some(value) }
        }
        if within { Over::Within { span, every } } else { Over::For { span, every, misses } }
    }

    /// The expression of `word expr`.
    fn after_word(&mut self, pair: Pair<'_>) -> Expr {
        let value = Children::of(pair).nth(1).expect("a value stands after the word");
        self.expr(value)
    }

    fn alternative(&mut self, pair: Pair<'_>) -> Alternative {
        let loc = self.sink.loc(&pair);
        let mut parts = Children::of(pair);
        let ask = parts.accept(Rule::w_ask).is_some();
        Alternative { ask, action: self.expr(parts.need()), loc }
    }

    fn retry(&mut self, mut parts: Children<'_>) -> ClauseKind {
        let times = self.expr(parts.need());
        let backoff = parts.accept(Rule::w_backoff).map(|_| {
            let least = self.expr(parts.need());
            (least, self.expr(parts.need()))
        });
        ClauseKind::Retry { times, backoff }
    }

    fn policy(&mut self, pair: Pair<'_>) -> Policy {
        match pair.as_rule() {
            Rule::undo_all => Policy::UndoAll,
            Rule::undo_some => {
                let names = Children::of(pair).nth(1).expect("`undo` has names");
                Policy::Undo(self.names(names))
            }
            Rule::ask => {
                let deadline = Children::of(pair).find(|part| part.as_rule() == Rule::term);
                Policy::Ask { then_undo_after: deadline.map(|value| self.expr(value)) }
            }
            _ => Policy::Stop,
        }
    }

    fn window(&mut self, mut parts: Children<'_>) -> Window {
        let hours = self.text(&parts.need());
        let days = parts.accept(Rule::days).map(|days| Children::of(days).skip(1).map(|day| self.day(day)).collect());
        let except = parts
            .accept(Rule::except)
            .map(|except| Children::of(except).skip(1).map(|text| self.text(&text)).collect());
        Window { hours, days: days.unwrap_or_default(), except: except.unwrap_or_default() }
    }

    fn day(&mut self, pair: Pair<'_>) -> (Name, Name) {
        let mut parts = Children::of(pair);
        let first = self.sink.name(&parts.need());
        let last = parts.next().map_or_else(|| first.clone(), |name| self.sink.name(&name));
        (first, last)
    }

    fn approve(&mut self, mut parts: Children<'_>) -> Approve {
        let count = self.expr(parts.need());
        let of = self.expr(parts.nth(1).expect("`approve` has `of` and a list"));
        let not_author = parts.accept(Rule::not_author).is_some();
        let escalate = parts.next().map(|pair| {
            let mut parts = Children::of(pair).skip(2);
            let to = self.expr(parts.next().expect("`escalate to` has a list"));
            (to, self.expr(parts.nth(1).expect("`after` has a duration")))
        });
        Approve { count, of, not_author, escalate }
    }
}
