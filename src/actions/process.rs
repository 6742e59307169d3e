//! Child processes: an argument list or a text for `sh`, a process group each, output passed on while it comes, ended
//! with everything they started when their time is up, when they are stopped, and when their leader ends.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, sleep_until};

use super::output::{Keep, Listener, Tail};
use super::procfs;
use super::world::{CallContext, Stream};

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(3);
/// The same for what a leader left behind when it ended.
const LEFTOVER_GRACE: Duration = Duration::from_millis(500);
/// How long a pipe is read on that somebody outside the group still holds.
const DRAIN: Duration = Duration::from_millis(500);
/// How long after SIGKILL a group is waited for: a process in the middle of disk I/O ends when that does.
const AFTER_KILL: Duration = Duration::from_secs(5);
/// A line that has not ended is passed on after this long without output.
const IDLE: Duration = Duration::from_millis(200);
/// Bytes a read.
const READ: usize = 32 << 10;
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub program: String,
    pub args: Vec<String>,
    /// What it reads; nothing when `None`.
    pub stdin: Option<String>,
    /// Added to the environment, before what the step says.
    pub env: Vec<(String, String)>,
    /// Variables of ours that it must not inherit.
    pub removed: &'static [&'static str],
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub status: Option<ExitStatus>,
    pub end: End,
    /// What was kept of stdout, masked.
    pub stdout: String,
    /// There was more than was kept.
    pub more: bool,
    /// The last lines of both streams, masked.
    pub tail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself.
    Exited,
    TimedOut(Duration),
    /// Asked for by the driver.
    Stopped,
}

impl Launch {
    /// An argument list; no shell sees it. `Err` when it is empty.
    pub(crate) fn argv(words: &[String]) -> Result<Self, String> {
        let (program, args) = words.split_first().ok_or("the command is empty")?;
        let launch = Self { program: program.clone(), args: args.to_vec(), stdin: None, env: Vec::new(), removed: &[] };
        if program.is_empty() { Err("the command is empty".to_owned()) } else { Ok(launch) }
    }

    /// A text for `sh -eu`: an error or an unset variable ends it.
    pub(crate) fn shell(text: &str) -> Self {
        let args = vec!["-euc".to_owned(), text.to_owned()];
        Self { program: "sh".into(), args, stdin: None, env: Vec::new(), removed: &[] }
    }

    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Starts it as the leader of a group of its own. `Err`: nothing has happened; one sentence with what to do.
    pub(crate) fn spawn(&self, ctx: &CallContext) -> Result<Running, String> {
        let dir = ctx.working_dir();
        if !dir.is_dir() {
            return Err(format!("the folder {} to run `{}` in is not there", dir.display(), self.program));
        }
        ctx.world.watch().map_err(|error| format!("the process that ends leftovers cannot be started: {error}"))?;
        let mut command = Command::new(self.resolved(ctx, dir));
        command.args(&self.args).current_dir(dir).process_group(0).kill_on_drop(true);
        let stdin = if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.removed.iter().for_each(|key| {
            command.env_remove(key);
        });
        command.env("PGAPPNAME", ctx.session_name());
        command.envs(self.env.iter().chain(&ctx.env).map(|(key, value)| (key, value)));
        command.env("PLAN_RUN", &ctx.world.run).env("PLAN_STEP", &ctx.step);
        command.env("PLAN_ATTEMPT", ctx.attempt.to_string()).env("PLAN_EPOCH", ctx.world.epoch.to_string());
        let mut child = command.spawn().map_err(|error| self.not_started(&error, dir))?;
        let pid = child.id().ok_or_else(|| format!("`{}` was lost as it started", self.program))?;
        let started = procfs::stat(pid).map_or(0, |stat| stat.started);
        ctx.sink.spawned(pid, started);
        let group = i32::try_from(pid).map_err(|_| "the pid is out of range".to_owned())?;
        if let (Some(mut pipe), Some(text)) = (child.stdin.take(), self.stdin.clone()) {
            // A child that does not read to the end closes the pipe, which ends this task.
            tokio::spawn(async move { pipe.write_all(text.as_bytes()).await });
        }
        Ok(Running { child, group: Group(Some(group)) })
    }

