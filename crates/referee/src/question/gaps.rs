//! What the gaps between attempts show: storms, and whether a server's wish is honoured.

use serde::Deserialize;

use super::returns::cap;
use super::{Ask, Look};
use crate::facts::{Attempt, count, seconds};
use crate::verdict::{Amount, Finding, Verdict};

/// A timer later than this share of a question's bound could have changed the answer.
pub(crate) const LATE_PART: f64 = 0.2;

/// The most gaps that a report lists.
const MAX_LISTED: usize = 32;

/// A client that redials at once waits only for the machine. If its gaps are this many times longer
/// than timers are late, it is the client that waits.
const SLOWER_THAN_MACHINE: f64 = 2.0;
/// A gap shorter than this many handshakes may be no wait of the client's own, but just its path
/// from one connection to the next, which a busy machine makes long. Then timers may be no later
/// than `CALM_S`, in seconds.
const MIN_HANDSHAKES: f64 = 5.0;
const CALM_S: f64 = 0.02;
/// The figure's name for the time from an accept to its 101.
const HANDSHAKE: &str = "handshake_s";
/// The figure's name for gaps.
pub(super) const GAPS: &str = "gaps_s";

/// A median gap this many times a storm's is far from a storm.
const FAR_FROM_A_STORM: f64 = 2.0;

pub(super) fn listed(gaps: &[f64]) -> Vec<f64> {
    gaps.iter().copied().take(MAX_LISTED).collect()
}

/// The median; 0 if there are no values.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Seconds since the client was last connected or connecting, if it is neither now.
fn away(look: &Look<'_>) -> Option<f64> {
    let over = look.facts.attempts().last()?.over()?;
    Some(look.since(over))
}

/// Reports a client that stays away longer than it may, although nobody told it to.
pub(super) fn gave_up(look: &Look<'_>) -> Option<Finding> {
    let away = away(look).filter(|away| *away > cap(look))?;
    let attempts = look.facts.attempts().len();
    let what = format!("gave up: no dial in {away:.0} s after attempt {attempts}");
    Some(Finding::new(Verdict::Fail, what).figure(GAPS, listed(&look.facts.gaps())))
}

pub(super) fn too_few(look: &Look<'_>, wanted: usize) -> Finding {
    let attempts = look.facts.attempts().len();
    let what = format!(
        "only {attempts} attempts came of {wanted} in {:.0} s",
        seconds(look.now.0)
    );
    Finding::new(Verdict::NotApplicable, what).figure(GAPS, listed(&look.facts.gaps()))
}

/// Whether the client dials in a storm.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Storm {
    /// This many dials …
    dials: usize,
    /// … within this time fail.
    pub(super) within_s: f64,
    /// A median gap below this gives a warning.
    warn_median_s: f64,
    /// After this many attempts the answer is certain, if their pace is far from a storm's.
    enough: usize,
    /// Whether a client that does not come back is only reported.
    #[serde(default)]
    may_stay_away: bool,
}

impl Storm {
    /// The bound that a timer's lateness is compared with. A busy enough machine slows down any
    /// storm, so to pass, a client must be slower than that.
    pub(super) fn bound_s(&self, finding: Option<&Finding>) -> f64 {
        let passed = finding.filter(|it| it.verdict == Verdict::Pass);
        let figure = |name: &str| {
            let found = passed?.figures.iter().find(|it| it.name == name)?;
            Some(&found.value)
        };
        let Some(Amount::Series(gaps)) = figure(GAPS) else {
            return self.within_s;
        };
        let gap = median(gaps);
        let slow = gap / SLOWER_THAN_MACHINE;
        let late_s = match figure(HANDSHAKE) {
            Some(Amount::Measure(handshake)) if gap < MIN_HANDSHAKES * handshake => {
                slow.min(CALM_S)
            }
            _ => slow,
        };
        self.within_s.min(late_s / LATE_PART)
    }

    /// Returns the shortest time in which this many dials came.
    fn densest(&self, attempts: &[Attempt]) -> Option<f64> {
        attempts
            .windows(self.dials)
            .map(|window| seconds(window[self.dials - 1].accepted.0 - window[0].accepted.0))
            .min_by(f64::total_cmp)
    }

    fn calm(&self, look: &Look<'_>) -> Finding {
        let gaps = look.facts.gaps();
        let gap = median(&gaps);
        let (verdict, what) = if gap < self.warn_median_s {
            (
                Verdict::Warn,
                format!("dials again at once: its median gap is {gap:.4} s"),
            )
        } else {
            (
                Verdict::Pass,
                format!("waits {gap:.3} s between dials (median)"),
            )
        };
        let attempts = look.facts.attempts().iter();
        let handshakes = attempts.filter_map(|it| Some(seconds(it.upgraded()?.0 - it.accepted.0)));
        let handshake = median(&handshakes.collect::<Vec<_>>());
        let found = Finding::new(verdict, what).figure(GAPS, listed(&gaps));
        found.figure(HANDSHAKE, handshake)
    }
}

impl Ask for Storm {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let attempts = look.facts.attempts();
        if let Some(densest) = self.densest(attempts).filter(|it| *it <= self.within_s) {
            let what = format!("a storm: {} dials within {densest:.3} s", self.dials);
            let rate = count(self.dials) / densest.max(1e-6);
            let found = Finding::new(Verdict::Fail, what).figure("dials_per_s", rate.round());
            return Some(found.figure(GAPS, listed(&look.facts.gaps())));
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

/// Whether the first attempt after a refusal waits as long as the refusal asked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Honours {
    /// What the refusal asked for.
    pub(super) after_s: f64,
    /// How much sooner is still right, in seconds.
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
    fn who_passes_must_be_slower_than_a_busy_machine_makes_a_storm() {
        let storm = Storm {
            dials: 20,
            within_s: 1.0,
            warn_median_s: 0.02,
            enough: 8,
            may_stay_away: false,
        };
        let late_s = |verdict, gaps: &[f64]| {
            let finding = Finding::new(verdict, "").figure(GAPS, gaps.to_vec());
            LATE_PART * storm.bound_s(Some(&finding))
        };
        // Measured with websockets, which doesn't wait at all, while timers were 79 ms late.
        let spins = [0.163, 0.114, 0.106, 0.044, 0.114, 0.095, 0.098, 0.087];
        assert!(late_s(Verdict::Pass, &spins) < 0.079);
        assert!(late_s(Verdict::Pass, &[0.2; 8]) > 0.079);
        assert!((late_s(Verdict::Pass, &[5.0; 8]) - 0.2).abs() < 1e-9);
        assert!((late_s(Verdict::Fail, &spins) - 0.2).abs() < 1e-9);
        // The same with timers 47 ms late. If a handshake takes nearly as long as a gap, the
        // machine is slow; if a gap is as long as many handshakes, it is the client that waits.
        let with_handshake = |handshake: f64| {
            let finding = Finding::new(Verdict::Pass, "").figure(GAPS, vec![0.11; 12]);
            let finding = finding.figure(HANDSHAKE, handshake);
            LATE_PART * storm.bound_s(Some(&finding))
        };
        assert!(with_handshake(0.04) < 0.047 && with_handshake(0.005) > 0.047);
    }
}
