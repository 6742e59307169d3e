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

/// All topics with their titles, in the order of the reference page.
pub(super) static TOPICS: &[(&str, &[Function])] = &[
    ("Computing", pure::ENTRIES),
    ("Programs and people", process::ENTRIES),
    ("HTTP and services", http::ENTRIES),
    ("Files", files::ENTRIES),
    ("Repositories", repo::ENTRIES),
    ("Databases", database::ENTRIES),
    ("Migrations", migrations::ENTRIES),
    ("Telling others", notify::ENTRIES),
    ("Sources of secrets", sources::ENTRIES),
];
