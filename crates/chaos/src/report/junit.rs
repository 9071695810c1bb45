//! The results as `JUnit` XML, as nextest writes it and Jenkins and GitLab read it.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::failure::Failure;
use super::results::{Ending, Results};
use crate::fault::Family;
use wstape_oracle::Rule;

/// What the report is called.
const NAME: &str = "wstape chaos";
/// The family's name for cases in which no fault fired.
const NO_FAULT: &str = "no fault";

impl Results {
    /// Returns the results as `JUnit` XML: a suite for each rule, with a test case for each family
    /// of faults and one for no fault; and a suite of one case for whether the run as a whole is
    /// conclusive. So the test cases are the same in every run, whatever its seeds, and CI can show
    /// their history.
    ///
    /// A case is skipped if its rule's precondition never held under its faults.
    ///
    /// # Errors
    /// Never in practice: if the XML can't be written into memory.
    pub fn junit(&self) -> Result<String, SerializeError> {
        let mut report = Report::new(NAME);
        report.set_time(self.elapsed());
        let own = self
            .judged
            .rules
            .iter()
            .filter(|rule| rule.index().is_none());
        for rule in Rule::ALL.into_iter().chain(own.copied()) {
            let mut suite = TestSuite::new(rule.to_string());
            for family in Family::ALL.map(Some).into_iter().chain([None]) {
                suite.add_test_case(self.case(rule, family));
            }
            report.add_test_suite(suite);
        }
        let mut suite = TestSuite::new("coverage");
        suite.add_test_case(self.coverage_case());
        report.add_test_suite(suite);
        report.to_string()
    }

    fn case(&self, rule: Rule, family: Option<Family>) -> TestCase {
        let held = self.tally.held.get(&(rule, family)).copied();
        let held = held.unwrap_or_default();
        let broken =
            |failure: &&Failure| (failure.violation.rule, failure.family) == (rule, family);
        let status = match self.failures.iter().find(broken) {
            Some(failure) => broken_status(failure),
            None if !self.judged.contains(rule) => {
                let mut status = TestCaseStatus::skipped();
                let why = self.judged.why_not(rule).unwrap_or("it was not judged");
                status.set_message(format!("left out: {why}"));
                status
            }
            None if held == 0 => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(match self.judged.why_not_exercised(rule) {
                    Some(why) => format!("not exercised: {why}"),
                    None => "the rule's precondition never held under these faults".to_owned(),
                });
                status
            }
            None => TestCaseStatus::success(),
        };
        let name = family.map_or(NO_FAULT, Family::name);
        let mut case = TestCase::new(name, status);
        case.set_classname(format!("chaos.{rule} {}", rule.title()));
        case.set_assertions(usize::try_from(held).unwrap_or(usize::MAX));
        case
    }

    fn coverage_case(&self) -> TestCase {
        let status = if let Some(blindness) = self.blindness() {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("blind");
            status.set_message("chaos missed a mutant: what it says holds need not");
            status.set_description(blindness);
            status
        } else if self.ending() == Ending::Inconclusive {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("inconclusive");
            status.set_message("no rule broke, but too little was seen to say that they hold");
            status.set_description(self.doubts().join("\n"));
            status
        } else {
            TestCaseStatus::success()
        };
        let mut case = TestCase::new("all that was enabled was seen", status);
        case.set_classname("chaos.coverage");
        case
    }
}

fn broken_status(failure: &Failure) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(failure.violation.rule.to_string());
    status.set_message(failure.violation.to_string());
    status.set_description(failure.complete());
    status
}
