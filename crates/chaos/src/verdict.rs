//! The result of one case.

use std::collections::BTreeSet;

use crate::coverage::Coverage;
use wstape_oracle::{Rule, Violation};

/// The result of one case, judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The broken rules, in the order in which they were seen to break; at most
    /// [`MAX_VIOLATIONS`](wstape_oracle::MAX_VIOLATIONS).
    pub violations: Vec<Violation>,
    /// What the case tested.
    pub coverage: Coverage,
    /// Hash of the trace.
    pub hash: u64,
    /// Hash of what the engine did by the tape alone: nothing a subscriber does changes it.
    pub engine_hash: u64,
    /// Secrets logged by crates other than the subject's: which, and by which crate.
    pub blamed: BTreeSet<String>,
    /// Length of the case in its own time, in microseconds.
    pub virtual_us: u64,
    /// Dials after the first.
    pub reconnects: u64,
    /// Messages given to the subscriber.
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
