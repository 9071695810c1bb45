//! What the rules find.

use wstape_tape::Micros;

use super::{Rule, Violation};
use crate::coverage::{Coverage, Edge};
use crate::verdict::Verdict;

/// Collects what the rules find in one case.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) violations: Vec<Violation>,
    pub(crate) coverage: Coverage,
    held: [u64; Rule::ALL.len()],
    took: [u64; Edge::ALL.len()],
    /// The dial that is under way.
    pub(super) dial: u64,
}

impl Findings {
    pub(crate) fn new() -> Self {
        Self {
            violations: Vec::new(),
            coverage: Coverage::default(),
            held: [0; Rule::ALL.len()],
            took: [0; Edge::ALL.len()],
            dial: 0,
        }
    }

    /// A rule's precondition held.
    pub(crate) fn held(&mut self, rule: Rule) {
        self.held[rule.index()] += 1;
    }

    /// An edge was taken.
    pub(super) fn took(&mut self, edge: Edge) {
        if let Some(index) = Edge::ALL.iter().position(|other| *other == edge) {
            self.took[index] += 1;
        }
    }

    /// A rule did not hold; `what` is made only where there is room for it.
    pub(crate) fn broke(&mut self, rule: Rule, at: Micros, what: impl FnOnce() -> String) {
        if self.violations.len() < Verdict::MAX_VIOLATIONS {
            self.violations.push(Violation {
                rule,
                at_us: at.0,
                dial: (self.dial > 0).then_some(self.dial),
                what: what(),
            });
        }
    }

    /// Violations and coverage, once all is seen.
    pub(crate) fn finish(mut self) -> (Vec<Violation>, Coverage) {
        for (rule, n) in Rule::ALL.into_iter().zip(self.held) {
            if n > 0 {
                self.coverage.held(rule, n);
            }
        }
        for (edge, n) in Edge::ALL.into_iter().zip(self.took) {
            for _ in 0..n {
                self.coverage.took(edge);
            }
        }
        (self.violations, self.coverage)
    }
}
