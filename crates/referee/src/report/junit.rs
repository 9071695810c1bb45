//! `JUnit`, for tools that read test reports.

use std::fmt::Write as _;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as JunitReport, TestCase, TestCaseStatus, TestSuite};

use super::{Report, Row};
use crate::case::CaseId;
use crate::verdict::Verdict;

impl Report {
    /// The report as `JUnit` XML: `fail` is a failure, `n/a` is skipped, everything else succeeds.
    /// With expected verdicts, only differences from them are failures.
    ///
    /// # Panics
    /// Never: what XML can't hold is left out.
    #[must_use]
    pub fn junit(&self, changed: Option<&[CaseId]>) -> String {
        let mut report = JunitReport::new("wstape referee");
        let mut suite = TestSuite::new(self.client.clone());
        for row in &self.rows {
            let failed = changed.map_or(row.verdict == Verdict::Fail, |ids| ids.contains(&row.id));
            suite.add_test_case(test_case(row, failed, &self.again(&row.id.to_string())));
        }
        report.add_test_suite(suite);
        report.to_string().expect("text of our own")
    }
}

/// Returns a row as a test case; if it failed, the text says what to know and do.
fn test_case(row: &Row, failed: bool, again: &str) -> TestCase {
    let said: Vec<String> = row
        .decisive()
        .map(|(run, finding)| format!("{run} {}", finding.what).trim().to_owned())
        .collect();
    let said = said.join("\n");
    let status = if failed {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status
            .set_message(said.as_str())
            .set_type(row.verdict.word());
        let mut text = format!("{said}\n\nAsked: {}.\n", row.asked);
        for (what, of) in [("Why", &row.why), ("Good clients", &row.good)] {
            if !of.is_empty() {
                // Writing to a String does not fail.
                let _ = writeln!(text, "{what}: {of}");
            }
        }
        if !row.runs.is_empty() {
            let _ = writeln!(text, "Again: {again}");
        }
        status.set_description(text);
        status
    } else if row.verdict == Verdict::NotApplicable {
        let mut status = TestCaseStatus::skipped();
        status.set_message(said);
        status
    } else {
        TestCaseStatus::success()
    };
    // A row drawn from all cases is described by what it asks.
    let what = if row.runs.is_empty() {
        &row.asked
    } else {
        &row.played
    };
    let mut case = TestCase::new(format!("{} {what}", row.id), status);
    let took: f64 = row.runs.iter().map(|run| run.took_s).sum();
    case.set_time(Duration::from_secs_f64(took));
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::cases;
    use crate::report::RunReport;
    use crate::verdict::Finding;

    #[test]
    fn a_test_that_failed_says_why_it_matters_and_how_to_play_it_again() {
        let cases = cases().expect("cases");
        let case = cases.iter().find(|it| it.id.to_string() == "R4");
        let case = case.expect("a case");
        let mut row = Row::of(case);
        let storm = Finding::new(Verdict::Fail, "a storm");
        row.push(case, RunReport::new(String::new(), vec![storm]));
        let mut report = Report::new("node client.mjs".to_owned(), "events".to_owned(), [row]);
        report.options = "--once ".to_owned();
        let xml = report.junit(None);
        for wanted in [
            "failures=\"1\"",
            "message=\"a storm\"",
            "Asked: no storm.",
            "Why: A server that greets and hangs up",
            "Again: wstape referee --once --only R4 -- node client.mjs",
        ] {
            assert!(xml.contains(wanted), "{wanted}: {xml}");
        }
        // If the verdict is expected, nothing failed.
        assert!(report.junit(Some(&[])).contains("failures=\"0\""));
    }
}
