//! Types that signatures share.

use crate::model::{ResourceKind, Ty};
use crate::registry::Sig;

pub(super) const STRING: Sig = Sig::Is(|| Ty::String);
pub(super) const INT: Sig = Sig::Is(|| Ty::Int);
pub(super) const FLOAT: Sig = Sig::Is(|| Ty::Float);
pub(super) const BOOL: Sig = Sig::Is(|| Ty::Bool);
pub(super) const DURATION: Sig = Sig::Is(|| Ty::Duration);
pub(super) const SIZE: Sig = Sig::Is(|| Ty::Size);
pub(super) const TIME: Sig = Sig::Is(|| Ty::Time);
pub(super) const REGEX: Sig = Sig::Is(|| Ty::Regex);
pub(super) const JSON: Sig = Sig::Is(|| Ty::Json);
pub(super) const STRINGS: Sig = Sig::Is(|| Ty::list(Ty::String));
pub(super) const INTS: Sig = Sig::Is(|| Ty::list(Ty::Int));
pub(super) const STRING_MAP: Sig = Sig::Is(|| Ty::map(Ty::String));
pub(super) const TOOL: Sig = Sig::Is(|| Ty::Tool);
pub(super) const DATABASE: Sig = Sig::Is(|| Ty::Resource(ResourceKind::Database));
pub(super) const REPO: Sig = Sig::Is(|| Ty::Resource(ResourceKind::Repo));
pub(super) const SERVICE: Sig = Sig::Is(|| Ty::Resource(ResourceKind::Service));

/// Text, or JSON that has to be one.
pub(super) const TEXT: Sig = Sig::OneOf(&[STRING, JSON]);

/// What an HTTP server answered.
pub(super) const RESPONSE: Sig = Sig::Is(|| {
    Ty::record(
        "response",
        &[
            ("status", Ty::Int),
            ("text", Ty::String),
            ("json", Ty::Json),
            ("headers", Ty::map(Ty::String)),
            ("latency", Ty::Duration),
        ],
    )
});

/// What is known of a path.
pub(super) const FILE: Sig = Sig::Is(|| {
    Ty::record(
        "file",
        &[
            ("path", Ty::String),
            ("exists", Ty::Bool),
            ("size", Ty::Size),
            ("modified", Ty::Time),
            ("sha256", Ty::String),
            ("text", Ty::String),
        ],
    )
});

/// A content hash with row counts.
pub(super) const FINGERPRINT: Sig =
    Sig::Is(|| Ty::record("fingerprint", &[("sha256", Ty::String), ("rows", Ty::map(Ty::Int)), ("detail", Ty::Json)]));
