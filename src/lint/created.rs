//! What the file itself has made, so that changing it again harms nobody.

use std::collections::BTreeMap;

use super::names::Name;

/// What kind of thing a name stands for; names of one kind don't meet those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// A table, view, sequence or index: they share one space of names in PostgreSQL.
    Relation,
    Column,
    Schema,
    Routine,
    Other(u16),
}

/// How sure it is that the file made it, and that nothing but the file's own rows is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sure {
    /// `IF NOT EXISTS`, `OR REPLACE`, in a branch: it may have been there before.
    Maybe,
    /// It is new, but what is deleted in it can be elsewhere: a view, a foreign table.
    Made,
    /// A table of its own.
    Table,
}

type Key = (Kind, String, String);

/// The things made so far, and what a rollback takes away again.
#[derive(Debug, Default)]
pub(super) struct Created {
    things: BTreeMap<Key, (Sure, bool)>,
    /// Keys that were not there at the last `BEGIN`, with what was there before.
    log: Vec<(Key, Option<(Sure, bool)>)>,
    /// How often the search path was changed: a bare name means something else each time.
    paths: usize,
}

const TEMP: &str = "pg_temp";

impl Created {
    fn schema(&self, name: &Name) -> String {
        match (name.schema.as_str(), self.paths) {
            ("", 0) => "public".to_owned(),
            ("", n) => format!("?{n}"),
            (schema, _) => schema.to_owned(),
        }
    }

    fn set(&mut self, key: Key, value: Option<(Sure, bool)>) {
        let before = match value {
            Some(value) => self.things.insert(key.clone(), value),
            None => self.things.remove(&key),
        };
        self.log.push((key, before));
    }

    /// Notes something new.
    pub(super) fn add(&mut self, kind: Kind, name: &Name, sure: Sure) {
        let key = (kind, self.schema(name), name.name.clone());
        self.set(key, Some((sure, false)));
    }

    /// Notes a temporary relation, which hides others of its name and may end at `COMMIT`.
    pub(super) fn add_temporary(&mut self, name: &Name, sure: Sure, until_commit: bool) {
        self.set((Kind::Relation, TEMP.to_owned(), name.name.clone()), Some((sure, until_commit)));
    }

    fn key(&self, kind: Kind, name: &Name) -> Key {
        let temporary = (kind, TEMP.to_owned(), name.name.clone());
        if name.schema.is_empty() && kind == Kind::Relation && self.things.contains_key(&temporary) {
            return temporary;
        }
        (kind, self.schema(name), name.name.clone())
    }

    /// How sure it is that the file made this; nothing when it didn't.
    pub(super) fn sure(&self, kind: Kind, name: &Name) -> Option<Sure> {
        let own = self.things.get(&self.key(kind, name)).map(|thing| thing.0);
        let schema = Name { schema: String::new(), name: name.schema.clone() };
        let in_schema =
            || (!name.schema.is_empty() && kind == Kind::Relation).then(|| self.sure(Kind::Schema, &schema));
        own.or_else(|| in_schema().flatten().filter(|sure| *sure >= Sure::Made))
    }

    /// It is gone, or no longer the file's alone.
    pub(super) fn forget(&mut self, kind: Kind, name: &Name) {
        let key = self.key(kind, name);
        if self.things.contains_key(&key) {
            self.set(key, None);
        }
    }

    /// It may hold, or reach, rows that the file didn't write.
    pub(super) fn doubt(&mut self, name: &Name) {
        let key = self.key(Kind::Relation, name);
        if self.things.contains_key(&key) {
            self.set(key, Some((Sure::Maybe, false)));
        }
    }

    /// It has a new name; what had that name before is not meant any more.
    pub(super) fn rename(&mut self, kind: Kind, from: &Name, to: &Name) {
        let old = self.key(kind, from);
        let new = (kind, old.1.clone(), to.name.clone());
        let thing = self.things.get(&old).copied();
        self.set(old, None);
        self.set(new, thing);
    }

    /// The search path changed.
    pub(super) fn new_path(&mut self) {
        self.paths += 1;
    }

    /// A transaction begins.
    pub(super) fn begin(&mut self) {
        self.log.clear();
    }

    /// It is kept; temporary tables may end with it.
    pub(super) fn commit(&mut self) {
        self.things.retain(|_, thing| !thing.1);
        self.log.clear();
    }

    /// What was noted since its beginning never was.
    pub(super) fn rollback(&mut self) {
        for (key, before) in std::mem::take(&mut self.log).into_iter().rev() {
            match before {
                Some(thing) => self.things.insert(key, thing),
                None => self.things.remove(&key),
            };
        }
    }
}
