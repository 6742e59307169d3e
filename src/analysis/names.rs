//! What the bare names of a plan stand for.

use std::collections::{HashMap, HashSet};

use crate::model::Ref;
use crate::source::Span;

/// One namespace: parameters, secrets, lets, resources, steps and gates.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashMap<String, (Ref, Span)>,
    /// Names with several declarations, which has been reported: nobody knows which one is meant.
    twice: HashSet<String>,
}

impl Names {
    /// Declares a name; gives the place of the earlier declaration when there is one.
    pub(super) fn declare(&mut self, name: &str, what: Ref, span: Span) -> Option<Span> {
        match self.known.get(name) {
            Some((_, earlier)) => {
                self.twice.insert(name.to_owned());
                Some(*earlier)
            }
            None => {
                self.known.insert(name.to_owned(), (what, span));
                None
            }
        }
    }

    /// What a name stands for, and where it was declared.
    pub(super) fn find(&self, name: &str) -> Option<(Ref, Span)> {
        self.known.get(name).copied()
    }

    /// Whether a name was declared more than once.
    pub(super) fn is_twice(&self, name: &str) -> bool {
        self.twice.contains(name)
    }

    /// Every name.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }
}

/// What a name stands for, in words.
pub(super) fn word(what: Ref) -> &'static str {
    match what {
        Ref::Param(_) => "a parameter",
        Ref::Secret(_) => "a secret",
        Ref::Let(_) => "a let",
        Ref::Resource(_) => "a resource",
        Ref::Node(_) => "a step or gate",
        Ref::Remembered(_) => "a remembered value",
        Ref::Item => "the item of a fan-out",
        Ref::Plan | Ref::Run | Ref::Env => "a name of the language",
    }
}

/// The known name nearest to a wrong one, when it is near enough to be meant.
pub(super) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lowered = wrong.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lowered, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1.max(name.chars().count().min(wrong.chars().count()) / 3))
        .min_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(b.1)))
        .map(|(_, name)| name)
}