    /// A PATH that the step sets would make the standard library fork to search it; a found path is spawned as fast as any.
    fn resolved(&self, ctx: &CallContext, dir: &Path) -> PathBuf {
        let path = self.env.iter().chain(&ctx.env).rev().find(|(key, _)| key == "PATH");
        match path {
            Some((_, path)) if !self.program.contains('/') => {
                find_program(&self.program, path, dir).unwrap_or_else(|| PathBuf::from(&self.program))
            }
            Some(_) | None => PathBuf::from(&self.program),
        }
    }

    fn not_started(&self, error: &io::Error, dir: &Path) -> String {
        let program = &self.program;
        match error.kind() {
            io::ErrorKind::NotFound if program.contains('/') && dir.join(program).exists() => {
                format!("`{program}` is there but not what its first line names as interpreter; nothing was started")
            }
            io::ErrorKind::NotFound if program.contains('/') => {
                format!("there is no program `{program}` (looked for from {}); nothing was started", dir.display())
            }
            io::ErrorKind::NotFound => {
                format!(
                    "the program `{program}` was not found on PATH; install it, or give its path; nothing was started"
                )
            }
            io::ErrorKind::PermissionDenied => {
                format!("`{program}` may not be executed; look at its rights (chmod +x); nothing was started")
            }
            io::ErrorKind::InvalidInput => format!("an argument of `{program}` holds a NUL byte; nothing was started"),
            _ => format!("`{program}` could not be started: {error}"),
        }
    }
}

/// The first executable of that name in the folders of a PATH. Relative folders start at `dir`.
pub(crate) fn find_program(name: &str, path: &str, dir: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let runs =
        |file: &PathBuf| file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    std::env::split_paths(path).map(|folder| dir.join(folder).join(name)).find(runs)
}

/// A group that lives; dropping it without an end kills it.
#[derive(Debug)]
struct Group(Option<i32>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            procfs::signal_group(group, signal);
        }
    }

    fn lives(&self) -> bool {
        self.0.is_some_and(procfs::group_lives)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// A child with its group.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    group: Group,
}

/// Where ending it has come to.
enum Phase {
    Runs,
    /// SIGTERM was sent; SIGKILL at that time.
    Asked(Instant),
    /// SIGKILL was sent; waited for until then.
    Killed(Instant),
}

impl Running {
    /// Listens until it, and everything in its group, has ended.
    pub(crate) async fn listen(mut self, ctx: &CallContext, keep: Keep, timeout: Option<Duration>) -> Ran {
        let mut out = Pipe::new(self.child.stdout.take(), Stream::Stdout, ctx, keep);
        let mut err = Pipe::new(self.child.stderr.take(), Stream::Stderr, ctx, Keep::First(0));
        let mut tail = Tail::default();
        let mut ending =
            Ending { phase: Phase::Runs, end: End::Exited, deadline: timeout.map(|t| (Instant::now() + t, t)) };
        let mut status = None;
        let mut exited = false;
        while !exited {
            tokio::select! {
                biased;
                () = ending.due(ctx) => if ending.next(&self.group) { exited = true; },
                got = out.read(), if out.is_open() => out.take(got, &mut tail),
                got = err.read(), if err.is_open() => err.take(got, &mut tail),
                ended = self.child.wait() => {
                    status = ended.ok();
                    exited = true;
                }
            }
        }
        self.end_leftovers(&mut ending, &mut out, &mut err, &mut tail).await;
        self.group.0 = None;
        out.drain(&mut tail).await;
        err.drain(&mut tail).await;
        out.listener.finish(&mut tail);
        err.listener.finish(&mut tail);
        let (stdout, more) = out.listener.kept();
        Ran { status, end: ending.end, stdout, more, tail: tail.text() }
    }

