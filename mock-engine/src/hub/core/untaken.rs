//! Why steps that were posted are not taken.

use wstape_tape::Step;

/// Most steps that wait for their time, those that tapes have put off included.
pub(crate) const MAX_WAITING_STEPS: usize = 16_384;

/// Most steps that were posted for connections to come.
pub(crate) const MAX_POSTED_TRIGGERS: usize = 4_096;

/// A step that is posted for a connection that isn't there, or can do nothing with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub(crate) struct Absent {
    /// The step's line in the request.
    pub(crate) line: u64,
    /// Whether a connection of that number has never come; else it has, and it is too late for this.
    pub(crate) never: bool,
    pub(super) said: String,
}

impl Absent {
    /// Of a step for which it is too late, or too soon, on a connection that has come.
    pub(super) fn late(step: &Step, said: String) -> Self {
        Self {
            line: step.line,
            never: false,
            said,
        }
    }
}

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
