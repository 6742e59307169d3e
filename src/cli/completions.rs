//! `plan completions`: made from the same definition as the arguments.

use clap::CommandFactory;

use super::args::{Cli, Completions};

/// Prints the script for a shell.
pub(super) fn completions(args: &Completions) {
    clap_complete::generate(args.shell, &mut Cli::command(), "plan", &mut std::io::stdout());
}
