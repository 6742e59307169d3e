//! When a window is open, and when that changes next: IANA zones, across midnight and daylight saving.
//!
//! A window opens on its days at `from` and closes at `to`, the next day when `to` is not after `from`. An excepted day opens
//! none, and one that runs into an excepted day closes at its midnight: a freeze that starts on the 24th starts at 00:00.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::engine::Input;
use crate::model::{Body, Window};

use super::build::Built;

/// How far ahead an opening is looked for, in days: longer than any freeze that somebody means.
const HORIZON: i64 = 400;

/// A window at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowState {
    pub open: bool,
    /// When it changes next, in milliseconds since the Unix epoch; `None` when it does not within 400 days.
    pub changes: Option<i64>,
}

/// The state of a window at `wall` (milliseconds since the Unix epoch). `Err` when the zone is not known here.
pub fn state(window: &Window, wall: i64) -> Result<WindowState, String> {
    let zone = TimeZone::get(&window.zone).map_err(|_| format!("the time zone `{}` is not known", window.zone))?;
    let now = Timestamp::from_millisecond(wall).map_err(|e| e.to_string())?;
    let today = now.to_zoned_datetime(zone.clone()).date();
    let openings = (-1..HORIZON).filter_map(|day| {
        let date = today.checked_add(day.days()).ok()?;
        opening(window, &zone, date)
    });
    let mut end: Option<i64> = None;
    for (from, to) in openings {
        match end {
            Some(open_until) if from <= open_until => end = Some(open_until.max(to)),
            Some(open_until) => return Ok(WindowState { open: true, changes: Some(open_until) }),
            None if to <= wall => {}
            None if from > wall => return Ok(WindowState { open: false, changes: Some(from) }),
            None => end = Some(to),
        }
    }
    // Open to the horizon: round the clock, every day.
    Ok(WindowState { open: end.is_some(), changes: None })
}

/// The next times from and to which a window is open, the one that is open now included; without an end when it is open to
/// the horizon.
pub fn openings(window: &Window, wall: i64, most: usize) -> Result<Vec<(i64, Option<i64>)>, String> {
    let mut found = Vec::new();
    let mut at = wall;
    while found.len() < most {
        let now = state(window, at)?;
        match (now.open, now.changes) {
            (true, Some(until)) => {
                found.push((at, Some(until)));
                at = until;
            }
            (true, None) => {
                found.push((at, None));
                break;
            }
            (false, Some(opens)) => at = opens,
            (false, None) => break,
        }
    }
    Ok(found)
}

/// When the window of one day opens and closes, if it does.
fn opening(window: &Window, zone: &TimeZone, date: Date) -> Option<(i64, i64)> {
    let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).expect("a weekday is 0 to 6");
    if !window.days[weekday] || excepted(window, date) {
        return None;
    }
    let next = date.tomorrow().ok()?;
    let overnight = window.to <= window.from;
    let from = instant(zone, date, window.from)?;
    let to = match overnight {
        false => instant(zone, date, window.to)?,
        true if excepted(window, next) => instant(zone, next, 0)?,
        true => instant(zone, next, window.to)?,
    };
    (from < to).then_some((from, to))
}

fn excepted(window: &Window, date: Date) -> bool {
    // Dates are checked when the plan is: one that does not parse here cannot reach a run.
    window.except.iter().any(|(first, last)| {
        let parsed = (first.parse::<Date>(), last.parse::<Date>());
        matches!(parsed, (Ok(first), Ok(last)) if first <= date && date <= last)
    })
}

/// A local time that falls into a gap counts as the moment after it, one that exists twice as the first.
fn instant(zone: &TimeZone, date: Date, minutes: u16) -> Option<i64> {
    let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
    let (date, time) = match hour {
        24 => (date.tomorrow().ok()?, Time::midnight()),
        _ => (date, Time::new(hour, minute, 0, 0).ok()?),
    };
    Some(date.to_datetime(time).to_zoned_datetime(zone.clone()).ok()?.timestamp().as_millisecond())
}

/// The windows of a run, and what the machine was told of them last.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    all: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    window: Window,
    /// A gate's work node; `None`: the environment's.
    gate: Option<usize>,
    told: Option<WindowState>,
}

