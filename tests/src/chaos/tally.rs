//! The sum of many cases.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::case::Call;
use super::coverage::{Coverage, Edge};
use super::draw::{Family, FaultKind};
use super::rules::Rule;
use super::verdict::Verdict;

/// How often each rule held under each family of faults.
type Held = BTreeMap<(Rule, Option<Family>), u64>;

/// The sum of many cases: of one worker's, of a run's, of all shards'.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Cases judged.
    pub cases: u64,
    /// How long they were in their own time, in microseconds.
    pub virtual_us: u64,
    /// Dials but the first of each.
    pub reconnects: u64,
    /// Messages that subscribers were given.
    pub messages: u64,
    /// What was seen, and how often.
    pub coverage: Coverage,
    /// How often each rule's precondition held in cases in which a family of faults fired;
    /// `None` where nothing did.
    #[serde(serialize_with = "cells", deserialize_with = "from_cells")]
    pub held: BTreeMap<(Rule, Option<Family>), u64>,
}

impl Tally {
    /// A tally of a run that is to see everything at least once: all of it stands at zero.
    #[must_use]
    pub fn of_everything() -> Self {
        let coverage = Coverage {
            rules: Rule::ALL.map(|rule| (rule, 0)).into(),
            faults: FaultKind::ALL.map(|kind| (kind, 0)).into(),
            calls: Call::ALL.map(|call| (call.name().to_owned(), 0)).into(),
            edges: Edge::ALL.map(|edge| (edge, 0)).into(),
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
        for (cell, n) in &other.held {
            *self.held.entry(*cell).or_default() += n;
        }
    }

    /// What was enabled and never seen, in words. What it would have shown was not tested.
    #[must_use]
    pub fn unseen(&self) -> Vec<String> {
        fn zeros<'a, K: ToString>(
            what: &'a str,
            counts: &'a BTreeMap<K, u64>,
        ) -> impl Iterator<Item = String> + 'a {
            let zeros = counts.iter().filter(|(_, n)| **n == 0);
            zeros.map(move |(key, _)| format!("{what} {}", key.to_string()))
        }
        let seen = &self.coverage;
        zeros("rule", &seen.rules)
            .chain(zeros("fault", &seen.faults))
            .chain(zeros("call", &seen.calls))
            .chain(zeros("edge", &seen.edges))
            .collect()
    }
}

/// A cell of the table of rules and families, as JSON has it: an object's keys are only strings.
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
    use crate::chaos::{Coverage, Edge, Family, FaultKind, Rule, Verdict};

    fn verdict(kind: Option<FaultKind>) -> Verdict {
        let mut coverage = Coverage::default();
        coverage.held(Rule::R3, 2);
        coverage.took(Edge::OPEN_FIN);
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
        let mut whole = Tally::of_everything();
        for verdict in &verdicts {
            whole.add(verdict);
        }
        for split in 0..=verdicts.len() {
            let (mut a, mut b) = (Tally::default(), Tally::of_everything());
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
        let mut tally = Tally::of_everything();
        tally.add(&verdict(Some(FaultKind::Fin)));
        let text = serde_json::to_string(&tally).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), tally);
    }

    #[test]
    fn what_was_enabled_and_never_seen_is_named() {
        let mut tally = Tally::default();
        tally.add(&verdict(Some(FaultKind::Fin)));
        assert_eq!(tally.unseen(), ["fault hang"]);
        let mut tally = Tally::of_everything();
        tally.add(&verdict(Some(FaultKind::Fin)));
        let unseen = tally.unseen();
        assert!(unseen.contains(&"rule R15".to_owned()), "{unseen:?}");
        assert!(unseen.contains(&"edge open: idle".to_owned()), "{unseen:?}");
        assert!(unseen.contains(&"call shutdown".to_owned()), "{unseen:?}");
        assert!(!unseen.contains(&"rule R3".to_owned()), "{unseen:?}");
    }
}
