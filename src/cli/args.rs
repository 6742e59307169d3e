//! The command line, as clap reads it. No logic: every command is carried out elsewhere.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Deploy plans: what must hold, what is done, what proves it, how it is taken back, and who has to say yes.
#[derive(Debug, Parser)]
#[command(name = "plan", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check plan files: reports everything it finds, runs nothing
    Validate(Validate),
    /// Read SQL for what loses data, blocks others or writes a table anew; run nothing
    Lint(Lint),
    /// Lay plan files out anew
    Fmt(Fmt),
    /// Make a plan file for one release from a template
    New(New),
    /// List, show and check templates
    Template(Template),
    /// Draw the steps and gates with their order
    Graph(Graph),
    /// For every point where a run can fail: what is undone, what waits for a person, what remains
    Simulate(Simulate),
    /// Show when the windows of a plan are open next
    Windows(Windows),
    /// Check that everything is there that the plan's actions need
    Preflight(Preflight),
    /// Run a plan
    Run(Run),
    /// Go on with a run that was interrupted or waits
    Resume(Resume),
    /// Take back what a run has done
    Rollback(Rollback),
    /// Stop a run and take back what it has done
    Cancel(Cancel),
    /// Say whether a step in doubt, or one done by hand, has happened
    Resolve(Resolve),
    /// After a repair by hand: count a step as done or undone, once its checks hold
    Mark(Mark),
    /// Try a failed step, check or undo once more
    Retry(Retry),
    /// Go on without a failed step
    Skip(Skip),
    /// Take a changed plan file over for what has not started yet
    Amend(Amend),
    /// End a run and accept what remains
    Close(Close),
    /// Say yes at a gate, or to an undo that asks
    Approve(Approve),
    /// Say no at a gate, or to an undo that asks
    Reject(Reject),
    /// Show how a run stands and what can be done
    Status(Status),
    /// List the runs of a journal
    List(List),
    /// Show the output of a run's steps
    Logs(Logs),
    /// The record of a run: outcome, steps, checks with what was seen, decisions
    Report(Report),
    /// Show who holds a run and its resources
    Lock(Lock),
    /// Explain a code, a lint or a function
    Explain(Explain),
    /// Print completions for a shell
    Completions(Completions),
    /// Ends what a killed engine left behind; started by `plan run` itself
    #[command(name = "__reaper", hide = true)]
    Reaper(Reaper),
}

/// Output of commands that only read.
#[derive(Debug, Args)]
pub struct Json {
    /// Print JSON in the documented shape instead of text
    #[arg(long)]
    pub json: bool,
}

/// What is filled in when a plan starts.
#[derive(Debug, Clone, Default, Args)]
pub struct Values {
    /// The environment
    #[arg(long, short, value_name = "NAME")]
    pub env: Option<String>,
    /// Set a parameter
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub sets: Vec<String>,
    /// Set parameters from a TOML or JSON file
    #[arg(long, value_name = "FILE")]
    pub vars: Vec<PathBuf>,
}

/// Where the journal lies.
#[derive(Debug, Clone, Default, Args)]
pub struct JournalAt {
    /// The journal file [default: .plan/journal.db beside plan.toml, at the git root, or beside the plan]
    #[arg(long, value_name = "FILE", env = "PLAN_JOURNAL", hide_env_values = true)]
    pub journal: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Validate {
    /// Plan files, or folders to search for *.plan
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = ValidateFormat::Text)]
    pub format: ValidateFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub limits: Limits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ValidateFormat {
    Text,
    Json,
    Sarif,
    /// GitHub's workflow commands: shown at the lines of a change
    Github,
    Junit,
}

/// Ceilings for plan files.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Limits {
    /// Largest plan file in bytes
    #[arg(long, value_name = "BYTES", hide_short_help = true)]
    pub max_file: Option<usize>,
    /// Most steps and gates in a plan
    #[arg(long, value_name = "COUNT", hide_short_help = true)]
    pub max_nodes: Option<usize>,
}

