//! What the gaps between attempts say: storms, backoff, and whether a server's wish is honoured.

use serde::Deserialize;

use super::returns::cap;
use super::{Ask, Look};
use crate::facts::{Attempt, count, gaps, seconds};
use crate::verdict::{Finding, Verdict};

/// Most gaps that a report lists.
const MAX_LISTED: usize = 32;

/// A median gap this many times a storm's is far from one.
const FAR_FROM_A_STORM: f64 = 2.0;

fn listed(gaps: &[f64]) -> Vec<f64> {
    gaps.iter().copied().take(MAX_LISTED).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len().max(1))
}

/// The value in the middle; of none, 0.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Seconds since the client was last connected or connecting, where it is neither now.
fn away(look: &Look<'_>) -> Option<f64> {
    let over = look.facts.attempts().last()?.over()?;
    Some(look.since(over))
}

/// A client that stays away for longer than it may, though nobody told it to.
fn gave_up(look: &Look<'_>) -> Option<Finding> {
    let away = away(look).filter(|away| *away > cap(look))?;
    let attempts = look.facts.attempts().len();
    let what = format!("gave up: no dial in {away:.0} s after attempt {attempts}");
    Some(Finding::new(Verdict::Fail, what).figure("gaps_s", listed(&look.facts.gaps())))
}

fn too_few(look: &Look<'_>, wanted: usize) -> Finding {
    let attempts = look.facts.attempts().len();
    let what = format!(
        "only {attempts} attempts came of {wanted} in {:.0} s",
        seconds(look.now.0)
    );
    Finding::new(Verdict::NotApplicable, what).figure("gaps_s", listed(&look.facts.gaps()))
}

/// The last gaps together are so many times the first at least, where gaps grow: a clock is never so
/// even that equal gaps are equal.
const MIN_GROWTH: f64 = 1.1;

/// Whether the gaps grow while nothing answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BacksOff {
    /// How many attempts are looked at.
    attempts: usize,
    /// All of them within this fail.
    pub(super) within_s: f64,
    /// A gap over this is warned of.
    max_gap_s: f64,
}

/// Gaps at the beginning and at the end that are held against each other: jitter decides about
/// one, hardly about three.
const COMPARED: usize = 3;

impl Ask for BacksOff {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let Some(attempts) = look.facts.attempts().get(..self.attempts) else {
            return gave_up(look);
        };
        let gaps = gaps(attempts);
        let spent = seconds(attempts[self.attempts - 1].accepted.0 - attempts[0].accepted.0);
        let (first, last) = match (
            gaps.first_chunk::<COMPARED>(),
            gaps.last_chunk::<COMPARED>(),
        ) {
            (Some(first), Some(last)) => (first.iter().sum::<f64>(), last.iter().sum::<f64>()),
            _ => (0.0, 0.0),
        };
        let longest = gaps.iter().copied().fold(0.0, f64::max);
        let n = self.attempts;
        let (verdict, what) = if spent <= self.within_s {
            (
                Verdict::Fail,
                format!("a storm: {n} attempts within {spent:.3} s"),
            )
        } else if last <= MIN_GROWTH * first {
            let what = format!(
                "does not back off: its last three gaps took {last:.3} s, its first three {first:.3} s"
            );
            (Verdict::Warn, what)
        } else if longest > self.max_gap_s {
            (
                Verdict::Warn,
                format!("waited {longest:.1} s between two attempts"),
            )
        } else {
            (
                Verdict::Pass,
                format!("backs off: {n} attempts in {spent:.1} s"),
            )
        };
        Some(Finding::new(verdict, what).figure("gaps_s", listed(&gaps)))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        too_few(look, self.attempts)
    }
}

/// Whether the client dials in a storm.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Storm {
    /// So many dials …
    dials: usize,
    /// … within this fail.
    pub(super) within_s: f64,
    /// A median gap below this is warned of.
    warn_median_s: f64,
    /// After so many attempts the answer is certain, where their pace is far from a storm's.
    enough: usize,
    /// Whether a client that does not come back is only told of.
    #[serde(default)]
    may_stay_away: bool,
}

impl Storm {
    /// The shortest time in which so many dials came.
    fn densest(&self, attempts: &[Attempt]) -> Option<f64> {
        attempts
            .windows(self.dials)
            .map(|window| seconds(window[self.dials - 1].accepted.0 - window[0].accepted.0))
            .min_by(f64::total_cmp)
    }

    fn calm(&self, look: &Look<'_>) -> Finding {
        let gaps = look.facts.gaps();
        let median = median(&gaps);
        let (verdict, what) = if median < self.warn_median_s {
            (
                Verdict::Warn,
                format!("dials again at once: its median gap is {median:.4} s"),
            )
        } else {
            (
                Verdict::Pass,
                format!("waits {median:.3} s between dials (median)"),
            )
        };
        Finding::new(verdict, what).figure("gaps_s", listed(&gaps))
    }
}

