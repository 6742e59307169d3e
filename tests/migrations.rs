//! Migrations with the real tools on real databases: ways up and back, and what has deceived others.

#[path = "migrations/alembic.rs"]
mod alembic;
#[path = "migrations/files.rs"]
mod files;
#[path = "migrations/site.rs"]
mod site;
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod support;
