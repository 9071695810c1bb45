//! The verdicts expected of an imperfect client: only a change fails.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::case::CaseId;
use crate::verdict::Verdict;

/// The expected verdicts, by case name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expected(BTreeMap<CaseId, Verdict>);

impl Expected {
    /// The verdicts that this report found.
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

    /// The changes that this report found. A case that was not played is not a change, nor is a
    /// milder verdict if the machine was too busy to judge part of it, or an interruption kept part
    /// from being played.
    #[must_use]
    pub fn changes(&self, report: &Report) -> Changes {
        let judged = report.rows.iter().filter(|row| !row.is_unplayed());
        let changed = judged.filter_map(|row| {
            let expected = self.0.get(&row.id).copied();
            let is_unknown = row.runs.iter().any(|run| run.busy || run.unplayed);
            let may_be_as_expected = is_unknown && expected.is_some_and(|it| it > row.verdict);
            let is_changed = expected != Some(row.verdict) && !may_be_as_expected;
            is_changed.then_some((row.id, expected, row.verdict))
        });
        Changes(changed.collect())
    }
}

/// The cases whose verdict is not the expected one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes(Vec<(CaseId, Option<Verdict>, Verdict)>);

impl Changes {
    /// Whether nothing changed.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::cases;
    use crate::report::{Row, RunReport};
    use crate::verdict::Finding;

    #[test]
    fn what_a_busy_machine_kept_from_being_judged_is_no_change_and_what_is_worse_is_one() {
        let cases = cases().expect("cases");
        let case = cases.iter().find(|it| it.id.to_string() == "R5");
        let case = case.expect("a case");
        // One of two runs found this, while the other was inconclusive.
        let changes = |expected: Verdict, found: Verdict, busy: bool| {
            let mut row = Row::of(case);
            for (verdict, busy) in [(found, false), (Verdict::NotApplicable, busy)] {
                let mut run = RunReport::new(String::new(), vec![Finding::new(verdict, "")]);
                run.busy = busy;
                row.push(case, run);
            }
            let report = Report::new(String::new(), String::new(), [row]);
            let expected = Expected(BTreeMap::from([(case.id, expected)]));
            expected.changes(&report).ids().len()
        };
        assert_eq!(changes(Verdict::Fail, Verdict::Pass, true), 0);
        assert_eq!(changes(Verdict::Fail, Verdict::Pass, false), 1);
        assert_eq!(changes(Verdict::Pass, Verdict::Fail, true), 1);
        assert_eq!(changes(Verdict::Fail, Verdict::Fail, true), 0);
    }

    #[test]
    fn what_an_interruption_kept_from_being_played_is_no_change() {
        let cases = cases().expect("cases");
        let changes = |expected: &str, found: &[Verdict], unplayed: usize| {
            let mut row = Row::of(&cases[0]);
            for verdict in found {
                let finding = Finding::new(*verdict, "");
                row.push(&cases[0], RunReport::new(String::new(), vec![finding]));
            }
            for _ in 0..unplayed {
                row.push(&cases[0], RunReport::unplayed(String::new()));
            }
            let report = Report::new(String::new(), String::new(), [row]);
            let expected = format!("{{{expected}}}").replace("ID", &cases[0].id.to_string());
            let expected: Expected = serde_json::from_str(&expected).expect("verdicts");
            expected.changes(&report).ids().len()
        };
        let (fails, passes) = (r#""ID":"fail""#, r#""ID":"pass""#);
        assert_eq!(changes("", &[], 2), 0, "it was never judged");
        assert_eq!(changes(passes, &[], 2), 0);
        assert_eq!(
            changes(fails, &[Verdict::Pass], 1),
            0,
            "the other may fail yet"
        );
        assert_eq!(changes(passes, &[Verdict::Fail], 1), 1);
        assert_eq!(changes("", &[Verdict::Pass], 1), 1);
    }
}