impl Ask for Storm {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let attempts = look.facts.attempts();
        if let Some(densest) = self.densest(attempts).filter(|it| *it <= self.within_s) {
            let what = format!("a storm: {} dials within {densest:.3} s", self.dials);
            let rate = count(self.dials) / densest.max(1e-6);
            let found = Finding::new(Verdict::Fail, what).figure("dials_per_s", rate.round());
            return Some(found.figure("gaps_s", listed(&look.facts.gaps())));
        }
        let far = FAR_FROM_A_STORM * self.within_s / count(self.dials);
        let is_far = median(&look.facts.gaps()) > far;
        let enough = if is_far { self.enough } else { 2 * self.dials };
        if attempts.len() >= enough {
            return Some(self.calm(look));
        }
        let gone = gave_up(look)?;
        if self.may_stay_away {
            return Some(Finding {
                verdict: Verdict::Info,
                what: format!("takes this for the end: {}", gone.what),
                ..gone
            });
        }
        Some(gone)
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        if look.facts.gaps().len() < 2 {
            return too_few(look, self.enough);
        }
        self.calm(look)
    }
}

/// Whether a connection that held resets the backoff: rounds of attempts that are reset before the
/// answer, and a last one that lives a while.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetsBackoff {
    /// Attempts a round; the last of them lives.
    attempts: usize,
    /// Rounds.
    rounds: usize,
}

/// What it means that the gap behind a connection that held is so long, and the one before it so long.
fn behind_and_before(behind: f64, before: f64) -> (Verdict, String) {
    let figures = format!("{behind:.3} s behind it, {before:.3} s before");
    if behind > MIN_GROWTH * before {
        let what = format!("a connection that held does not reset its backoff: {figures}");
        (Verdict::Fail, what)
    } else if MIN_GROWTH * behind > before {
        // Gaps that are all alike have nothing to reset: which one is the longer is a clock's noise.
        let what = format!("waits as long behind a connection that held as before: {figures}");
        (Verdict::Pass, what)
    } else {
        let what = format!("a connection that held resets its backoff: {figures}");
        (Verdict::Pass, what)
    }
}

impl Ask for ResetsBackoff {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let wanted = self.attempts * self.rounds + 1;
        let Some(attempts) = look.facts.attempts().get(..wanted) else {
            return gave_up(look);
        };
        // Behind the attempt that lived, and before it.
        let gap_behind = |n: usize| {
            let over = attempts[n - 1].over()?;
            Some(seconds(attempts[n].accepted.0.saturating_sub(over.0)))
        };
        let rounds = 1..=self.rounds;
        let behind: Vec<f64> = rounds
            .clone()
            .filter_map(|r| gap_behind(r * self.attempts))
            .collect();
        let before: Vec<f64> = rounds
            .filter_map(|r| gap_behind(r * self.attempts - 1))
            .collect();
        let (after_life, before_life) = (mean(&behind), mean(&before));
        let (verdict, what) = behind_and_before(after_life, before_life);
        Some(
            Finding::new(verdict, what)
                .figure("gaps_behind_s", behind)
                .figure("gaps_before_s", before),
        )
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        too_few(look, self.attempts * self.rounds + 1)
    }
}

/// Whether the client comes back however often it is lost.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeepsOn {
    /// How often it is lost.
    losses: usize,
    /// The last gaps together this many times the first …
    warn_ratio: f64,
    /// … and so much longer are warned of.
    warn_longer_s: f64,
}

impl Ask for KeepsOn {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let Some(attempts) = look.facts.attempts().get(..=self.losses) else {
            return gave_up(look);
        };
        let gaps = gaps(attempts);
        let half = gaps.len() / 2;
        let (first, last) = (
            gaps[..half].iter().sum::<f64>(),
            gaps[gaps.len() - half..].iter().sum::<f64>(),
        );
        let n = self.losses;
        let (verdict, what) = if last > self.warn_ratio * first && last > first + self.warn_longer_s
        {
            let what = format!(
                "comes back later and later, though it was connected each time: the last {half} gaps took {last:.1} s, the first {first:.1} s"
            );
            (Verdict::Warn, what)
        } else {
            (Verdict::Pass, format!("came back from each of {n} losses"))
        };
        Some(Finding::new(verdict, what).figure("gaps_s", listed(&gaps)))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        too_few(look, self.losses + 1)
    }
}

/// Whether the first attempt after a refusal waits for as long as the refusal asked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Honours {
    /// What the refusal asked for.
    pub(super) after_s: f64,
    /// So much sooner is still right.
    slack_s: f64,
}

impl Ask for Honours {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let Some(gap) = look.facts.gaps().first().copied() else {
            return gave_up(look);
        };
        let asked = self.after_s;
        let (verdict, what) = if gap < asked - self.slack_s {
            (
                Verdict::Warn,
                format!("asked to wait {asked} s, dialled after {gap:.3} s"),
            )
        } else {
            (
                Verdict::Pass,
                format!("asked to wait {asked} s, waited {gap:.3} s"),
            )
        };
        Some(Finding::new(verdict, what).figure("gap_s", gap))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        too_few(look, 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_that_are_all_alike_are_no_backoff_that_was_not_reset() {
        let verdict = |behind, before| behind_and_before(behind, before).0;
        assert_eq!(verdict(5.001, 5.000), Verdict::Pass);
        assert_eq!(verdict(5.000, 5.001), Verdict::Pass);
        assert_eq!(verdict(0.2, 4.0), Verdict::Pass);
        assert_eq!(verdict(8.0, 4.0), Verdict::Fail);
    }
}
