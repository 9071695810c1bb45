//! What came of one case.

use std::collections::BTreeSet;

use crate::coverage::Coverage;
use wstape_oracle::{Rule, Violation};

/// What came of one case, judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The rules that did not hold, in the order in which that was seen; at most
    /// [`MAX_VIOLATIONS`](wstape_oracle::MAX_VIOLATIONS).
    pub violations: Vec<Violation>,
    /// What the case tested.
    pub coverage: Coverage,
    /// Hash of the trace.
    pub hash: u64,
    /// Hash of what the engine did by the tape alone: nothing that a subscriber does moves it.
    pub engine_hash: u64,
    /// Secrets that crates which are not the subject's logged: what, and who.
    pub blamed: BTreeSet<String>,
    /// How long the case was in its own time, in microseconds.
    pub virtual_us: u64,
    /// Dials but the first.
    pub reconnects: u64,
    /// Messages that the subscriber was given.
    pub messages: u64,
}

impl Verdict {
    /// Whether all rules held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }

    /// The rule that broke first.
    #[must_use]
    pub fn broken(&self) -> Option<Rule> {
        self.violations.first().map(|violation| violation.rule)
    }
}
