//! `P01xx`: what can be wrong with the text itself.

use crate::diag::Code;

/// Every code of this layer.
pub const CODES: &[&Code] = &[];
