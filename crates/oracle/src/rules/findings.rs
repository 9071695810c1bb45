//! What the rules find.

use std::collections::BTreeMap;

use wstape_tape::Micros;

use crate::edge::Edge;
use crate::rule::{Rule, RuleSet, Violation};

/// Most violations kept for one case: those that follow from the first are of little use.
pub const MAX_VIOLATIONS: usize = 16;

/// Collects what the rules find in one case.
#[derive(Debug)]
pub struct Findings {
    violations: Vec<Violation>,
    /// Which of the rules are judged at all.
    judged: [bool; Rule::ALL.len()],
    held: [u64; Rule::ALL.len()],
    held_own: BTreeMap<Rule, u64>,
    took: [u64; Edge::ALL.len()],
    /// The dial in progress.
    dial: u64,
}

impl Findings {
    /// Creates a collection without findings.
    #[must_use]
    pub fn new() -> Self {
        Self {
            violations: Vec::new(),
            judged: [true; Rule::ALL.len()],
            held_own: BTreeMap::new(),
            held: [0; Rule::ALL.len()],
            took: [0; Edge::ALL.len()],
            dial: 0,
        }
    }

    /// Judges only these of the built-in rules: findings for any other are dropped, and take no
    /// place from those asked for.
    #[must_use]
    pub fn judging(mut self, rules: &RuleSet) -> Self {
        self.judged = Rule::ALL.map(|rule| rules.contains(rule));
        self
    }

    /// Whether the rule is judged.
    pub(super) fn judges(&self, rule: Rule) -> bool {
        rule.index().is_none_or(|index| self.judged[index])
    }

    /// Notes that a rule's precondition held.
    pub fn held(&mut self, rule: Rule) {
        match rule.index() {
            Some(index) => self.held[index] += u64::from(self.judged[index]),
            None => *self.held_own.entry(rule).or_default() += 1,
        }
    }

    /// Notes that the precondition of a subject's own rule held this many times in total.
    pub(super) fn held_in_all(&mut self, rule: Rule, times: u64) {
        self.held_own.insert(rule, times);
    }

    /// Notes that an edge was taken.
    pub(super) fn took(&mut self, edge: Edge) {
        if let Some(index) = Edge::ALL.iter().position(|other| *other == edge) {
            self.took[index] += 1;
        }
    }

    /// Notes that a rule was broken; `what` is called only if there is room for it.
    pub fn broke(&mut self, rule: Rule, at: Micros, what: impl FnOnce() -> String) {
        if self.violations.len() < MAX_VIOLATIONS && self.judges(rule) {
            self.violations.push(Violation {
                rule,
                at_us: at.0,
                dial: (self.dial > 0).then_some(self.dial),
                what: what(),
            });
        }
    }

    /// The violations so far, in the order they were seen.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Attributes the violations from here on to this dial.
    pub(super) fn at_dial(&mut self, dial: u64) {
        self.dial = dial;
    }

    /// Everything that was found, once the case is over.
    #[must_use]
    pub fn finish(self) -> Found {
        let held = Rule::ALL.into_iter().zip(self.held);
        let took = Edge::ALL.into_iter().zip(self.took);
        Found {
            violations: self.violations,
            rules: held.chain(self.held_own).filter(|(_, n)| *n > 0).collect(),
            edges: took.filter(|(_, n)| *n > 0).collect(),
        }
    }
}

impl Default for Findings {
    fn default() -> Self {
        Self::new()
    }
}

/// What the rules found in one case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The violations, in the order they were seen; at most [`MAX_VIOLATIONS`].
    pub violations: Vec<Violation>,
    /// How often each rule's precondition held, if it did.
    pub rules: BTreeMap<Rule, u64>,
    /// How often each edge was taken, if it was.
    pub edges: BTreeMap<Edge, u64>,
}
