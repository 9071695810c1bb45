//! The sum of many cases.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::call::Call;
use crate::coverage::Coverage;
use crate::fault::{Family, FaultKind};
use crate::judged::Judged;
use crate::verdict::Verdict;
use wstape_harness::Terms;
use wstape_oracle::{Edge, Rule};

/// How often each rule held under each family of faults.
type Held = BTreeMap<(Rule, Option<Family>), u64>;

/// The sum of many cases: a worker's, a run's, or all shards'.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Cases judged.
    pub cases: u64,
    /// Their total length in their own time, in microseconds.
    pub virtual_us: u64,
    /// Dials after the first of each case.
    pub reconnects: u64,
    /// Messages given to subscribers.
    pub messages: u64,
    /// What was seen, and how often.
    pub coverage: Coverage,
    /// Secrets logged by crates other than the subject's, and in how many cases.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blamed: BTreeMap<String, u64>,
    /// How often each rule's precondition held in cases in which a family of faults fired; `None`
    /// for cases in which nothing did.
    #[serde(serialize_with = "cells", deserialize_with = "from_cells")]
    pub held: BTreeMap<(Rule, Option<Family>), u64>,
}

impl Tally {
    /// A tally for a run that should see everything judged by these terms at least once: all of it
    /// starts at zero.
    #[must_use]
    pub fn of_everything(judged: &Judged, terms: &Terms) -> Self {
        let rules = judged.exercised().map(|rule| (rule, 0)).collect();
        let (calls, edges): (&[Call], &[Edge]) = match terms {
            Terms::Settings => (&Call::ALL, &Edge::ALL),
            // A subject judged by bounds may have neither receivers nor a mirror, and the judge
            // doesn't know its states.
            Terms::Bounds(_) => (&[Call::Shutdown, Call::DropHandle], &[]),
        };
        let calls = calls.iter().map(|call| (call.name().to_owned(), 0));
        let coverage = Coverage {
            rules,
            faults: FaultKind::ALL.map(|kind| (kind, 0)).into(),
            calls: calls.collect(),
            edges: edges.iter().map(|edge| (*edge, 0)).collect(),
        };
        Self {
            coverage,
            ..Self::default()
        }
    }

    /// Adds a case.
    pub fn add(&mut self, verdict: &Verdict) {
        self.cases += 1;
        self.virtual_us = self.virtual_us.saturating_add(verdict.virtual_us);
        self.reconnects += verdict.reconnects;
        self.messages += verdict.messages;
        self.coverage.merge(&verdict.coverage);
        for what in &verdict.blamed {
            *self.blamed.entry(what.clone()).or_default() += 1;
        }
        let fired = verdict.coverage.faults.iter().filter(|(_, n)| **n > 0);
        let mut families: BTreeSet<_> = fired.map(|(kind, _)| Some(kind.family())).collect();
        if families.is_empty() {
            families.insert(None);
        }
        for (rule, n) in &verdict.coverage.rules {
            for family in &families {
                *self.held.entry((*rule, *family)).or_default() += n;
            }
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        self.cases += other.cases;
        self.virtual_us = self.virtual_us.saturating_add(other.virtual_us);
        self.reconnects += other.reconnects;
        self.messages += other.messages;
        self.coverage.merge(&other.coverage);
        for (what, n) in &other.blamed {
            *self.blamed.entry(what.clone()).or_default() += n;
        }
        for (cell, n) in &other.held {
            *self.held.entry(*cell).or_default() += n;
        }
    }

    /// Lists what was enabled but never seen, and so not tested: one line per sort of thing.
    #[must_use]
    pub fn unseen(&self) -> Vec<String> {
        fn zeros<K: ToString>(what: &str, counts: &BTreeMap<K, u64>) -> Option<String> {
            let zeros = counts.iter().filter(|(_, n)| **n == 0);
            let zeros: Vec<String> = zeros.map(|(key, _)| key.to_string()).collect();
            (!zeros.is_empty()).then(|| format!("{what} {}", zeros.join(", ")))
        }
        let seen = &self.coverage;
        [
            zeros("rules", &seen.rules),
            zeros("faults", &seen.faults),
            zeros("calls", &seen.calls),
            zeros("edges", &seen.edges),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A cell of the table of rules and families, for JSON, in which an object's keys can only be
/// strings.
#[derive(Serialize, Deserialize)]
struct Cell {
    rule: Rule,
    family: Option<Family>,
    held: u64,
}

fn cells<S: Serializer>(held: &Held, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(held.iter().map(|((rule, family), held)| Cell {
        rule: *rule,
        family: *family,
        held: *held,
    }))
}

fn from_cells<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Held, D::Error> {
    let cells = Vec::<Cell>::deserialize(deserializer)?;
    let pairs = cells.into_iter();
    Ok(pairs
        .map(|cell| ((cell.rule, cell.family), cell.held))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use wstape_harness::Terms;
    use wstape_oracle::{Edge, Rule};

    use crate::{Coverage, Family, FaultKind, Judged, Verdict};

    fn everything() -> Tally {
        Tally::of_everything(&Judged::everything(), &Terms::Settings)
    }

    fn verdict(kind: Option<FaultKind>) -> Verdict {
        let mut coverage = Coverage::default();
        coverage.held(Rule::R3, 2);
        coverage.took(Edge::OPEN_FIN, 1);
        if let Some(kind) = kind {
            coverage.faults.insert(kind, 1);
        }
        coverage.faults.insert(FaultKind::Hang, 0);
        Verdict {
            coverage,
            virtual_us: 5,
            reconnects: 3,
            messages: 7,
            ..Verdict::default()
        }
    }

    #[test]
    fn tallies_of_parts_merge_to_the_tally_of_the_whole_whatever_the_order() {
        let verdicts = [Some(FaultKind::Fin), None, Some(FaultKind::Close)].map(verdict);
        let mut whole = everything();
        for verdict in &verdicts {
            whole.add(verdict);
        }
        for split in 0..=verdicts.len() {
            let (mut a, mut b) = (Tally::default(), everything());
            for verdict in &verdicts[..split] {
                a.add(verdict);
            }
            for verdict in &verdicts[split..] {
                b.add(verdict);
            }
            a.merge(&b);
            assert_eq!(a, whole, "split at {split}");
        }
        assert_eq!((whole.cases, whole.reconnects, whole.messages), (3, 9, 21));
        assert_eq!(whole.held[&(Rule::R3, Some(Family::Network))], 2);
        assert_eq!(whole.held[&(Rule::R3, None)], 2);
    }

    #[test]
    fn a_tally_reads_back_what_it_wrote() {
        let mut tally = everything();
        tally.add(&verdict(Some(FaultKind::Fin)));
        let text = serde_json::to_string(&tally).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), tally);
    }

    #[test]
    fn what_was_enabled_and_never_seen_is_named() {
        let mut tally = Tally::default();
        tally.add(&verdict(Some(FaultKind::Fin)));
        assert_eq!(tally.unseen(), ["faults hang"]);
        let mut tally = everything();
        tally.add(&verdict(Some(FaultKind::Fin)));
        tally.coverage.faults.clear();
        tally.coverage.calls.clear();
        let unseen = tally.unseen();
        assert_eq!(
            unseen[0],
            "rules R1, R2, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, R14, R15, R16"
        );
        assert!(
            unseen[1].starts_with("edges closing: answered, closing: ended, "),
            "{unseen:?}"
        );
        assert!(!unseen[1].contains("open: fin"), "{unseen:?}");
    }
}
