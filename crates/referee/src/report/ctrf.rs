//! The report as CTRF: one JSON layout for the results of any test tool (ctrf.io).

use serde_json::{Value, json};

use super::{Report, Row};
use crate::verdict::Verdict;

/// The CTRF version that is written.
const SPEC_VERSION: &str = "0.0.0";

/// CTRF's word for a verdict: a warning passes, with a note in its message.
fn status(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "failed",
        Verdict::Warn | Verdict::Pass => "passed",
        Verdict::Info => "other",
        Verdict::NotApplicable => "skipped",
    }
}

impl Report {
    /// The report as a CTRF document. With expected verdicts, `failed` are the rows whose change
    /// fails; times are milliseconds since 1970.
    #[must_use]
    pub fn ctrf(&self, failed: Option<&[crate::CaseId]>, start_ms: u64, stop_ms: u64) -> Value {
        let of = |row: &Row| match failed {
            Some(failed) if failed.contains(&row.id) => "failed",
            Some(_) if row.verdict == Verdict::Fail => "passed",
            _ => status(row.verdict),
        };
        let count = |status: &str| self.rows.iter().filter(|row| of(row) == status).count();
        let tests: Vec<Value> = self.rows.iter().map(|row| test(row, of(row))).collect();
        json!({
            "reportFormat": "CTRF",
            "specVersion": SPEC_VERSION,
            "generatedBy": "wstape referee",
            "results": {
                "tool": { "name": "wstape referee", "version": env!("CARGO_PKG_VERSION") },
                "summary": {
                    "tests": self.rows.len(),
                    "passed": count("passed"),
                    "failed": count("failed"),
                    "pending": 0,
                    "skipped": count("skipped"),
                    "other": count("other"),
                    "start": start_ms,
                    "stop": stop_ms,
                },
                "tests": tests,
                "environment": { "appName": self.client },
            }
        })
    }
}

fn test(row: &Row, status: &str) -> Value {
    let took_s: f64 = row.runs.iter().map(|run| run.took_s).sum();
    let said: Vec<String> = row
        .decisive()
        .map(|(run, finding)| match run.as_str() {
            "" => finding.what.clone(),
            run => format!("{run}: {}", finding.what),
        })
        .collect();
    json!({
        "name": format!("{}: {}", row.id, row.played),
        "status": status,
        "rawStatus": row.verdict.word(),
        "duration": (took_s * 1e3).round(),
        "message": said.join("; "),
        "tags": [row.id.to_string()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::cases;
    use crate::report::RunReport;
    use crate::verdict::Finding;

    #[test]
    fn every_row_is_a_test_and_the_summary_counts_them() {
        let cases = cases().unwrap();
        let verdicts = Verdict::ALL.into_iter().zip(cases.iter());
        let rows = verdicts.map(|(verdict, case)| {
            let mut row = Row::of(case);
            let finding = Finding::new(verdict, "seen");
            row.push(case, RunReport::new(String::new(), vec![finding]));
            row
        });
        let report = Report::new("client".to_owned(), "events".to_owned(), rows);
        let ctrf = report.ctrf(None, 1, 2);
        let summary = &ctrf["results"]["summary"];
        assert_eq!(summary["tests"], 5);
        for (status, count) in [("passed", 2), ("failed", 1), ("skipped", 1), ("other", 1)] {
            assert_eq!(summary[status], count, "{status}");
        }
        let failing = report.rows.iter().find(|row| row.verdict == Verdict::Fail);
        let failing = failing.unwrap().id;
        let as_expected = report.ctrf(Some(&[]), 1, 2);
        assert_eq!(as_expected["results"]["summary"]["failed"], 0);
        let changed = report.ctrf(Some(&[failing]), 1, 2);
        assert_eq!(changed["results"]["summary"]["failed"], 1);
    }
}
