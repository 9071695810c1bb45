//! The result of playing a case.

use std::io;

use super::observer::Moment;
use super::trace::Trace;
use crate::case::CaseError;
use crate::verdict::Verdict;

/// A case that was played.
#[derive(Debug, Clone)]
pub struct Played {
    /// Its verdict.
    pub verdict: Verdict,
    /// All that happened.
    pub trace: Trace,
    /// What could be seen when each of the verdict's violations was found.
    pub moments: Vec<Moment>,
}

/// Why a case can't be played.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unplayable {
    #[error("no runtime: {0}")]
    Runtime(#[from] io::Error),
    #[error(transparent)]
    Engine(#[from] wstape_mock_engine::EngineError),
    #[error(transparent)]
    Case(#[from] CaseError),
    #[error("the subscriber does not start: {0}")]
    Subject(String),
}