#[derive(Debug, Args)]
pub struct Lint {
    /// SQL files, folders to search for *.sql, or - for standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Classes and groups that make it exit 3
    #[arg(long, value_name = "CLASS", value_delimiter = ',', default_value = "data_loss,unknown")]
    pub deny: Vec<String>,
    /// Of the others, report only these classes and groups [default: all]
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    pub warn: Vec<String>,
    #[arg(long, value_enum, default_value_t = ValidateFormat::Text)]
    pub format: ValidateFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Fmt {
    /// Plan files, folders, or - for standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Change nothing; exit 3 and name the files that would change
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub limits: Limits,
}

#[derive(Debug, Args)]
pub struct New {
    /// The name of the plan file, with or without `.plan`
    pub name: String,
    /// The template: its name, or a file that ends in .plan.hbs
    #[arg(long, value_name = "TEMPLATE")]
    pub from: String,
    /// Give a parameter of the template
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub sets: Vec<String>,
    /// Write over a file that is there
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Template {
    #[command(subcommand)]
    pub command: TemplateCommand,
}

#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// Those of the project and those that come with the program
    List {
        #[command(flatten)]
        json: Json,
    },
    /// What a template is for, and what it has to be given
    Show {
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Make each with its examples, and check the plan that comes of it
    Check { names: Vec<String> },
}

#[derive(Debug, Args)]
pub struct Graph {
    pub file: PathBuf,
    #[arg(long, value_enum, default_value_t = GraphFormat::Terminal)]
    pub format: GraphFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Only what runs in this environment
    #[arg(long, short, value_name = "NAME")]
    pub env: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    Terminal,
    Mermaid,
    Dot,
    Json,
}

#[derive(Debug, Args)]
pub struct Simulate {
    pub file: PathBuf,
    #[command(flatten)]
    pub values: Values,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub struct Windows {
    pub file: PathBuf,
    /// How many openings of each
    #[arg(long, short = 'n', default_value_t = 3)]
    pub most: usize,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub struct Preflight {
    pub file: PathBuf,
    #[command(flatten)]
    pub values: Values,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub struct Run {
    pub file: PathBuf,
    #[command(flatten)]
    pub values: Values,
    #[command(flatten)]
    pub journal: JournalAt,
    #[command(flatten)]
    pub how: How,
    /// Check, bind values and show what would be done; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What a failure does, whatever the plan says
    #[arg(long, value_enum, value_name = "WHAT")]
    pub on_failure: Option<OnFailure>,
    /// How many actions may run at once
    #[arg(long, short, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: u16,
    #[command(flatten)]
    pub limits: Limits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnFailure {
    /// Undo everything
    Undo,
    /// Wait for a person
    Ask,
    /// Undo nothing and wait for a person
    Stop,
}

/// How a run is driven by this process.
#[derive(Debug, Clone, Default, Args)]
pub struct How {
    /// Say only what went wrong
    #[arg(long, short)]
    pub quiet: bool,
    /// Stop in good time before this long has passed, leaving a run that can be resumed (50m, 1h30m)
    #[arg(long, value_name = "DURATION")]
    pub max_wall: Option<String>,
    /// Wait in place at gates [default: only on a terminal]
    #[arg(long, conflicts_with = "no_wait")]
    pub wait: bool,
    /// Exit (5, or 9 for a window) instead of waiting at gates
    #[arg(long)]
    pub no_wait: bool,
    /// Who is running it [default: the OS user]
    #[arg(long = "as", value_name = "NAME")]
    pub as_name: Option<String>,
}

/// Which run: its id or a beginning of it.
#[derive(Debug, Clone, Args)]
pub struct Which {
    /// The run's id, or a beginning of it, or `last`
    #[arg(value_name = "RUN", default_value = "last")]
    pub run: String,
    #[command(flatten)]
    pub journal: JournalAt,
}

/// A run and one of its steps or gates.
#[derive(Debug, Clone, Args)]
pub struct WhichNode {
    /// The run's id, or a beginning of it, or `last`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The step or gate, as `plan status` names it
    #[arg(value_name = "STEP")]
    pub node: String,
    #[command(flatten)]
    pub journal: JournalAt,
    /// Who decides [default: the OS user]
    #[arg(long = "as", value_name = "NAME")]
    pub as_name: Option<String>,
}

#[derive(Debug, Args)]
pub struct Resume {
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct Rollback {
    #[command(flatten)]
    pub which: Which,
    /// Only these steps, and what depends on them
    #[arg(long = "step", value_name = "STEP")]
    pub steps: Vec<String>,
    /// Why
    #[arg(long, default_value = "asked for")]
    pub reason: String,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    pub which: Which,
    /// Why
    #[arg(long, default_value = "asked for")]
    pub reason: String,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct Resolve {
    #[command(flatten)]
    pub which: WhichNode,
    /// Whether it happened
    #[arg(value_enum)]
    pub outcome: Resolution,
    /// How you know
    #[arg(long)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Resolution {
    Done,
    NotDone,
}

#[derive(Debug, Args)]
pub struct Mark {
    #[command(flatten)]
    pub which: WhichNode,
    #[arg(value_enum)]
    pub state: Marked,
    /// What was done by hand
    #[arg(long)]
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Marked {
    Done,
    Undone,
}

#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    pub which: WhichNode,
}

#[derive(Debug, Args)]
pub struct Skip {
    #[command(flatten)]
    pub which: WhichNode,
    /// Why it can be left out
    #[arg(long)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct Amend {
    /// The run's id, or a beginning of it, or `last`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The changed plan file
    pub file: PathBuf,
    /// Say what would change; change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub journal: JournalAt,
    /// Who amends [default: the OS user]
    #[arg(long = "as", value_name = "NAME")]
    pub as_name: Option<String>,
}

#[derive(Debug, Args)]
pub struct Close {
    #[command(flatten)]
    pub which: Which,
    /// Why what remains may stay
    #[arg(long, value_name = "REASON")]
    pub accept: String,
    /// Who closes it [default: the OS user]
    #[arg(long = "as", value_name = "NAME")]
    pub as_name: Option<String>,
}

#[derive(Debug, Args)]
pub struct Approve {
    #[command(flatten)]
    pub which: WhichNode,
    /// Answer every item of the checklist with yes
    #[arg(long)]
    pub yes: bool,
    /// Answers to the checklist, in order
    #[arg(long, value_delimiter = ',', value_name = "yes|no", conflicts_with = "yes")]
    pub answers: Vec<String>,
    /// A remark that goes on record
    #[arg(long)]
    pub comment: Option<String>,
}

#[derive(Debug, Args)]
pub struct Reject {
    #[command(flatten)]
    pub which: WhichNode,
    /// Why
    #[arg(long)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    pub journal: JournalAt,
    /// Only the newest so many
    #[arg(long, short = 'n', default_value_t = 20)]
    pub most: usize,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub struct Logs {
    #[command(flatten)]
    pub which: Which,
    /// Only this step
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Go on printing while the run lives
    #[arg(long, short)]
    pub follow: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    pub which: Which,
    #[arg(long, value_enum, default_value_t = ReportFormat::Markdown)]
    pub format: ReportFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    Markdown,
    /// One page that needs nothing else
    Html,
    Json,
}

#[derive(Debug, Args)]
pub struct Lock {
    #[command(subcommand)]
    pub command: Option<LockCommand>,
    #[command(flatten)]
    pub journal: JournalAt,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Subcommand)]
pub enum LockCommand {
    /// Show every lock: owner, epoch, whether it lives
    List,
    /// Free what a run holds, when you are sure that nobody drives it
    Break {
        /// The run's id
        run: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub struct Explain {
    /// A code (P0201), a lint (no_window), or a function (migrate); without one, everything is listed
    pub what: Option<String>,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub struct Completions {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct Reaper {
    pub run: String,
    pub epoch: u64,
}
