//! Codes of what is drawn, rather than of what stops a command.

use crate::diag::{Code, Severity};

/// A check did not hold.
pub static CHECK_FAILED: Code = Code {
    id: "R0534",
    name: "check_failed",
    severity: Severity::Error,
    title: "A check did not hold",
    explain: "The source line of the check is shown with what was seen under each part of the expression.",
};

/// Every code of this layer.
pub static CODES: &[&Code] = &[&CHECK_FAILED];
