//! The rows of a report, and their contents.

use serde::{Deserialize, Serialize};

use crate::case::{Case, CaseId};
use crate::lanes::Lanes;
use crate::process::Uncaught;
use crate::verdict::{Finding, Verdict};

/// Version of `results.json`.
pub const RESULTS_VERSION: u32 = 1;

/// All that was found about a client: what `results.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Report {
    /// Version of this layout.
    pub referee: u32,
    /// The command that starts the client.
    pub client: String,
    /// The healthy tape.
    pub healthy: String,
    /// The options of the command that are needed to play some of the cases again, each followed by
    /// a space. Whoever plays the cases fills this in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub options: String,
    /// The rows, in the order of the cases' names.
    pub rows: Vec<Row>,
}

/// A row: a case, and what it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Row {
    /// The case's name.
    #[cfg_attr(test, schemars(with = "String"))]
    pub id: CaseId,
    /// What was played.
    pub played: String,
    /// What was asked.
    pub asked: String,
    /// Why that matters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What good clients do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub good: String,
    /// Where the demand comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The worst of its runs.
    pub verdict: Verdict,
    /// What was found by looking at several runs together, or at those of all cases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The runs, one for each variant that the row lists, each with a process of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunReport>,
}

/// One run: a process of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RunReport {
    /// The variant that was played; empty if the row has only one.
    pub name: String,
    /// What was found: one answer per question.
    pub findings: Vec<Finding>,
    /// Remarks on the run itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How long it took, in seconds.
    pub took_s: f64,
    /// How late timers were at most, in seconds.
    pub late_s: f64,
    /// Whether the machine was too busy for anything to be said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub busy: bool,
    /// Whether it was not played to its end, because the referee was interrupted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unplayed: bool,
    /// Whether it ended by a signal that nobody sent.
    pub died: bool,
    /// Errors that it printed and nobody caught.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncaught: Vec<Uncaught>,
    /// What became of the token.
    pub token: TokenUse,
    /// The engine's journal.
    pub journal: Vec<String>,
    /// What the client printed.
    pub printed: String,
    /// What a report draws of the run.
    pub lanes: Lanes,
}

/// What a client did with its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TokenUse {
    /// Whether the client brought it to the engine.
    pub sent: bool,
    /// Whether the client printed it.
    pub printed: bool,
    /// Whether the client took it to another port.
    pub given_away: bool,
}

impl RunReport {
    pub(crate) fn new(name: String, findings: Vec<Finding>) -> Self {
        Self {
            name,
            findings,
            notes: Vec::new(),
            took_s: 0.0,
            late_s: 0.0,
            busy: false,
            unplayed: false,
            died: false,
            uncaught: Vec::new(),
            token: TokenUse::default(),
            journal: Vec::new(),
            printed: String::new(),
            lanes: Lanes::default(),
        }
    }

    /// Returns a run that was not played to its end.
    pub(crate) fn unplayed(name: String) -> Self {
        let what = "not judged: the referee was interrupted";
        let finding = Finding::new(Verdict::NotApplicable, what);
        Self {
            unplayed: true,
            ..Self::new(name, vec![finding])
        }
    }

    /// The worst of its findings.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        worst(&self.findings)
    }

    /// Returns the row's name together with the run's.
    #[must_use]
    pub fn full_name(&self, id: CaseId) -> String {
        if self.name.is_empty() {
            id.to_string()
        } else {
            format!("{id} {}", self.name)
        }
    }
}

/// Joins what several cases of a row play, each mentioned once.
fn also(said: &mut String, one: &str) {
    if !said.contains(one) {
        said.push_str("; ");
        said.push_str(one);
    }
}

/// Joins whole sentences in the same way.
fn beside(said: &mut String, one: &str) {
    if !said.contains(one) {
        said.push(' ');
        said.push_str(one);
    }
}

fn worst(findings: &[Finding]) -> Verdict {
    let verdicts = findings.iter().map(|it| it.verdict);
    verdicts.max().unwrap_or(Verdict::NotApplicable)
}

