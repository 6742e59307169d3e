//! The one table of legal transitions of a node. Every change of state goes through [`next`].

use super::NodeState as S;

/// What an event means to the state of its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    // forward
    ChecksBegan,
    Skipped,
    Intended,
    Succeeded,
    /// An attempt failed; what follows from it is an event of its own.
    AttemptFailed,
    Backoff,
    Doubted,
    VerifyBegan,
    Done,
    Failed,
    /// The run turned back before it had an effect.
    HaltedUnstarted,
    /// The run turned back after it had, or may have had, one.
    HaltedStarted,
    // back
    UndoAsked,
    UndoIntended,
    UndoEnded,
    VerifyUndoBegan,
    Undone,
    UndoFailed,
    // a person
    Again,
    CheckAgain,
    MarkedDone,
    MarkedUndone,
    // gates
    Shown,
    Opened,
    Refused,
    Expired,
    Closed,
}

/// From where an undo may start: wherever an effect may have been left.
const UNDOABLE: &[S] = &[
    // A failed step that a person wanted to be tried once more.
    S::Pending,
    S::Done,
    S::Failed,
    S::Skipped,
    S::InDoubt,
    S::Verifying,
    S::UndoAsked,
    S::Undoing,
    S::VerifyingUndo,
    S::UndoFailed,
];

/// The state after a fact; `None`: that cannot happen in this state.
pub(crate) fn next(state: S, fact: Fact) -> Option<S> {
    let (from, to): (&[S], S) = match fact {
        Fact::ChecksBegan => (&[S::Pending, S::Checking], S::Checking),
        Fact::Skipped => (&[S::Pending, S::Checking, S::Failed, S::InDoubt, S::Verifying], S::Skipped),
        Fact::Intended => (&[S::Pending, S::Checking, S::Backoff, S::Running, S::InDoubt], S::Running),
        Fact::Succeeded => (&[S::Running, S::InDoubt], S::Verifying),
        Fact::AttemptFailed => (&[S::Running], S::Running),
        Fact::Backoff => (&[S::Running, S::InDoubt], S::Backoff),
        Fact::Doubted => (&[S::Running, S::InDoubt], S::InDoubt),
        Fact::VerifyBegan => (&[S::Pending, S::Checking, S::Verifying], S::Verifying),
        Fact::Done => (&[S::Pending, S::Checking, S::Verifying], S::Done),
        Fact::Failed => (&[S::Pending, S::Checking, S::Running, S::Backoff, S::Verifying, S::InDoubt], S::Failed),
        Fact::HaltedUnstarted => (&[S::Pending, S::Checking], S::Pending),
        Fact::HaltedStarted => (&[S::Running, S::Backoff, S::Verifying], S::Failed),
        Fact::UndoAsked => (UNDOABLE, S::UndoAsked),
        Fact::UndoIntended => (UNDOABLE, S::Undoing),
        Fact::UndoEnded => (&[S::Undoing], S::Undoing),
        Fact::VerifyUndoBegan => (&[S::Undoing, S::VerifyingUndo], S::VerifyingUndo),
        Fact::Undone => (&[S::Undoing, S::VerifyingUndo], S::Undone),
        Fact::UndoFailed => (&[S::UndoAsked, S::Undoing, S::VerifyingUndo], S::UndoFailed),
        Fact::Again => (&[S::Failed, S::Refused, S::Expired, S::Waiting, S::Open], S::Pending),
        Fact::CheckAgain => (&[S::Failed], S::Verifying),
        Fact::MarkedDone => (&[S::Failed, S::InDoubt, S::Verifying], S::Verifying),
        Fact::MarkedUndone => (&[S::UndoFailed, S::UndoAsked, S::Undoing, S::VerifyingUndo], S::VerifyingUndo),
        Fact::Shown => (&[S::Pending, S::Checking], S::Waiting),
        Fact::Opened => (&[S::Waiting], S::Open),
        Fact::Refused => (&[S::Waiting], S::Refused),
        Fact::Expired => (&[S::Waiting], S::Expired),
        Fact::Closed => (&[S::Waiting], S::Closed),
    };
    from.contains(&state).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::{Fact, S, next};

    #[test]
    fn nothing_forward_leaves_a_state_of_the_way_back() {
        for state in [S::Undoing, S::VerifyingUndo, S::Undone, S::UndoFailed, S::UndoAsked] {
            for fact in [Fact::Intended, Fact::ChecksBegan, Fact::Done, Fact::Skipped, Fact::MarkedDone, Fact::Again] {
                assert_eq!(next(state, fact), None, "{state:?} {fact:?}");
            }
        }
    }

    #[test]
    fn what_is_undone_stays_undone() {
        for fact in [Fact::UndoIntended, Fact::UndoAsked, Fact::UndoFailed, Fact::MarkedUndone] {
            assert_eq!(next(S::Undone, fact), None);
        }
    }

    #[test]
    fn an_action_ends_only_where_one_was_intended() {
        for state in [S::Pending, S::Checking, S::Backoff, S::Done, S::Failed, S::Skipped] {
            assert_eq!(next(state, Fact::Succeeded), None);
            assert_eq!(next(state, Fact::AttemptFailed), None);
        }
    }
}
