//! `plan`: a language for deploy plans, and an engine that runs them.
//!
//! Data flows one way: text → AST → Plan → Graph → engine events and commands → journal → views.

#![forbid(unsafe_code)]

pub mod actions;
pub mod analysis;
pub mod cli;
pub mod diag;
pub mod driver;
pub mod engine;
pub mod journal;
pub mod model;
pub mod registry;
pub mod source;
pub mod syntax;
pub mod template;
pub mod view;
