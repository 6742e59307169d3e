//! Habits from other languages: read in order to say what to write here.

use crate::source::Span;

use super::ast::{BinaryOp, ExprKind};
use super::codes;
use super::sink::Sink;

/// Reports an operator of another language; what it means here, when it stands between two values.
pub(super) fn operator(sink: &mut Sink, seen: &str, span: Span) -> Option<BinaryOp> {
    let (meant, advice) = match seen {
        "&&" => (Some(BinaryOp::And), "write `and`"),
        "||" => (Some(BinaryOp::Or), "write `or`"),
        "=" => (Some(BinaryOp::Eq), "write `==` to compare, or `name: value` for an argument or an entry of a map"),
        "===" => (Some(BinaryOp::Eq), "write `==`"),
        "!==" | "<>" => (Some(BinaryOp::Ne), "write `!=`"),
        "!" => (None, "write `not`"),
        _ => return None,
    };
    sink.report(&codes::FOREIGN_OPERATOR, span, format!("`{seen}` is not an operator here"), advice);
    meant
}

/// Reports a constant of another language, and says what it is here.
pub(super) fn value(sink: &mut Sink, seen: &str, span: Span) -> Option<ExprKind> {
    let (kind, meant) = match seen {
        "null" | "nil" | "None" | "NULL" | "undefined" => (ExprKind::None, "none"),
        "True" | "TRUE" => (ExprKind::Bool(true), "true"),
        "False" | "FALSE" => (ExprKind::Bool(false), "false"),
        _ => return None,
    };
    let message = format!("`{seen}` is not a value here");
    sink.report(&codes::FOREIGN_VALUE, span, message, format!("write `{meant}`"));
    Some(kind)
}

/// What to write instead of a unit that isn't one.
pub(super) fn unit_advice(unit: &str, known: &str) -> String {
    let meant = match unit {
        "sec" | "secs" | "second" | "seconds" | "S" => "s",
        "min" | "mins" | "minute" | "minutes" | "M" => "m",
        "hr" | "hrs" | "hour" | "hours" | "H" => "h",
        "day" | "days" | "D" => "d",
        "msec" | "millis" | "milliseconds" => "ms",
        "b" | "bytes" => "B",
        "KB" | "K" | "k" | "kb" => "kB or KiB",
        "G" | "gb" | "Gb" => "GB or GiB",
        "mb" | "Mb" => "MB or MiB",
        "w" | "week" | "weeks" => return "write weeks as days: 7d".to_owned(),
        _ => return known.to_owned(),
    };
    format!("write {meant} for `{unit}`: {known}")
}
