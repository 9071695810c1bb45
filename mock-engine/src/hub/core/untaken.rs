//! Why posted steps are not accepted.

use wstape_tape::Step;

/// The most steps that may wait for their time, including those that tapes have put off.
pub(crate) const MAX_WAITING_STEPS: usize = 16_384;

/// The most steps that may be posted for connections to come.
pub(crate) const MAX_POSTED_TRIGGERS: usize = 4_096;

/// A posted step that names a connection which isn't there, or can't take it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub(crate) struct Absent {
    /// The step's line in the request.
    pub(crate) line: u64,
    /// Whether no connection of that number has come yet; otherwise the step is too late for it.
    pub(crate) never: bool,
    pub(super) said: String,
}

impl Absent {
    /// For a step that is too late, or too soon, on a connection that has come.
    pub(super) fn late(step: &Step, said: String) -> Self {
        Self {
            line: step.line,
            never: false,
            said,
        }
    }
}

/// Why steps can't be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untaken {
    #[error(transparent)]
    Absent(Absent),
    #[error("more than {MAX_WAITING_STEPS} steps would wait for their time")]
    Waiting,
    #[error("more than {MAX_POSTED_TRIGGERS} steps would have been posted for connections to come")]
    Triggers,
}
