//! The entries, by topic.

mod database;
mod files;
mod http;
mod make;
mod migrations;
mod notify;
mod process;
mod pure;
mod repo;
mod sources;
mod types;

use super::Function;

/// All topics, in the order of the reference page.
pub(super) static ALL: &[&[Function]] = &[
    pure::ENTRIES,
    process::ENTRIES,
    http::ENTRIES,
    files::ENTRIES,
    repo::ENTRIES,
    database::ENTRIES,
    migrations::ENTRIES,
    notify::ENTRIES,
    sources::ENTRIES,
];
