//! The `plan` program: arguments, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(plan::cli::main(std::env::args_os()))
}
