//! Verdicts that are expected of a client that is not perfect: only a change fails.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::case::CaseId;
use crate::verdict::Verdict;

/// The verdicts that are expected, by the case's name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expected(BTreeMap<CaseId, Verdict>);

impl Expected {
    /// What this report found.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        Self(
            report
                .rows
                .iter()
                .map(|row| (row.id, row.verdict))
                .collect(),
        )
    }

    /// What this report found otherwise. A case that was not played is no change.
    #[must_use]
    pub fn changes(&self, report: &Report) -> Changes {
        let changed = report.rows.iter().filter_map(|row| {
            let expected = self.0.get(&row.id).copied();
            (expected != Some(row.verdict)).then_some((row.id, expected, row.verdict))
        });
        Changes(changed.collect())
    }
}

/// The cases whose verdict is not the expected one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes(Vec<(CaseId, Option<Verdict>, Verdict)>);

impl Changes {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The cases' names.
    #[must_use]
    pub fn ids(&self) -> Vec<CaseId> {
        self.0.iter().map(|(id, _, _)| *id).collect()
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, expected, found) in &self.0 {
            match expected {
                Some(expected) => writeln!(f, "{id}: expected {expected}, found {found}")?,
                None => writeln!(f, "{id}: not expected at all, found {found}")?,
            }
        }
        Ok(())
    }
}
