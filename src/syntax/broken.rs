//! What can be kept of a piece that could not be read: the names that it defines and what kind of thing it is, so that no
//! later check complains about what is missing because of a mistake that has been reported.

use super::ast::{
    Alternative, Approve, Check, Clause, ClauseKind, Entry, Expr, ExprKind, Item, ItemKind, Loc, Name, NodeKind,
    Policy, ResourceKind, Text, TextStyle, TypeExpr,
};
use super::lex::Kind;
use super::pieces::{Cutter, Piece};
use super::read::Head;
use super::sink::RESERVED;
use super::text;

fn loc_of(cutter: &Cutter<'_>, piece: &Piece) -> Loc {
    let first = cutter.tokens[piece.first].span;
    let last = cutter.tokens[piece.end.max(piece.first + 1) - 1].span;
    Loc(first.to(last))
}

fn error(loc: Loc) -> Expr {
    Expr { kind: ExprKind::Error, loc }
}

fn no_text(loc: Loc) -> Text {
    Text { style: TextStyle::Plain, parts: Vec::new(), written: "\"\"".to_owned(), loc }
}

/// The name at a token, when one stands there; one in quotes counts too.
fn name_at(cutter: &Cutter<'_>, at: usize) -> Option<Name> {
    let written = cutter.word(at);
    let written = match cutter.kind(at)? {
        Kind::Word => written,
        Kind::Text => written.trim_matches('"'),
        _ => return None,
    };
    let fits = text::is_name(written) && !RESERVED.contains(&written);
    fits.then(|| Name { text: written.to_owned(), loc: Loc(cutter.tokens[at].span) })
}

/// The name after the first word of a piece.
pub(super) fn name_after(cutter: &Cutter<'_>, first: usize) -> Option<Name> {
    name_at(cutter, first + 1)
}

/// The head of a block that begins with the word `word`, or should.
pub(super) fn head(cutter: &Cutter<'_>, piece: &Piece, word: &str) -> Option<Head> {
    if word == "on" {
        return Some(Head::Hook { events: names(cutter, piece) });
    }
    let name = name_after(cutter, piece.first)?;
    let node = |kind, name| Head::Node { kind, name, title: None, each: each(cutter, piece) };
    Some(match word {
        "step" => node(NodeKind::Step, name),
        "gate" => node(NodeKind::Gate, name),
        "environment" => Head::Environment { name },
        "database" => Head::Resource { kind: ResourceKind::Database, name },
        "repo" => Head::Resource { kind: ResourceKind::Repo, name },
        "service" => Head::Resource { kind: ResourceKind::Service, name },
        _ => Head::Resource { kind: ResourceKind::Host, name },
    })
}

fn each(cutter: &Cutter<'_>, piece: &Piece) -> Option<(Name, Expr)> {
    let at = (piece.first..piece.end).find(|at| cutter.word(*at) == "for")?;
    Some((name_at(cutter, at + 1)?, error(loc_of(cutter, piece))))
}

/// The names of a list of names, as far as they can be read.
fn names(cutter: &Cutter<'_>, piece: &Piece) -> Vec<Name> {
    (piece.first + 1..piece.end).filter_map(|at| name_at(cutter, at)).collect()
}

/// A parameter, a secret or a value whose name can be read.
pub(super) fn item(cutter: &Cutter<'_>, piece: &Piece) -> Option<Item> {
    let loc = loc_of(cutter, piece);
    let name = name_after(cutter, piece.first)?;
    let kind = match cutter.word(piece.first) {
        // A json value compares with anything, so that no check finds fault with the type that could not be read.
        "param" => {
            let json = Name { text: "json".to_owned(), loc: name.loc };
            let ty = TypeExpr { name: json, args: Vec::new(), optional: false, loc: name.loc };
            ItemKind::Param { name, ty, default: Some(error(loc)) }
        }
        "secret" => ItemKind::Secret { name, source: error(loc) },
        "let" => ItemKind::Let { name, value: error(loc) },
        _ => return None,
    };
    Some(Item { kind, loc })
}

