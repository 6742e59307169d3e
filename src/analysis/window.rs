//! `window "22:00-06:00 Asia/Seoul" on mon..fri except "2026-12-24..2027-01-02"`: read and checked.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::diag::Diagnostic;
use crate::model::Window;
use crate::source::Span;
use crate::syntax::ast::{self, Name, Text};

use super::codes::BAD_WINDOW;
use super::context::{Context, at};
use super::names::nearest;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads a window; what is wrong with it is reported, and `None` comes back.
pub(super) fn lower(cx: &mut Context<'_>, given: &ast::Window, span: Span) -> Option<Window> {
    let hours = hours(cx, &given.hours);
    let days = days(cx, &given.days);
    let except: Option<Vec<_>> = given.except.iter().map(|text| except(cx, text)).collect();
    let (from, to, zone) = hours?;
    Some(Window { from, to, zone, days: days?, except: except?, span })
}

fn hours(cx: &mut Context<'_>, text: &Text) -> Option<(u16, u16, String)> {
    let span = text.loc.0;
    let example = "write it like this: `window \"22:00-06:00 Asia/Seoul\"`";
    let Some(whole) = text.literal() else {
        cx.say(Diagnostic::new(&BAD_WINDOW, span, "a window is written out, without `{{ }}`").advice(example));
        return None;
    };
    let parsed = whole.trim().split_once(char::is_whitespace).and_then(|(hours, zone)| {
        let (from, to) = hours.split_once('-')?;
        Some((minutes(from)?, minutes(to)?, zone.trim().to_owned()))
    });
    let Some((from, to, zone)) = parsed else {
        let message = format!("`{whole}` is not a window: that takes hours (`22:00-06:00`) and a time zone");
        cx.say(Diagnostic::new(&BAD_WINDOW, span, message).advice(example));
        return None;
    };
    if TimeZone::get(&zone).is_err() || !known_zone(&zone) {
        let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let message = format!("there is no time zone `{zone}`");
        let advice = match nearest(&zone, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "use an IANA name, for example `Asia/Seoul` or `UTC`".into(),
        };
        cx.say(Diagnostic::new(&BAD_WINDOW, span, message).advice(advice));
        return None;
    }
    Some((from, to, zone))
}

/// Names only: a POSIX rule or an offset would read as a zone too, and knows no daylight saving.
fn known_zone(zone: &str) -> bool {
    zone.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'))
}

/// `22:00` as minutes after midnight; `24:00` is the end of the day.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let two = |part: &str| (part.len() == 2).then(|| part.parse::<u16>().ok())?;
    match (two(hours)?, two(minutes)?) {
        (24, 0) => Some(0),
        (hours @ 0..24, minutes @ 0..60) => Some(hours * 60 + minutes),
        _ => None,
    }
}

fn days(cx: &mut Context<'_>, ranges: &[(Name, Name)]) -> Option<[bool; 7]> {
    if ranges.is_empty() {
        return Some([true; 7]);
    }
    let mut days = [false; 7];
    for (from, to) in ranges {
        let (from, to) = (day(cx, from)?, day(cx, to)?);
        let mut day = from;
        loop {
            days[day] = true;
            if day == to {
                break;
            }
            // `sat..mon` runs over the end of the week.
            day = (day + 1) % 7;
        }
    }
    Some(days)
}

fn day(cx: &mut Context<'_>, name: &Name) -> Option<usize> {
    let lowered = name.text.to_lowercase();
    let short: String = lowered.chars().take(3).collect();
    let found = DAYS.iter().position(|day| *day == short);
    let full = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    match found {
        Some(day) if lowered == DAYS[day] || lowered == full[day] => Some(day),
        _ => {
            let message = format!("`{}` is not a day of the week", name.text);
            cx.say(Diagnostic::new(&BAD_WINDOW, at(name), message).advice("write mon, tue, wed, thu, fri, sat or sun"));
            None
        }
    }
}

fn except(cx: &mut Context<'_>, text: &Text) -> Option<(String, String)> {
    let Some(whole) = text.literal() else {
        cx.wrong(&BAD_WINDOW, text.loc.0, "an exception is written out, without `{{ }}`");
        return None;
    };
    let (first, last) = whole.split_once("..").unwrap_or((&whole, &whole));
    let (first, last) = (first.trim(), last.trim());
    let message = match (first.parse::<Date>(), last.parse::<Date>()) {
        (Ok(from), Ok(to)) if from <= to => return Some((first.to_owned(), last.to_owned())),
        (Ok(_), Ok(_)) => format!("`{whole}` ends before it begins"),
        _ => format!("`{whole}` is not a day or a range of days"),
    };
    let advice = "write it like this: `except \"2026-12-24..2027-01-02\"`";
    cx.say(Diagnostic::new(&BAD_WINDOW, text.loc.0, message).advice(advice));
    None
}
