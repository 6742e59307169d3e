//! Checks over time, three-valued: what one reading means for the verdict on a check.

use super::{CheckReading, Now, Phase, Reading};
use crate::model::Timing;

/// A moment, by both clocks as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub wall: i64,
    /// On the monotonic clock of this process; negative for a moment before it started. `None`: read from the journal.
    mono: Option<i64>,
}

impl Mark {
    /// Now.
    pub fn live(now: Now) -> Self {
        Self { wall: now.wall, mono: i64::try_from(now.mono).ok() }
    }

    /// A moment in the journal of an earlier process.
    pub fn recorded(wall: i64) -> Self {
        Self { wall, mono: None }
    }

    /// Puts a recorded moment on this process's monotonic clock: elapsed is what the wall clocks say, never negative.
    pub fn rebase(&mut self, now: Now) {
        let elapsed = now.wall.saturating_sub(self.wall).max(0);
        self.mono = i64::try_from(now.mono).ok().map(|mono| mono - elapsed);
    }

    /// Milliseconds since then.
    pub fn elapsed(self, now: Now) -> u64 {
        let live = self.mono.map(|mono| i64::try_from(now.mono).unwrap_or(i64::MAX) - mono);
        u64::try_from(live.unwrap_or(now.wall.saturating_sub(self.wall))).unwrap_or(0)
    }
}

/// How it stands with one check of a phase.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    Open,
    Held,
    Failed,
    /// Nothing waits for it to become readable: a person decides.
    Unreadable(String),
}

#[derive(Debug, Clone)]
pub(crate) struct CheckState {
    pub verdict: Verdict,
    /// Watched without a gap, for `for`.
    watched: u64,
    /// The reading before; `None` after a gap.
    last: Option<Mark>,
    misses: u32,
    /// Unreadable rounds in a row.
    blind: u32,
    /// Milliseconds after the begin of the phase at which it is read next.
    due: u64,
}

/// More unreadable rounds in a row than this (or than the misses that the plan allows) end a `for`: a person decides.
const BLIND: u32 = 2;

/// A phase of a node that is being read.
#[derive(Debug, Clone)]
pub(crate) struct PhaseState {
    pub phase: Phase,
    pub began: Mark,
    pub round: u32,
    pub checks: Vec<CheckState>,
}

impl PhaseState {
    pub fn new(phase: Phase, began: Mark, checks: usize) -> Self {
        let open = CheckState { verdict: Verdict::Open, watched: 0, last: None, misses: 0, blind: 0, due: 0 };
        Self { phase, began, round: 0, checks: vec![open; checks] }
    }

    /// After a time in which nobody looked: all that is open is read at once, and the gap counts neither way.
    pub fn gap(&mut self, now: Now) {
        self.began.rebase(now);
        let elapsed = self.began.elapsed(now);
        for check in &mut self.checks {
            check.last = None;
            check.due = elapsed;
        }
    }

    /// The checks that are due.
    pub fn due(&self, now: Now) -> Vec<usize> {
        let elapsed = self.began.elapsed(now);
        let due = |check: &CheckState| check.verdict == Verdict::Open && check.due <= elapsed;
        self.checks.iter().enumerate().filter(|(_, check)| due(check)).map(|(index, _)| index).collect()
    }

    /// Milliseconds until the next check is due; `None` when none is open.
    pub fn wait(&self, now: Now) -> Option<u64> {
        let elapsed = self.began.elapsed(now);
        let open = self.checks.iter().filter(|check| check.verdict == Verdict::Open);
        open.map(|check| check.due.saturating_sub(elapsed)).min()
    }

    /// Takes one round of readings in.
    pub fn read(&mut self, timings: &[Timing], readings: &[CheckReading], at: Mark, now: Now) {
        self.round += 1;
        let elapsed = self.began.elapsed(now);
        for reading in readings {
            let (Some(check), Some(timing)) = (self.checks.get_mut(reading.check), timings.get(reading.check)) else {
                continue;
            };
            check.read(*timing, &reading.reading, elapsed, at, now);
        }
    }

    /// The first check with a verdict other than that it holds.
    pub fn broken(&self) -> Option<(usize, &Verdict)> {
        let broken = |verdict: &Verdict| matches!(verdict, Verdict::Failed | Verdict::Unreadable(_));
        self.checks.iter().map(|check| &check.verdict).enumerate().find(|(_, verdict)| broken(verdict))
    }

    pub fn held(&self) -> bool {
        self.checks.iter().all(|check| check.verdict == Verdict::Held)
    }
}

impl CheckState {
    fn read(&mut self, timing: Timing, reading: &Reading, elapsed: u64, at: Mark, now: Now) {
        self.blind = if matches!(reading, Reading::Unreadable(_)) { self.blind + 1 } else { 0 };
        self.verdict = match timing {
            Timing::Once => match reading {
                Reading::True => Verdict::Held,
                Reading::False => Verdict::Failed,
                Reading::Unreadable(why) => Verdict::Unreadable(why.clone()),
            },
            Timing::Within { span, every } => {
                self.due = (elapsed + every.max(1)).min(span.max(elapsed + 1));
                match reading {
                    Reading::True => Verdict::Held,
                    Reading::False | Reading::Unreadable(_) if elapsed < span => Verdict::Open,
                    Reading::False => Verdict::Failed,
                    Reading::Unreadable(why) => Verdict::Unreadable(why.clone()),
                }
            }
            Timing::For { span, every, misses } => self.watch(span, every, misses, reading, (elapsed, at, now)),
        };
        self.last = Some(at);
    }

