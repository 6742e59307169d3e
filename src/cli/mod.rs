//! The command line: reads arguments, calls the library, prints what comes back. No logic of its own.

mod annotate;
pub mod args;
mod check;
mod completions;
mod decide;
mod draw;
mod exit;
mod explain;
mod files;
mod given;
mod lint;
mod output;
mod progress;
mod run;
mod show;
mod template;

use std::ffi::OsString;
use std::future::Future;

use clap::Parser;

use crate::actions;
use crate::diag::Problem;

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
    if let Command::Reaper(reaper) = &cli.command {
        return actions::reaper_main(&reaper.run, &reaper.epoch.to_string());
    }
    let output = Output::new(cli.color);
    run(cli.command, &output).unwrap_or_else(|problem| output.problem(&problem)).code()
}

fn run(command: Command, output: &Output) -> Result<Exit, Problem> {
    match command {
        Command::Validate(args) => check::validate(&args, output),
        Command::Lint(args) => lint::lint(&args, output),
        Command::Fmt(args) => check::fmt(&args, output),
        Command::New(args) => template::new(&args, output),
        Command::Template(args) => template::template(&args, output),
        Command::Graph(args) => draw::graph(&args, output),
        Command::Simulate(args) => draw::simulate(&args, output),
        Command::Windows(args) => draw::windows(&args, output),
        Command::Preflight(args) => wait(run::preflight(&args, output)),
        Command::Run(args) => wait(run::run(&args, output)),
        Command::Resume(args) => wait(run::resume(&args, output)),
        Command::Rollback(args) => wait(run::rollback(&args, output)),
        Command::Cancel(args) => wait(run::cancel(&args, output)),
        Command::Resolve(args) => wait(decide::resolve(&args, output)),
        Command::Mark(args) => wait(decide::mark(&args, output)),
        Command::Retry(args) => wait(decide::retry(&args, output)),
        Command::Skip(args) => wait(decide::skip(&args, output)),
        Command::Amend(args) => wait(decide::amend(&args, output)),
        Command::Close(args) => wait(decide::close(&args, output)),
        Command::Approve(args) => wait(decide::approve(&args, output)),
        Command::Reject(args) => wait(decide::reject(&args, output)),
        Command::Status(args) => wait(show::status(&args, output)),
        Command::List(args) => wait(show::list(&args, output)),
        Command::Logs(args) => wait(show::logs(&args, output)),
        Command::Report(args) => wait(show::report(&args, output)),
        Command::Lock(args) => wait(show::lock(&args, output)),
        Command::Explain(args) => explain::explain(&args, output),
        Command::Completions(args) => {
            completions::completions(&args);
            Ok(Exit::Done)
        }
        Command::Reaper(_) => unreachable!("it was taken out before"),
    }
}

/// One thread for everything: a child process is spawned from one that lives as long as the run.
fn wait(work: impl Future<Output = Result<Exit, Problem>>) -> Result<Exit, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Problem::new(&crate::driver::codes::FILE_UNREADABLE, format!("the runtime cannot start: {error}"))
    })?;
    runtime.block_on(work)
}
