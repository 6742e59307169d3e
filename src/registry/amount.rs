//! Durations, sizes and instants as text, both ways.

use jiff::Timestamp;

/// Units of time in milliseconds, the greatest first.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Units of size in bytes.
const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// `1h30m`: exact, as a plan would write it.
pub fn duration_text(millis: u64) -> String {
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut rest = millis;
    let mut text = String::new();
    for (unit, scale) in TIMES {
        let count = rest / scale;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
            rest %= scale;
        }
    }
    text
}

/// `10MiB`: exact, in the greatest binary unit that divides it.
pub fn size_text(bytes: u64) -> String {
    let (unit, scale) =
        SIZES[..3].iter().find(|(_, scale)| bytes > 0 && bytes.is_multiple_of(*scale)).unwrap_or(&SIZES[6]);
    format!("{}{unit}", bytes / scale)
}

/// RFC 3339 in UTC; an instant beyond the calendar's end prints as milliseconds.
pub fn time_text(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(|_| format!("{millis}ms"), |time| time.to_string())
}

/// Reads what [`duration_text`] writes, and whatever a plan may write.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let bad = || format!("{text:?} is not a duration such as `90s` or `1h30m`");
    let mut rest = text;
    let mut total: u64 = 0;
    let mut next = 0;
    while !rest.is_empty() {
        let (count, unit, after) = amount(rest);
        let place = TIMES.iter().position(|(name, _)| *name == unit).filter(|place| *place >= next).ok_or_else(bad)?;
        next = place + 1;
        let part = count.parse::<u64>().ok().and_then(|count| count.checked_mul(TIMES[place].1));
        total = part.and_then(|part| total.checked_add(part)).filter(fits).ok_or_else(bad)?;
        rest = after;
    }
    if text.is_empty() { Err(bad()) } else { Ok(total) }
}

/// Reads a size as a plan may write it.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let (count, unit, after) = amount(text);
    let scale = SIZES.iter().find(|(name, _)| *name == unit && after.is_empty()).map(|(_, scale)| *scale);
    let bytes = scale.and_then(|scale| count.parse::<u64>().ok()?.checked_mul(scale)).filter(fits);
    bytes.ok_or_else(|| format!("{text:?} is not a size such as `512B` or `10MiB`"))
}

/// Reads an RFC 3339 instant, as milliseconds.
pub(crate) fn parse_time(text: &str) -> Result<i64, String> {
    let time: Result<Timestamp, _> = text.parse();
    time.map(Timestamp::as_millisecond)
        .map_err(|_| format!("{text:?} is not a time such as `2027-03-01T22:00:00+09:00`"))
}

/// Splits `1h30m` into `1`, `h`, `30m`.
fn amount(text: &str) -> (&str, &str, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = text[digits..].bytes().take_while(|byte| !byte.is_ascii_digit()).count();
    (&text[..digits], &text[digits..digits + unit], &text[digits + unit..])
}

/// All amounts can be stored as signed 64-bit integers.
fn fits(amount: &u64) -> bool {
    i64::try_from(*amount).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_go_both_ways() {
        for (millis, text) in
            [(0, "0s"), (1, "1ms"), (5_400_000, "1h30m"), (604_800_000, "7d"), (93_784_005, "1d2h3m4s5ms")]
        {
            assert_eq!(duration_text(millis), text);
            assert_eq!(parse_duration(text), Ok(millis));
        }
        assert_eq!(duration_text(u64::MAX), "213503982334d14h25m51s615ms");
        for bad in ["", "h", "5", "30m1h", "1.5h", "-1s", "9223372036854775808ms", " 1s"] {
            assert!(parse_duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sizes_go_both_ways() {
        for (bytes, text) in
            [(0, "0B"), (1, "1B"), (1023, "1023B"), (1024, "1KiB"), (10 << 20, "10MiB"), (1536, "1536B")]
        {
            assert_eq!(size_text(bytes), text);
            assert_eq!(parse_size(text), Ok(bytes));
        }
        assert_eq!(parse_size("2kB"), Ok(2000));
        for bad in ["", "B", "1", "1XB", "1KiB2B", "10000000000GiB", "１B"] {
            assert!(parse_size(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_print_in_utc() {
        assert_eq!(time_text(0), "1970-01-01T00:00:00Z");
        assert_eq!(parse_time("2027-03-01T00:00:00.5+09:00"), Ok(1_803_826_800_500));
        assert_eq!(time_text(1_803_826_800_500), "2027-02-28T15:00:00.5Z");
        assert_eq!(time_text(i64::MAX), "9223372036854775807ms");
        assert!(parse_time("2027-03-01").is_err());
    }
}