/// A value by the first or second word of a line that begins with no word we know.
pub(super) fn item_named(cutter: &Cutter<'_>, piece: &Piece) -> Option<Item> {
    let loc = loc_of(cutter, piece);
    let name = name_after(cutter, piece.first).or_else(|| name_at(cutter, piece.first))?;
    Some(Item { kind: ItemKind::Let { name, value: error(loc) }, loc })
}

/// `name = …` whose value could not be read.
pub(super) fn entry(cutter: &Cutter<'_>, piece: &Piece) -> Option<Entry> {
    let loc = loc_of(cutter, piece);
    let mut path = vec![name_at(cutter, piece.first)?];
    let mut at = piece.first;
    while cutter.kind(at + 1) == Some(Kind::Dot) {
        at += 2;
        path.extend(name_at(cutter, at));
    }
    Some(Entry { path, value: error(loc), loc })
}

/// A clause that begins with the word `word`, or should.
pub(super) fn clause(cutter: &Cutter<'_>, piece: &Piece, word: &str) -> Option<Clause> {
    let loc = loc_of(cutter, piece);
    let second = cutter.word(piece.first + 1);
    let two = matches!((word, second), ("only", "in") | ("verify", "undo") | ("done", "when") | ("on", "failure"));
    let first = cutter.tokens[piece.first].span;
    let word_loc = if two { first.to(cutter.tokens[piece.first + 1].span) } else { first };
    let kind = kind(cutter, piece, word, second, loc)?;
    Some(Clause { kind, word: Loc(word_loc), loc })
}

fn kind(cutter: &Cutter<'_>, piece: &Piece, word: &str, second: &str, loc: Loc) -> Option<ClauseKind> {
    let check = || Check { expr: error(loc), over: None, loc };
    Some(match word {
        "after" => ClauseKind::After(names(cutter, piece)),
        "only" => ClauseKind::OnlyIn(names(cutter, piece)),
        "when" => ClauseKind::When(error(loc)),
        "require" => ClauseKind::Require { check: check(), otherwise: None },
        "verify" if second == "undo" => ClauseKind::VerifyUndo { check: check(), otherwise: None },
        "verify" => ClauseKind::Verify { check: check(), otherwise: None },
        "remember" => ClauseKind::Remember { name: name_after(cutter, piece.first)?, value: error(loc) },
        "do" => ClauseKind::Do(error(loc)),
        "undo" if second == "nothing" => ClauseKind::UndoNothing(no_text(loc)),
        "undo" => ClauseKind::Undo(vec![Alternative { ask: second == "ask", action: error(loc), loc }]),
        "irreversible" => ClauseKind::Irreversible(no_text(loc)),
        "done" => ClauseKind::DoneWhen(error(loc)),
        "idempotent" => ClauseKind::Idempotent,
        "atomic" => ClauseKind::Atomic,
        "optional" => ClauseKind::Optional,
        "always" => ClauseKind::Always,
        "retry" => ClauseKind::Retry { times: error(loc), backoff: None },
        "timeout" => ClauseKind::Timeout(error(loc)),
        "on" if second == "failure" => ClauseKind::OnFailure(Policy::UndoAll),
        "on" => ClauseKind::On(name_after(cutter, piece.first)?),
        "env" => ClauseKind::Env(error(loc)),
        "in" => ClauseKind::In(error(loc)),
        "unattended" => ClauseKind::Unattended(no_text(loc)),
        "backup_of" => ClauseKind::BackupOf(name_after(cutter, piece.first)?),
        "show" => ClauseKind::Show(vec![error(loc)]),
        "checklist" => ClauseKind::Checklist(error(loc)),
        "approve" => {
            let approve = Approve { count: error(loc), of: error(loc), not_author: false, escalate: None };
            ClauseKind::Approve(approve)
        }
        "expires" => ClauseKind::Expires(error(loc)),
        "rehearsed" => ClauseKind::Rehearsed(error(loc)),
        _ => return None,
    })
}
