//! The loop that hosts a run: one place where inputs meet the state machine, where its events go to the journal, and where
//! its commands are handed to tasks. The loop itself never waits for anything but its next input.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::engine::{Command, Decision, Event, Input, RunStatus, Waiting, Who};
use crate::journal::{Entry, JournalError, Ticket};

use super::clock::Clock;
use super::inbox::{self, Answer, Asked};
use super::session::Session;
use super::tasks::{self, Message};
use super::windows::Windows;

/// Why the loop ended.
#[derive(Debug)]
pub enum Ended {
    /// The run is final, or waits for somebody and this process does not wait with it.
    Rests,
    /// Stopped by a signal or by `--max-wall`; can be resumed.
    Interrupted,
    /// The journal could not be written: nothing more was started.
    JournalFailed(JournalError),
}

/// What is asked of the loop besides driving.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    /// Stay while only people or windows are missing.
    pub wait: bool,
    /// Stop after so long.
    pub max_wall: Option<Duration>,
    /// Decisions to take in first, before anything else happens.
    pub decisions: Vec<(Who, Decision)>,
}

/// Drives a session until it rests. The first input is [`Input::Begin`] or [`Input::Resume`].
pub async fn drive(session: &mut Session, first: Input, orders: Orders) -> Ended {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let inbox = tokio::spawn(inbox::watch(session.journal.clone(), session.lease.clone(), sender.clone(), stopped));
    let mut host = Host {
        clock: Clock::start(),
        windows: Windows::of(&session.built),
        receiver,
        tasks: tasks::Tasks::new(session, sender),
        failed: None,
        interrupted: false,
        last: None,
        session,
        wait: orders.wait,
    };
    let ended = host.run(first, orders).await;
    host.tasks.end().await;
    drop(stop);
    inbox.await.expect("the watch does not panic and is not aborted");
    ended
}

struct Host<'a> {
    session: &'a mut Session,
    clock: Clock,
    windows: Windows,
    receiver: mpsc::UnboundedReceiver<Message>,
    tasks: tasks::Tasks,
    failed: Option<JournalError>,
    interrupted: bool,
    /// The newest batch on its way to the journal.
    last: Option<Ticket>,
    wait: bool,
}