    fn watch(&mut self, span: u64, every: u64, misses: u32, reading: &Reading, when: (u64, Mark, Now)) -> Verdict {
        let (elapsed, _, now) = when;
        self.due = elapsed + every.max(1);
        if let Reading::Unreadable(why) = reading {
            let patience = misses.max(BLIND);
            return if self.blind > patience { Verdict::Unreadable(why.clone()) } else { Verdict::Open };
        }
        self.watched += self.last.map_or(0, |last| last.elapsed(now));
        if *reading == Reading::False {
            self.misses += 1;
        }
        // The last look comes at the end of the window, not up to a round after it.
        self.due = self.due.min(elapsed + span.saturating_sub(self.watched).max(1));
        match (self.misses > misses, self.watched >= span) {
            (true, _) => Verdict::Failed,
            (false, true) => Verdict::Held,
            (false, false) => Verdict::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, PhaseState, Verdict};
    use crate::engine::{CheckReading, Now, Phase, Reading};
    use crate::model::Timing;

    fn now(mono: u64) -> Now {
        Now { wall: 1_000_000 + mono as i64, mono }
    }

    fn phase() -> PhaseState {
        PhaseState::new(Phase::Verify, Mark::live(now(0)), 1)
    }

    fn read(phase: &mut PhaseState, timing: Timing, reading: Reading, mono: u64) -> Verdict {
        let readings = [CheckReading { check: 0, reading, seen: vec![] }];
        phase.read(&[timing], &readings, Mark::live(now(mono)), now(mono));
        phase.checks[0].verdict.clone()
    }

    fn blind() -> Reading {
        Reading::Unreadable("refused".into())
    }

    const WITHIN: Timing = Timing::Within { span: 100, every: 30 };
    const FOR: Timing = Timing::For { span: 100, every: 50, misses: 1 };

    #[test]
    fn within_goes_on_over_what_cannot_be_read_and_looks_once_at_its_end() {
        let mut phase = phase();
        assert_eq!(read(&mut phase, WITHIN, blind(), 0), Verdict::Open);
        assert_eq!(phase.wait(now(0)), Some(30));
        assert_eq!(read(&mut phase, WITHIN, Reading::False, 90), Verdict::Open);
        assert_eq!(phase.wait(now(90)), Some(10));
        assert_eq!(read(&mut phase.clone(), WITHIN, Reading::True, 100), Verdict::Held);
        assert_eq!(read(&mut phase.clone(), WITHIN, Reading::False, 100), Verdict::Failed);
        assert_eq!(read(&mut phase, WITHIN, blind(), 100), Verdict::Unreadable("refused".into()));
    }

    #[test]
    fn a_late_first_look_of_within_counts() {
        let mut phase = phase();
        phase.gap(now(500));
        assert_eq!(phase.due(now(500)), vec![0]);
        assert_eq!(read(&mut phase, WITHIN, Reading::True, 500), Verdict::Held);
    }

    #[test]
    fn for_holds_after_its_span_and_fails_with_one_miss_too_many() {
        let mut phase = phase();
        assert_eq!(read(&mut phase, FOR, Reading::True, 0), Verdict::Open);
        assert_eq!(read(&mut phase, FOR, Reading::False, 50), Verdict::Open);
        assert_eq!(read(&mut phase.clone(), FOR, Reading::True, 100), Verdict::Held);
        assert_eq!(read(&mut phase, FOR, Reading::False, 99), Verdict::Failed);
    }

    #[test]
    fn a_gap_in_for_counts_neither_way() {
        let mut phase = phase();
        assert_eq!(read(&mut phase, FOR, Reading::True, 0), Verdict::Open);
        assert_eq!(read(&mut phase, FOR, Reading::True, 60), Verdict::Open);
        phase.gap(now(1_000));
        assert_eq!(read(&mut phase, FOR, Reading::True, 1_000), Verdict::Open);
        assert_eq!(phase.wait(now(1_000)), Some(40), "the rest of the window is watched");
        assert_eq!(read(&mut phase, FOR, Reading::True, 1_040), Verdict::Held);
    }

    #[test]
    fn for_counts_the_unreadable_apart_and_asks_when_it_goes_on() {
        let mut phase = phase();
        assert_eq!(read(&mut phase, FOR, blind(), 0), Verdict::Open);
        assert_eq!(read(&mut phase, FOR, blind(), 50), Verdict::Open);
        assert_eq!(read(&mut phase.clone(), FOR, Reading::True, 100), Verdict::Open);
        assert_eq!(read(&mut phase, FOR, blind(), 100), Verdict::Unreadable("refused".into()));
    }

    #[test]
    fn a_clock_set_back_over_a_restart_is_no_time() {
        let mut mark = Mark::recorded(5_000);
        mark.rebase(Now { wall: 4_000, mono: 10 });
        assert_eq!(mark.elapsed(Now { wall: 4_000, mono: 10 }), 0);
        assert_eq!(mark.elapsed(Now { wall: 9_000, mono: 25 }), 15);
    }
}
