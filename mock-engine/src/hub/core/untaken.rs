//! Why the core does not take steps that were handed to it.

use super::absent::Absent;

/// Most steps that wait for their time, those that tapes have put off included.
pub(crate) const MAX_WAITING_STEPS: usize = 16_384;

/// Most steps that were posted for connections to come.
pub(crate) const MAX_POSTED_TRIGGERS: usize = 4_096;

/// Why steps can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untaken {
    #[error(transparent)]
    Absent(Absent),
    #[error("more than {MAX_WAITING_STEPS} steps would wait for their time")]
    Waiting,
    #[error("more than {MAX_POSTED_TRIGGERS} steps would have been posted for connections to come")]
    Triggers,
}