impl Windows {
    /// Those of the environment and of every gate of this run.
    pub(crate) fn of(built: &Built) -> Self {
        let watched = |window: &Window, gate| Watched { window: window.clone(), gate, told: None };
        let environment = built.environment().and_then(|e| e.window.as_ref()).map(|window| watched(window, None));
        let gates =
            built.work.nodes.iter().enumerate().filter_map(|(node, work)| match &built.plan.nodes[work.decl].body {
                Body::Gate(gate) => gate.window.as_ref().map(|window| watched(window, Some(node))),
                Body::Step(_) => None,
            });
        Self { all: environment.into_iter().chain(gates).collect() }
    }

    /// What has changed since the machine was told last. A zone that this machine does not know keeps its window closed.
    pub(crate) fn changed(&mut self, wall: i64) -> Vec<Input> {
        let mut inputs = Vec::new();
        for watched in &mut self.all {
            let now = state(&watched.window, wall).unwrap_or(WindowState { open: false, changes: None });
            if watched.told.map(|told| told.open) != Some(now.open) {
                inputs.push(match watched.gate {
                    None => Input::Window { open: now.open },
                    Some(node) => Input::GateWindow { node, open: now.open },
                });
            }
            watched.told = Some(now);
        }
        inputs
    }

    /// When one of them changes next, in milliseconds of wall time.
    pub(crate) fn next_change(&self) -> Option<i64> {
        self.all.iter().filter_map(|watched| watched.told?.changes).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    fn window(from: u16, to: u16, zone: &str) -> Window {
        Window { from, to, zone: zone.into(), days: [true; 7], except: Vec::new(), span: Span::default() }
    }

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn seen(window: &Window, now: &str) -> (bool, String) {
        let state = state(window, at(now)).unwrap();
        (state.open, state.changes.map_or("never".into(), |ms| Timestamp::from_millisecond(ms).unwrap().to_string()))
    }

    #[test]
    fn a_night_in_seoul_runs_over_midnight() {
        let night = window(22 * 60, 6 * 60, "Asia/Seoul");
        assert_eq!(seen(&night, "2026-11-23T12:59:59Z"), (false, "2026-11-23T13:00:00Z".into()));
        assert_eq!(seen(&night, "2026-11-23T13:00:00Z"), (true, "2026-11-23T21:00:00Z".into()));
        assert_eq!(seen(&night, "2026-11-23T20:59:59Z"), (true, "2026-11-23T21:00:00Z".into()));
        assert_eq!(seen(&night, "2026-11-23T21:00:00Z"), (false, "2026-11-24T13:00:00Z".into()));
    }

    #[test]
    fn daylight_saving_moves_the_instant_and_not_the_clock() {
        let morning = window(2 * 60 + 30, 5 * 60, "Europe/Berlin");
        // 2027-03-28: 02:30 does not exist there; the window opens when the gap ends plus its half hour.
        assert_eq!(seen(&morning, "2027-03-28T00:00:00Z"), (false, "2027-03-28T01:30:00Z".into()));
        assert_eq!(seen(&morning, "2027-03-27T00:00:00Z"), (false, "2027-03-27T01:30:00Z".into()));
        // 2027-10-31: 02:30 exists twice; the first counts, so the window is an hour longer.
        assert_eq!(seen(&morning, "2027-10-31T00:30:00Z"), (true, "2027-10-31T04:00:00Z".into()));
    }

    #[test]
    fn weekdays_are_those_of_the_opening() {
        let mut nights = window(22 * 60, 6 * 60, "UTC");
        nights.days = [true, true, true, true, true, false, false];
        assert_eq!(seen(&nights, "2026-11-28T03:00:00Z"), (true, "2026-11-28T06:00:00Z".into()));
        assert_eq!(seen(&nights, "2026-11-28T23:00:00Z"), (false, "2026-11-30T22:00:00Z".into()));
    }

    #[test]
    fn a_freeze_cuts_the_night_before_it() {
        let mut nights = window(22 * 60, 6 * 60, "UTC");
        nights.except = vec![("2026-12-24".into(), "2027-01-02".into())];
        assert_eq!(seen(&nights, "2026-12-23T23:00:00Z"), (true, "2026-12-24T00:00:00Z".into()));
        assert_eq!(seen(&nights, "2026-12-24T00:00:00Z"), (false, "2027-01-03T22:00:00Z".into()));
    }

    #[test]
    fn round_the_clock_never_changes() {
        assert_eq!(seen(&window(0, 0, "UTC"), "2026-11-23T12:00:00Z"), (true, "never".into()));
    }

    #[test]
    fn an_unknown_zone_is_said() {
        assert!(state(&window(0, 60, "Mars/Olympus"), 0).unwrap_err().contains("Mars/Olympus"));
    }
}
