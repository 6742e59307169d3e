//! Diagnostics: what is wrong, where, why, and what to do next. With `cli` the only user of miette.
//!
//! A [`Code`] is a constant of the layer that reports it (`syntax::codes`, `analysis::codes`, …); `plan explain` gathers
//! them. Every code has a fixture in `tests/golden/diagnostics/` that triggers it.

use std::fmt;
use std::sync::Arc;

use crate::source::{Source, Span};

/// One kind of problem. `id` is stable and short (`P0203`); `name` is what `allow` and people use (`unknown_name`).
///
/// Ranges: `P01xx` syntax, `P02xx` names and types, `P03xx` graph, undo and order, `P04xx` practice lints (these can be
/// allowed), `R05xx` starting and running, `R06xx` journal, locks and resuming.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    pub id: &'static str,
    pub name: &'static str,
    pub severity: Severity,
    /// One line: what the problem is.
    pub title: &'static str,
    /// What `plan explain` prints below the title, in Markdown: the cause, an example that is wrong, the same mended.
    pub explain: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The plan is refused.
    Error,
    /// A lint: the plan is accepted, a person should look; `allow name "reason"` silences it.
    Warning,
}

/// One finding in a plan file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static Code,
    /// What is wrong here, in one sentence without a full stop.
    pub message: String,
    pub span: Span,
    /// What stands under the span's line; may be empty.
    pub label: String,
    /// Further places, each with what it has to do with the problem.
    pub related: Vec<(Span, String)>,
    /// What to do next.
    pub advice: Option<String>,
}

impl Diagnostic {
    /// A finding with its place; label, related places and advice are added with the `with_*` methods.
    pub fn new(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), span, label: String::new(), related: Vec::new(), advice: None }
    }

    /// Says what stands at the place itself.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Points at another place that belongs to the problem.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Whether the plan is refused because of it.
    pub fn is_error(&self) -> bool {
        self.code.severity == Severity::Error
    }
}

/// How diagnostics are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// ANSI colours.
    pub color: bool,
    /// Box-drawing characters; ASCII otherwise.
    pub unicode: bool,
    /// Columns available.
    pub width: usize,
}

/// Draws diagnostics one after the other, each with its source lines.
pub fn render(source: &Arc<Source>, diagnostics: &[Diagnostic], style: Style) -> String {
    let handler = handler(style);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let report = Report::new(source, diagnostic);
        // A `String` takes every write, so the only error left is one of the handler's own; the message then stands alone.
        if handler.render_report(&mut out, &report).is_err() {
            out.push_str(&diagnostic.message);
        }
        out.push('\n');
    }
    out
}

fn handler(style: Style) -> miette::GraphicalReportHandler {
    let mut theme = match (style.color, style.unicode) {
        (true, true) => miette::GraphicalTheme::unicode(),
        (false, true) => miette::GraphicalTheme::unicode_nocolor(),
        (true, false) => {
            miette::GraphicalTheme { characters: miette::ThemeCharacters::ascii(), ..miette::GraphicalTheme::unicode() }
        }
        (false, false) => miette::GraphicalTheme::none(),
    };
    if style.unicode {
        theme.characters.error = "×".into();
        theme.characters.warning = "!".into();
    }
    miette::GraphicalReportHandler::new_themed(theme).with_width(style.width).with_links(false).with_context_lines(1)
}

/// A [`Diagnostic`] as miette wants it.
struct Report<'a> {
    source: miette::NamedSource<String>,
    diagnostic: &'a Diagnostic,
}

impl<'a> Report<'a> {
    fn new(source: &Arc<Source>, diagnostic: &'a Diagnostic) -> Self {
        let name = source.path().display().to_string();
        Self { source: miette::NamedSource::new(name, source.text().to_owned()), diagnostic }
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("{} {}", self.diagnostic.code.id, self.diagnostic.code.name)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.code.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.advice.as_ref().map(|advice| Box::new(advice) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let place = |span: Span, label: &str| {
            let text = (!label.is_empty()).then(|| label.to_owned());
            miette::LabeledSpan::new(text, span.start as usize, span.len())
        };
        let first = miette::LabeledSpan::new_primary_with_span(
            (!self.diagnostic.label.is_empty()).then(|| self.diagnostic.label.clone()),
            (self.diagnostic.span.start as usize, self.diagnostic.span.len()),
        );
        let others = self.diagnostic.related.iter().map(move |(span, label)| place(*span, label));
        Some(Box::new(std::iter::once(first).chain(others)))
    }
}

/// Something that stops a command and has no place in a plan file: a missing secret, a lock, a broken journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static Code,
    /// What happened and what was seen.
    pub message: String,
    /// Further lines: one for each thing that is missing, what a program said.
    pub details: Vec<String>,
    /// What to do next.
    pub advice: Option<String>,
}

impl Problem {
    /// A problem; details and advice are added with the `with_*`-like methods.
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new(), advice: None }
    }

    /// Adds a line of detail.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code.id, self.code.name, self.message)?;
        for detail in &self.details {
            for line in detail.lines() {
                write!(f, "\n    {line}")?;
            }
        }
        match &self.advice {
            Some(advice) => write!(f, "\n  help: {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// Declares the codes of a layer as constants, and lists them as `CODES`:
/// `NAME = [Severity] "id" "name" "title" "explanation";`, an error unless it says otherwise.
macro_rules! codes {
    ($($constant:ident = $($severity:ident)? $id:literal $name:literal $title:literal $explain:literal;)*) => {
        $(
            #[doc = $title]
            pub static $constant: $crate::diag::Code = $crate::diag::Code {
                id: $id,
                name: $name,
                severity: $crate::diag::severity!($($severity)?),
                title: $title,
                explain: $explain,
            };
        )*
        /// Every code of this part.
        pub static CODES: &[&$crate::diag::Code] = &[$(&$constant),*];
    };
}

macro_rules! severity {
    () => {
        $crate::diag::Severity::Error
    };
    ($severity:ident) => {
        $crate::diag::Severity::$severity
    };
}

pub(crate) use {codes, severity};
