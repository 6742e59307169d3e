//! `P01xx`: what can be wrong with the text itself.

mod file;
mod shape;
mod value;

use crate::diag::Code;

pub(crate) use file::*;
pub(crate) use shape::*;
pub(crate) use value::*;

/// Every code of this layer, by its number.
pub const CODES: &[&Code] = &[
    &FILE_TOO_LARGE,
    &NOT_TEXT,
    &EMPTY_FILE,
    &TEXT_TOO_LONG,
    &NESTING_TOO_DEEP,
    &TOO_MANY_NODES,
    &EXPRESSION_TOO_DEEP,
    &UNCLOSED_TEXT,
    &UNCLOSED_BRACKET,
    &UNCLOSED_BLOCK,
    &STRAY_CLOSER,
    &UNEXPECTED,
    &UNKNOWN_ITEM,
    &UNKNOWN_CLAUSE,
    &MISPLACED,
    &RESERVED_WORD,
    &BAD_NAME,
    &FOREIGN_OPERATOR,
    &FOREIGN_VALUE,
    &FOREIGN_QUOTES,
    &FOREIGN_CLAUSE,
    &FOREIGN_MARK,
    &CHAINED_COMPARISON,
    &BAD_ESCAPE,
    &BAD_TEMPLATE,
    &BAD_NUMBER,
    &NUMBER_TOO_LARGE,
    &NOT_CALLABLE,
    &NO_PLAN,
    &SECOND_PLAN,
    &AFTER_PLAN,
    &MISSING_EQUALS,
    &LOOSE_NOT,
    &NO_DIVISION,
    &LATE_OPERATOR,
];
