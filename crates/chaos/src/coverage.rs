//! What was seen often enough to count as tested.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wstape_oracle::{Edge, Found, Rule};

use crate::fault::FaultKind;

/// How often the things that a run is meant to test happened. Maps list everything that was
/// enabled, even at zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// How often each rule's precondition held.
    pub rules: BTreeMap<Rule, u64>,
    /// How often each kind of fault fired, by the engine's own journal.
    pub faults: BTreeMap<FaultKind, u64>,
    /// How often each call was made.
    pub calls: BTreeMap<String, u64>,
    /// How often each edge was taken.
    pub edges: BTreeMap<Edge, u64>,
}

impl Coverage {
    /// What the judge saw; it doesn't know about faults and calls.
    #[must_use]
    pub fn of(found: &Found) -> Self {
        Self {
            rules: found.rules.clone(),
            edges: found.edges.clone(),
            ..Self::default()
        }
    }

    /// Counts the rule's precondition as held `times` more times.
    pub fn held(&mut self, rule: Rule, times: u64) {
        *self.rules.entry(rule).or_default() += times;
    }

    /// Counts an edge as taken `times` more times.
    pub fn took(&mut self, edge: Edge, times: u64) {
        *self.edges.entry(edge).or_default() += times;
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        fn add<K: Ord + Clone>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            for (key, n) in from {
                match into.get_mut(key) {
                    Some(had) => *had += n,
                    None => {
                        into.insert(key.clone(), *n);
                    }
                }
            }
        }
        add(&mut self.rules, &other.rules);
        add(&mut self.faults, &other.faults);
        add(&mut self.calls, &other.calls);
        add(&mut self.edges, &other.edges);
    }
}
