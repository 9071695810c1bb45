//! The results of the search for all mutants.

use std::fmt::Write as _;
use std::time::Duration;

use wstape_oracle::Violation;

use super::flaw::Flaw;
use super::subscriber::Mutant;
use crate::seeds::Seeds;

/// Half of the flaws must be found within this time, on one core.
pub const MEDIAN_WITHIN: Duration = Duration::from_secs(10);
/// All flaws but one in twenty must be found within this time, on one core.
pub const P95_WITHIN: Duration = Duration::from_mins(1);
/// The result of the search for one mutant.
#[derive(Debug, Clone)]
pub struct MutantResult {
    /// What was searched for.
    pub mutant: Mutant,
    /// The seeds searched.
    pub among: Seeds,
    /// The seed that exposed it, and how.
    pub found: Option<(u64, Violation)>,
    /// The seed that exposed it without the faults that should be needed, and how.
    pub elsewhere: Option<(u64, Violation)>,
    /// Seeds that it took, or that were tried in vain.
    pub seeds: u64,
    /// How long it took.
    pub took: Duration,
}

impl MutantResult {
    /// Whether the result is right: a flaw found, and only under the faults that should find it, or
    /// nothing found if there was none.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.found.is_some() == self.mutant.flaw().is_some() && self.elsewhere.is_none()
    }
}

/// The results of the search for all mutants.
#[derive(Debug, Clone, Default)]
pub struct MutationReport {
    result: Vec<MutantResult>,
}

impl FromIterator<MutantResult> for MutationReport {
    fn from_iter<I: IntoIterator<Item = MutantResult>>(result: I) -> Self {
        let mut result: Vec<MutantResult> = result.into_iter().collect();
        result.sort_by_key(|result| result.mutant);
        Self { result }
    }
}

impl MutationReport {
    /// The mutants with a wrong result.
    pub fn wrong(&self) -> impl Iterator<Item = &MutantResult> {
        self.result.iter().filter(|result| !result.is_right())
    }

    fn flaws(&self) -> impl Iterator<Item = &MutantResult> {
        let is_flaw = |result: &&MutantResult| result.mutant.flaw().is_some();
        self.result.iter().filter(is_flaw)
    }

    /// The time within which this percentage of flaws was found; one not found counts with the time
    /// spent on it.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut times: Vec<_> = self.flaws().map(|result| result.took).collect();
        times.sort_unstable();
        let rank = (times.len() * percent).div_ceil(100).max(1);
        times.get(rank - 1).copied().unwrap_or_default()
    }

    /// Whether chaos finds what it should, as soon as it should, and nothing else.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.wrong().next().is_none()
            && self.percentile(50) <= MEDIAN_WITHIN
            && self.percentile(95) <= P95_WITHIN
    }

    /// Returns a line for each mutant: what was searched for, which rule found it, seeds, time.
    #[must_use]
    pub fn table(&self) -> String {
        let widest = Flaw::ALL.map(|flaw| flaw.name().len()).into_iter().max();
        let width = widest.unwrap_or_default();
        let mut text = format!(
            "{:width$}  rule  {:>7}  {:>9}\n",
            "flaw", "seeds", "seconds"
        );
        for result in &self.result {
            let MutantResult {
                mutant,
                found,
                seeds,
                took,
                ..
            } = result;
            let rule = found
                .as_ref()
                .map_or("-".to_owned(), |(_, violation)| violation.rule.to_string());
            let seconds = took.as_secs_f64();
            let name = mutant.label();
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name:width$}  {rule:4}  {seeds:>7}  {seconds:>9.3}");
        }
        text
    }

    /// The conclusion, in sentences; what is wrong comes last.
    #[must_use]
    pub fn conclusion(&self) -> String {
        let flaws = self.flaws().count();
        let found = self.flaws().filter(|result| result.found.is_some()).count();
        let (median, p95) = (self.percentile(50), self.percentile(95));
        let mut text = format!(
            "{found} of {flaws} mutants found; median {:.3} s, 95th percentile {:.3} s\n",
            median.as_secs_f64(),
            p95.as_secs_f64()
        );
        for (name, took, within) in [
            ("median", median, MEDIAN_WITHIN),
            ("95th percentile", p95, P95_WITHIN),
        ] {
            if took > within {
                let within = within.as_secs();
                let _ = writeln!(text, "too slow: expected the {name} within {within} s");
            }
        }
        for result in self.wrong() {
            let MutantResult {
                mutant,
                seeds,
                among,
                ..
            } = result;
            if let Some((seed, violation)) = &result.elsewhere {
                let _ = writeln!(
                    text,
                    "not only: {mutant}: expected nothing without its faults, found {violation} (seed {seed})"
                );
                continue;
            }
            let _ = match &result.found {
                None => writeln!(
                    text,
                    "missed: {mutant}: expected one of its rules to break, found none in {seeds} \
                     seeds of {among}"
                ),
                Some((seed, violation)) => writeln!(
                    text,
                    "false alarm: expected no rule to break where there is no flaw, found {violation} \
                     (seed {seed})"
                ),
            };
        }
        text.push_str(if self.holds() {
            "mutants: chaos finds what it should\n"
        } else {
            "mutants: chaos is broken: what it holds to be right need not be\n"
        });
        text
    }
}

