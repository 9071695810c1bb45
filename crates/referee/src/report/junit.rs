//! `JUnit`, for whatever reads test reports.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as JunitReport, TestCase, TestCaseStatus, TestSuite};

use super::{Report, Row};
use crate::case::CaseId;
use crate::verdict::Verdict;

impl Report {
    /// The report as `JUnit`'s XML: `fail` is a failure, `n/a` is skipped, all else succeeds. Where
    /// verdicts are expected, what differs from them is a failure, and nothing else.
    ///
    /// # Panics
    /// Never: what XML can't hold is left out.
    #[must_use]
    pub fn junit(&self, changed: Option<&[CaseId]>) -> String {
        let mut report = JunitReport::new("wstape referee");
        let mut suite = TestSuite::new(self.client.clone());
        for row in &self.rows {
            let failed = changed.map_or(row.verdict == Verdict::Fail, |ids| ids.contains(&row.id));
            suite.add_test_case(test_case(row, failed));
        }
        report.add_test_suite(suite);
        report.to_string().expect("text of our own")
    }
}

fn test_case(row: &Row, failed: bool) -> TestCase {
    let said: Vec<String> = row
        .decisive()
        .map(|(run, finding)| format!("{run} {}", finding.what).trim().to_owned())
        .collect();
    let said = said.join("\n");
    let status = if failed {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(said).set_type(row.verdict.word());
        status
    } else if row.verdict == Verdict::NotApplicable {
        let mut status = TestCaseStatus::skipped();
        status.set_message(said);
        status
    } else {
        TestCaseStatus::success()
    };
    let mut case = TestCase::new(format!("{} {}", row.id, row.played), status);
    let took: f64 = row.runs.iter().map(|run| run.took_s).sum();
    case.set_time(Duration::from_secs_f64(took));
    case
}