impl Host<'_> {
    async fn run(&mut self, first: Input, orders: Orders) -> Ended {
        let mut signals = super::signals::Signals::new();
        let deadline = orders.max_wall.map(|wall| tokio::time::Instant::now() + in_good_time(wall));
        self.tell_windows();
        self.take(first);
        for (who, decision) in orders.decisions {
            self.take(Input::Operator { who, decision });
        }
        loop {
            self.flush().await;
            if let Some(ended) = self.rests() {
                return ended;
            }
            let wake = self.wakeup();
            tokio::select! {
                biased;
                Some(message) = self.receiver.recv() => self.hear(message).await,
                () = signals.next() => self.interrupt(),
                () = until(deadline), if !self.interrupted => {
                    self.session.observer.note("the time given with --max-wall is nearly over: stopping");
                    self.interrupt();
                }
                () = tokio::time::sleep(wake) => self.tick(),
            }
        }
    }

    /// Hands an input to the machine, its events to the journal, its commands to tasks.
    fn take(&mut self, input: Input) -> Option<String> {
        if self.failed.is_some() {
            return Some("the journal cannot be written".into());
        }
        let now = self.clock.now();
        let reaction = self.session.run.handle(now, input);
        let refused = reaction.refused.map(|refusal| refusal.to_string());
        let urgent = reaction.events.iter().any(Event::urgent);
        self.session.apply(now.wall, &reaction.events);
        let entries: Vec<Entry> = reaction.events.into_iter().map(Entry::Event).collect();
        if !entries.is_empty() {
            let ticket = match urgent {
                true => self.session.writer.append(now.wall, entries),
                false => self.session.writer.append_lazy(now.wall, entries),
            };
            self.last = Some(ticket);
        }
        for command in reaction.commands {
            self.carry_out(command);
        }
        refused
    }

    fn carry_out(&mut self, command: Command) {
        let durable = self.last.clone();
        match command {
            Command::Read { node, phase, round, checks } => self.tasks.read(self.session, node, phase, round, checks),
            Command::Observe { node } => self.tasks.observe(self.session, node),
            Command::Act { node, attempt } => self.tasks.act(self.session, durable, node, attempt),
            Command::Undo { node, alternative, attempt } => {
                self.tasks.undo(self.session, durable, node, alternative, attempt);
            }
            Command::Settle { node, attempt } => self.tasks.settle(self.session, node, attempt),
            Command::Kill { node } => self.tasks.kill(node),
            Command::Hook { event } => self.tasks.hook(self.session, durable, event),
        }
    }

    /// Takes a message in, and whatever else has come in meanwhile: it shares the commit.
    async fn hear(&mut self, message: Message) {
        let mut next = Some(message);
        while let Some(message) = next {
            match message {
                Message::Input(input) => drop(self.take(input)),
                Message::Asked(asked) => self.asked(asked).await,
                Message::JournalFailed(error) => self.failed = Some(error),
                Message::HookEnded => tokio::task::yield_now().await,
            }
            next = self.receiver.try_recv().ok();
        }
    }

    fn tick(&mut self) {
        self.tell_windows();
        self.take(Input::Tick);
    }

    fn tell_windows(&mut self) {
        let wall = self.clock.now().wall;
        for input in self.windows.changed(wall) {
            self.take(input);
        }
    }

    fn interrupt(&mut self) {
        if self.interrupted {
            self.session.observer.note("stopping at once: what runs is ended and its outcome left to the resume");
            self.tasks.kill_all();
            return;
        }
        self.interrupted = true;
        self.take(Input::Interrupt);
    }

    async fn asked(&mut self, asked: Vec<Asked>) {
        for Asked { id, who, decision } in asked {
            let refused = self.take(Input::Operator { who, decision });
            let answer = Answer { refused };
            if let Err(error) = self.session.journal.answer(id, &answer.as_json()).await {
                self.failed = Some(error);
            }
        }
    }

    /// How long until something is due by itself.
    fn wakeup(&self) -> Duration {
        let now = self.clock.now();
        let engine = self.session.run.next_wakeup().map(|mono| mono.saturating_sub(now.mono));
        let window = self.windows.next_change().map(|wall| u64::try_from(wall - now.wall).unwrap_or(0));
        let ms = engine.into_iter().chain(window).min().unwrap_or(u64::MAX);
        // A laptop that slept, a clock that was set: look again at least every minute.
        Duration::from_millis(ms.min(60_000))
    }

    /// Waits for the journal when the run is about to rest, and notices when it has failed.
    async fn flush(&mut self) {
        let resting = self.session.run.in_flight() == 0;
        if resting
            && let Some(ticket) = self.last.take()
            && let Err(error) = ticket.durable().await
        {
            self.failed = Some(error);
        }
    }

    fn rests(&mut self) -> Option<Ended> {
        if let Some(error) = self.failed.clone() {
            return match self.tasks.running() {
                0 => Some(Ended::JournalFailed(error)),
                _ => None,
            };
        }
        if self.session.run.in_flight() > 0 || self.tasks.running() > 0 {
            return None;
        }
        match self.session.run.status() {
            RunStatus::Running | RunStatus::Unwinding => self.interrupted.then_some(Ended::Interrupted),
            RunStatus::Paused if self.interrupted => Some(Ended::Interrupted),
            RunStatus::Paused => (!self.waits_in_place()).then_some(Ended::Rests),
            RunStatus::Succeeded | RunStatus::RolledBack | RunStatus::PartlyRolledBack => Some(Ended::Rests),
            RunStatus::Stuck | RunStatus::Closed | RunStatus::NothingDone => Some(Ended::Rests),
        }
    }

    /// A deadline that chooses must be there when it comes, with or without a terminal.
    fn waits_in_place(&self) -> bool {
        let waiting = self.session.run.waiting();
        let deadline = |w: &Waiting| matches!(w, Waiting::Question { deadline: Some(_), .. });
        self.wait || waiting.iter().any(deadline)
    }
}

/// What runs has to be ended and written down before the time is over.
fn in_good_time(wall: Duration) -> Duration {
    wall.saturating_sub(Duration::from_secs(15).min(wall / 5))
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