    /// A step's processes end with it: what its leader left in the group is asked, then killed.
    async fn end_leftovers(&self, ending: &mut Ending, out: &mut Pipe, err: &mut Pipe, tail: &mut Tail) {
        let mut asked = false;
        while self.group.lives() {
            if !asked {
                asked = true;
                self.group.signal(Signal::TERM);
                let kill_at = Instant::now() + LEFTOVER_GRACE;
                ending.phase = match ending.phase {
                    Phase::Runs => Phase::Asked(kill_at),
                    Phase::Asked(at) => Phase::Asked(at),
                    Phase::Killed(until) => Phase::Killed(until),
                };
            }
            let due = match ending.phase {
                Phase::Runs => false,
                Phase::Asked(at) | Phase::Killed(at) => Instant::now() >= at,
            };
            if due && ending.next(&self.group) {
                return;
            }
            tokio::select! {
                got = out.read(), if out.is_open() => out.take(got, tail),
                got = err.read(), if err.is_open() => err.take(got, tail),
                () = sleep(LOOK_AGAIN) => {}
            }
        }
    }
}

/// Time and orders that end a process.
struct Ending {
    phase: Phase,
    end: End,
    deadline: Option<(Instant, Duration)>,
}

impl Ending {
    /// Waits until something has to be done to the group.
    async fn due(&self, ctx: &CallContext) {
        match self.phase {
            Phase::Runs => tokio::select! {
                () = ctx.stop.asked(1) => {}
                () = until(self.deadline.map(|(at, _)| at)) => {}
            },
            Phase::Asked(at) => tokio::select! {
                () = ctx.stop.asked(2) => {}
                () = sleep_until(at) => {}
            },
            Phase::Killed(until) => sleep_until(until).await,
        }
    }

    /// Does it; true when nothing more can be done.
    fn next(&mut self, group: &Group) -> bool {
        let now = Instant::now();
        match self.phase {
            Phase::Runs => {
                self.end = match self.deadline {
                    Some((at, after)) if at <= now => End::TimedOut(after),
                    Some(_) | None => End::Stopped,
                };
                group.signal(Signal::TERM);
                // A stopped process takes its SIGTERM only when it goes on.
                group.signal(Signal::CONT);
                self.phase = Phase::Asked(now + GRACE);
                false
            }
            Phase::Asked(_) => {
                group.signal(Signal::KILL);
                self.phase = Phase::Killed(now + AFTER_KILL);
                false
            }
            Phase::Killed(_) => true,
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What one read of a pipe gave.
enum Got {
    /// They are in the buffer.
    Bytes,
    Nothing,
    End,
}

/// One pipe with its listener.
struct Pipe {
    source: Option<Box<dyn AsyncRead + Send + Unpin>>,
    buffer: Vec<u8>,
    listener: Listener,
    /// When a line that has not ended is passed on.
    idle: Option<Instant>,
}

impl Pipe {
    fn new<R>(source: Option<R>, stream: Stream, ctx: &CallContext, keep: Keep) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
    {
        let listener = Listener::new(stream, ctx.sink.clone(), &ctx.world.masker, keep);
        let source = source.map(|source| Box::new(source) as Box<dyn AsyncRead + Send + Unpin>);
        Self { source, buffer: Vec::new(), listener, idle: None }
    }

    fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Reads once into the buffer, or notices that nothing came for a moment. Loses nothing when dropped.
    async fn read(&mut self) -> Got {
        let Some(source) = &mut self.source else { return std::future::pending().await };
        self.buffer.clear();
        self.buffer.reserve(READ);
        let read = tokio::select! {
            biased;
            read = source.read_buf(&mut self.buffer) => read,
            () = until(self.idle) => return Got::Nothing,
        };
        match read {
            Ok(0) | Err(_) => Got::End,
            Ok(_) => Got::Bytes,
        }
    }

    fn take(&mut self, got: Got, tail: &mut Tail) {
        match got {
            Got::Bytes => {
                self.listener.hear(&self.buffer, tail);
                self.idle = Some(Instant::now() + IDLE);
            }
            Got::Nothing => {
                self.idle = None;
                self.listener.flush(tail);
            }
            Got::End => self.source = None,
        }
    }

    /// Reads what is left; not for long when somebody outside the group holds the other end.
    async fn drain(&mut self, tail: &mut Tail) {
        let end = Instant::now() + DRAIN;
        while self.is_open() && Instant::now() < end {
            tokio::select! {
                got = self.read() => self.take(got, tail),
                () = sleep_until(end) => {}
            }
        }
    }
}
