//! Numbers with and without units: `3`, `0.5`, `1h30m`, `10MiB`.

use super::ast::ExprKind;

/// Why a number can't be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadNumber {
    /// Digits, then something that is no unit; holds that something.
    Unit(String),
    /// `1.5h`: a unit on a number with a dot.
    Fraction,
    /// `1_000`
    Underscore,
    /// `30m1h` or `1h1h`: units must go from the greater to the smaller, each once.
    Order,
    /// More than 64 bits hold.
    TooLarge,
}

/// Units of time in milliseconds, the greatest first.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Units of size in bytes.
const SIZES: [(&str, u64); 7] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads one number as the grammar's `number` takes it.
pub(super) fn read(written: &str) -> Result<ExprKind, BadNumber> {
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = written.split_at(digits);
    if rest.is_empty() {
        return whole.parse().map(ExprKind::Int).map_err(|_| BadNumber::TooLarge);
    }
    if rest.starts_with('.') {
        return float(written);
    }
    if rest.starts_with('_') {
        return Err(BadNumber::Underscore);
    }
    if let Some((_, scale)) = SIZES.iter().find(|(unit, _)| *unit == rest) {
        let count: u64 = whole.parse().map_err(|_| BadNumber::TooLarge)?;
        let bytes = count.checked_mul(*scale).filter(fits).ok_or(BadNumber::TooLarge)?;
        return Ok(ExprKind::Size { bytes, written: written.to_owned() });
    }
    let millis = duration(written)?;
    Ok(ExprKind::Duration { millis, written: written.to_owned() })
}

fn float(written: &str) -> Result<ExprKind, BadNumber> {
    match written.parse::<f64>() {
        Ok(value) if written.bytes().all(|b| b.is_ascii_digit() || b == b'.') => Ok(ExprKind::Float(value)),
        Ok(_) | Err(_) => Err(BadNumber::Fraction),
    }
}

fn duration(written: &str) -> Result<u64, BadNumber> {
    let mut rest = written;
    let mut total: u64 = 0;
    let mut next = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(|b| !b.is_ascii_digit()).count();
        let (count, unit) = (&rest[..digits], &rest[digits..digits + letters]);
        let place = TIMES.iter().position(|(name, _)| *name == unit);
        let place = place.ok_or_else(|| BadNumber::Unit(unit.to_owned()))?;
        if place < next {
            return Err(BadNumber::Order);
        }
        next = place + 1;
        let count: u64 = count.parse().map_err(|_| BadNumber::TooLarge)?;
        let part = count.checked_mul(TIMES[place].1).ok_or(BadNumber::TooLarge)?;
        total = total.checked_add(part).filter(fits).ok_or(BadNumber::TooLarge)?;
        rest = &rest[digits + letters..];
    }
    Ok(total)
}

/// All amounts can be stored as signed 64-bit integers.
fn fits(amount: &u64) -> bool {
    i64::try_from(*amount).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(written: &str) -> Option<u64> {
        match read(written) {
            Ok(ExprKind::Duration { millis, .. }) => Some(millis),
            _ => None,
        }
    }

    fn bytes(written: &str) -> Option<u64> {
        match read(written) {
            Ok(ExprKind::Size { bytes, .. }) => Some(bytes),
            _ => None,
        }
    }

    #[test]
    fn durations_add_up() {
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("90s"), Some(90_000));
        assert_eq!(millis("1h30m"), Some(5_400_000));
        assert_eq!(millis("7d"), Some(604_800_000));
        assert_eq!(millis("1d2h3m4s5ms"), Some(93_784_005));
    }

    #[test]
    fn sizes_are_binary_or_decimal_as_written() {
        assert_eq!(bytes("10MiB"), Some(10_485_760));
        assert_eq!(bytes("10MB"), Some(10_000_000));
        assert_eq!(bytes("7B"), Some(7));
    }

    #[test]
    fn plain_numbers_are_ints_or_floats() {
        assert_eq!(read("42"), Ok(ExprKind::Int(42)));
        assert_eq!(read("0.25"), Ok(ExprKind::Float(0.25)));
    }

    #[test]
    fn what_is_no_number_says_why() {
        assert_eq!(read("5min"), Err(BadNumber::Unit("min".to_owned())));
        assert_eq!(read("1h30"), Err(BadNumber::Unit(String::new())));
        assert_eq!(read("1.5h"), Err(BadNumber::Fraction));
        assert_eq!(read("1_000"), Err(BadNumber::Underscore));
        assert_eq!(read("30m1h"), Err(BadNumber::Order));
        assert_eq!(read("9223372036854775808"), Err(BadNumber::TooLarge));
        assert_eq!(read("9223372036854775807d"), Err(BadNumber::TooLarge));
        assert_eq!(read("10000000000GiB"), Err(BadNumber::TooLarge));
    }
}