#[cfg(test)]
mod tests {
    use wstape_oracle::Rule;

    use super::*;

    fn result(mutant: Mutant, found: bool, seconds: u64) -> MutantResult {
        let violation = Violation {
            rule: Rule::R3,
            at_us: 0,
            dial: None,
            what: "expected 1, found 2".to_owned(),
        };
        MutantResult {
            mutant,
            among: Seeds::from(0),
            found: found.then_some((7, violation)),
            elsewhere: None,
            seeds: 8,
            took: Duration::from_secs(seconds),
        }
    }

    fn flaws(times: &[u64]) -> Vec<MutantResult> {
        let flaws = Flaw::ALL.into_iter().zip(times);
        flaws
            .map(|(flaw, seconds)| result(Mutant::with(flaw), true, *seconds))
            .collect()
    }

    #[test]
    fn the_times_are_those_of_the_flaws_alone() {
        let mut all = flaws(&[5, 1, 4, 2, 3]);
        all.push(result(Mutant::flawless(), false, 100));
        let bag: MutationReport = all.into_iter().collect();
        assert_eq!(bag.percentile(50), Duration::from_secs(3));
        assert_eq!(bag.percentile(95), Duration::from_secs(5));
        assert!(bag.holds());
        assert!(bag.table().contains("(no flaw)"));
    }

    #[test]
    fn a_flaw_that_is_missed_and_one_found_where_there_is_none_break_the_run() {
        let missed = result(Mutant::with(Flaw::HotLoop), false, 1);
        let bag: MutationReport = [missed].into_iter().collect();
        assert!(!bag.holds());
        let text = bag.conclusion();
        assert!(text.contains("0 of 1 mutants found") && text.contains("missed: hot-loop"));
        assert!(text.contains("chaos is broken"), "{text}");

        let alarm = result(Mutant::flawless(), true, 1);
        let bag: MutationReport = flaws(&[1]).into_iter().chain([alarm]).collect();
        assert!(!bag.holds());
        assert!(bag.conclusion().contains("false alarm"));
    }

    #[test]
    fn a_flaw_that_is_found_without_the_faults_that_it_needs_breaks_the_run() {
        let mut both = result(Mutant::with(Flaw::TlsIsFinal), true, 1);
        both.elsewhere.clone_from(&both.found);
        let bag: MutationReport = [both].into_iter().collect();
        assert!(!bag.holds());
        let text = bag.conclusion();
        assert!(
            text.contains("not only: tls-is-final") && text.contains("(seed 7)"),
            "{text}"
        );
    }

    #[test]
    fn flaws_that_are_found_too_late_break_the_run() {
        let slow_median: MutationReport = flaws(&[1, 11, 11]).into_iter().collect();
        assert!(!slow_median.holds());
        assert!(
            slow_median
                .conclusion()
                .contains("expected the median within 10 s")
        );
        let slow_rest: MutationReport = flaws(&[1, 1, 1, 61]).into_iter().collect();
        assert!(!slow_rest.holds());
        assert!(
            slow_rest
                .conclusion()
                .contains("95th percentile within 60 s")
        );
    }

    #[test]
    fn each_flaw_has_a_name_and_a_start_of_its_own() {
        let mut names: Vec<_> = Mutant::all().map(Mutant::label).collect();
        let mut starts: Vec<_> = Mutant::all().map(Mutant::first_seed).collect();
        names.sort_unstable();
        names.dedup();
        starts.sort_unstable();
        starts.dedup();
        assert_eq!(names.len(), Flaw::ALL.len() + 1);
        assert_eq!(starts.len(), names.len());
        for flaw in Flaw::ALL {
            assert_eq!(flaw.name().parse(), Ok(flaw));
        }
    }
}