impl Row {
    pub(crate) fn of(case: &Case) -> Self {
        Self {
            id: case.id,
            played: case.title.clone(),
            asked: case.what.clone(),
            why: case.why.clone(),
            good: case.good.clone(),
            source: case.source.clone(),
            verdict: Verdict::NotApplicable,
            findings: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Returns a row that is drawn from all cases.
    pub(crate) fn everywhere(id: CaseId, asked: &str) -> Self {
        Self {
            id,
            played: "any case".to_owned(),
            asked: asked.to_owned(),
            why: String::new(),
            good: String::new(),
            source: None,
            verdict: Verdict::NotApplicable,
            findings: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Adds a run of this case, which may not be the one that the row began with.
    pub(crate) fn push(&mut self, case: &Case, run: RunReport) {
        also(&mut self.played, &case.title);
        also(&mut self.asked, &case.what);
        beside(&mut self.why, &case.why);
        beside(&mut self.good, &case.good);
        self.runs.push(run);
    }

    /// How many of its runs were not played to their end, because the referee was interrupted.
    pub(crate) fn unplayed(&self) -> usize {
        self.runs.iter().filter(|run| run.unplayed).count()
    }

    /// Whether none of its runs was played to its end.
    pub(crate) fn is_unplayed(&self) -> bool {
        !self.runs.is_empty() && self.unplayed() == self.runs.len()
    }

    /// The worst of all findings.
    fn judged(&self) -> Verdict {
        let runs = self.runs.iter().map(RunReport::verdict).max();
        runs.into_iter()
            .chain([worst(&self.findings)])
            .max()
            .unwrap_or(Verdict::NotApplicable)
    }

    /// Findings that have the row's own verdict, each with its run's name.
    pub(crate) fn decisive(&self) -> impl Iterator<Item = (String, &Finding)> {
        let own = self.findings.iter().map(|it| (String::new(), it));
        let of_runs = self
            .runs
            .iter()
            .flat_map(|run| run.findings.iter().map(|it| (run.name.clone(), it)));
        own.chain(of_runs)
            .filter(|(_, it)| it.verdict == self.verdict)
    }
}

impl Report {
    pub(crate) fn new(
        client: String,
        healthy: String,
        rows: impl IntoIterator<Item = Row>,
    ) -> Self {
        let mut rows: Vec<Row> = rows.into_iter().collect();
        for row in &mut rows {
            row.verdict = row.judged();
        }
        Self {
            referee: RESULTS_VERSION,
            client,
            healthy,
            options: String::new(),
            rows,
        }
    }

    /// Adds the joint findings of its runs to a row.
    pub(crate) fn add(&mut self, id: CaseId, findings: Vec<Finding>) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.id == id) {
            row.findings.extend(findings);
            row.verdict = row.judged();
        }
    }

    /// Returns the command that plays these cases again.
    pub(super) fn again(&self, ids: &str) -> String {
        let (options, client) = (&self.options, &self.client);
        format!("wstape referee {options}--only {ids} -- {client}")
    }

    /// How many rows have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rows
            .iter()
            .filter(|row| row.verdict == verdict)
            .count()
    }

    /// The worst verdict of all rows.
    #[must_use]
    pub fn worst(&self) -> Verdict {
        let verdicts = self.rows.iter().map(|row| row.verdict);
        verdicts.max().unwrap_or(Verdict::NotApplicable)
    }

    /// Returns how many seconds all runs would have taken one after the other.
    #[must_use]
    pub fn one_by_one_s(&self) -> f64 {
        let runs = self.rows.iter().flat_map(|row| &row.runs);
        runs.map(|run| run.took_s).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results.schema.json");

    /// Checks that `results.schema.json` describes the types. After changing them, run this test
    /// with `WRITE_SCHEMA=1`, and raise [`RESULTS_VERSION`] if an old reader can't understand the
    /// result.
    #[test]
    fn the_schema_in_the_repository_is_that_of_the_report() {
        let mut schema = schemars::schema_for!(Report);
        schema.insert("title".to_owned(), "Results of wstape referee".into());
        let schema = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("WRITE_SCHEMA").is_some() {
            std::fs::write(SCHEMA, &schema).unwrap();
        }
        assert_eq!(std::fs::read_to_string(SCHEMA).unwrap(), schema);
    }
}
