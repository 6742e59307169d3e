//! The command line: reads arguments, calls the library, prints what comes back. No logic of its own.

pub mod args;
mod check;
mod exit;
mod files;
mod output;

use std::ffi::OsString;

use clap::Parser;

use args::{Cli, Command};
use output::Output;

pub use exit::Exit;

/// Carries a command line out and gives the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are "errors" that go to standard output with code 0.
            let code = if error.use_stderr() { Exit::Usage.code() } else { Exit::Done.code() };
            let _ = error.print();
            return code;
        }
    };
    let output = Output::new(cli.color);
    run(cli.command, &output).unwrap_or_else(|error| output.problem(&error)).code()
}
