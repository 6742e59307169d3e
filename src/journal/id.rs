//! Names of runs: `20260215-k7f3`, short enough to be typed.

use std::hash::{BuildHasher, RandomState};

use super::error::JournalError;

/// Without those that look like others.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many of them follow the day.
const RANDOM: u32 = 4;

/// An id that most likely no other run has. Two processes that start at the same moment must not get the same one, for
/// locks are kept by it: hence a random end and not a number.
pub(super) fn fresh() -> String {
    let day = jiff::Timestamp::now().strftime("%Y%m%d").to_string();
    let random = RandomState::new().hash_one(std::process::id());
    let letter = |at: u32| char::from(LETTERS[(random >> (at * 5) & 31) as usize]);
    format!("{day}-{}", (0..RANDOM).map(letter).collect::<String>())
}

/// Finds the run that is meant among `ids`, the newest first.
pub(super) fn resolve(ids: &[String], which: &str) -> Result<String, JournalError> {
    let none = || JournalError::NoRun { id: which.to_owned() };
    if matches!(which, "last" | "latest") {
        return ids.first().cloned().ok_or(JournalError::NoRun { id: String::new() });
    }
    if ids.iter().any(|id| id == which) {
        return Ok(which.to_owned());
    }
    let meant: Vec<&String> = ids.iter().filter(|id| id.starts_with(which) || id.ends_with(which)).collect();
    match meant.as_slice() {
        _ if which.is_empty() => Err(none()),
        [] => Err(none()),
        [one] => Ok((*one).clone()),
        several => {
            let runs = several.iter().map(|id| (*id).clone()).collect();
            Err(JournalError::Ambiguous { id: which.to_owned(), runs })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_by_either_end() {
        let ids = ["20260216-aaaa", "20260215-k7f3", "20260215-bbbb"].map(str::to_owned);
        assert_eq!(resolve(&ids, "last").unwrap(), ids[0]);
        assert_eq!(resolve(&ids, "k7f3").unwrap(), ids[1]);
        assert_eq!(resolve(&ids, "20260216").unwrap(), ids[0]);
        assert!(matches!(resolve(&ids, "20260215"), Err(JournalError::Ambiguous { runs, .. }) if runs.len() == 2));
        assert!(matches!(resolve(&ids, "x"), Err(JournalError::NoRun { .. })));
        assert!(matches!(resolve(&ids, ""), Err(JournalError::NoRun { .. })));
    }
}
