//! What is printed, where and in which colours.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::diag::{Problem, Style};
use crate::driver::codes;
use crate::{journal, template};

use super::args::ColorChoice;
use super::exit::Exit;

/// Standard output and error, with what the terminal can do.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    color_out: bool,
    color_err: bool,
    width: usize,
}

impl Output {
    /// Colours as asked for; `auto` means on a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    pub(super) fn new(choice: ColorChoice) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let plain = set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let wanted = |terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !plain,
        };
        let width = terminal_width().unwrap_or(100);
        Self { color_out: wanted(io::stdout().is_terminal()), color_err: wanted(io::stderr().is_terminal()), width }
    }

    /// How diagnostics are drawn on standard error.
    pub(super) fn style(self) -> Style {
        Style { color: self.color_err, unicode: true, width: self.width }
    }

    /// Whether standard output takes colours.
    pub(super) fn color(self) -> bool {
        self.color_out
    }

    /// A line on standard output.
    pub(super) fn line(self, text: &str) {
        self.text(&format!("{text}\n"));
    }

    /// Text on standard output. A closed pipe (`plan list | head`) is no error of ours.
    pub(super) fn text(self, text: &str) {
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// Text on standard error.
    pub(super) fn err(self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// A value as JSON on standard output.
    pub(super) fn json(self, value: &impl Serialize) {
        let text = serde_json::to_string_pretty(value).expect("our shapes have text keys and no failing parts");
        self.line(&text);
    }

    /// Says a problem on standard error and gives the exit code that goes with it.
    pub(super) fn problem(self, problem: &Problem) -> Exit {
        let (red, reset) = if self.color_err { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
        self.err(&format!("{red}×{reset} {problem}\n"));
        exit_of(problem)
    }
}

/// Which exit code a problem has.
fn exit_of(problem: &Problem) -> Exit {
    let usage = [&codes::BAD_VALUES, &codes::BAD_ARGUMENT, &codes::UNKNOWN_RUN, &codes::UNKNOWN_NODE];
    let templates = [&template::NO_TEMPLATE, &template::BAD_TEMPLATE, &template::BAD_PARAMETER];
    let no_run = [&journal::codes::RUN_NOT_FOUND, &journal::codes::RUN_AMBIGUOUS, &journal::codes::JOURNAL_MISSING];
    let findings = [&codes::INVALID_PLAN, &codes::NOT_AVAILABLE];
    let nothing = [&codes::PREFLIGHT_FAILED, &codes::MISSING_SECRET, &codes::SHORT_SECRET];
    let locked = [&codes::RESOURCE_LOCKED, &codes::RUN_HELD, &journal::codes::LEASE_HELD];
    let stale = [&codes::INCOMPATIBLE_ENGINE, &codes::AMEND_REFUSED];
    let usage_too = [&codes::DECISION_REFUSED, &codes::CONFIRMATION_NEEDED];
    let is = |list: &[&'static crate::diag::Code]| list.iter().any(|code| code.id == problem.code.id);
    match () {
        () if is(&usage) || is(&usage_too) || is(&no_run) || is(&templates) => Exit::Usage,
        () if is(&findings) => Exit::Findings,
        () if is(&nothing) => Exit::NothingDone,
        () if is(&locked) => Exit::Locked,
        () if is(&stale) || journal::codes::STALE.iter().any(|code| code.id == problem.code.id) => Exit::Stale,
        () => Exit::Internal,
    }
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col as usize)
}
