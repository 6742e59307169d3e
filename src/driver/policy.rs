//! `--on-failure`, as the journal keeps it and as the machine takes it.

use crate::journal::OnFailure;
use crate::model::PolicySpec;

/// The policy that a run was started with.
pub(crate) fn spec(chosen: OnFailure) -> PolicySpec {
    match chosen {
        OnFailure::Undo => PolicySpec::UndoAll,
        OnFailure::Ask => PolicySpec::Ask { then_undo_after: None },
        OnFailure::Stop => PolicySpec::Stop,
    }
}
