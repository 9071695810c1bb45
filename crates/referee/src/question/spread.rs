//! Whether many clients that are lost together come back one by one.

use serde::Deserialize;
use wstape_tape::Micros;

use super::gaps::median;
use super::{Ask, Look};
use crate::facts::{count, seconds};
use crate::verdict::{Finding, Verdict};

/// Share of the gaps that may not lie close together.
const CROWD: f64 = 0.9;
/// How close to their median is close.
const CLOSE: f64 = 0.1;
/// As close as this, in seconds, is close however short the wait: a machine spreads out so much.
const CLOSE_S: f64 = 0.05;
/// A median below this, in seconds, is no wait at all.
const MIN_MEDIAN_S: f64 = 0.05;

/// A machine whose timers are late by a fifth of this spreads clients out that come back as one, in
/// seconds.
pub(super) const MIN_SPREAD_S: f64 = 1.0;

/// Whether the gaps of many clients, dropped together, spread out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spread {
    /// Marks of the case's tape, at each of which all were dropped.
    drops: Vec<String>,
    /// How long after the last drop is waited for the last to come.
    for_s: f64,
}

impl Spread {
    /// From a drop to the accepts that follow it, one a client.
    fn gaps(look: &Look<'_>, drop: Micros) -> Vec<f64> {
        let behind = look.facts.attempts().iter().filter(|it| it.accepted > drop);
        let gaps = behind.map(|it| seconds(it.accepted.0 - drop.0));
        gaps.take(look.copies).collect()
    }

    fn is_crowd(gaps: &[f64]) -> bool {
        let median = median(gaps);
        let tolerance = (CLOSE * median).max(CLOSE_S);
        let close = gaps
            .iter()
            .filter(|gap| (*gap - median).abs() <= tolerance)
            .count();
        median < MIN_MEDIAN_S || count(close) >= CROWD * count(gaps.len())
    }

    fn all(&self, look: &Look<'_>) -> Option<Vec<Vec<f64>>> {
        let drops: Option<Vec<Micros>> = self
            .drops
            .iter()
            .map(|name| look.facts.mark(name))
            .collect();
        Some(
            drops?
                .into_iter()
                .map(|drop| Self::gaps(look, drop))
                .collect(),
        )
    }

    fn verdict(look: &Look<'_>, drops: &[Vec<f64>]) -> Finding {
        if drops.iter().any(|gaps| gaps.len() < look.copies) {
            let came: Vec<usize> = drops.iter().map(Vec::len).collect();
            let what = format!("of {} clients there came back {came:?}", look.copies);
            return Finding::new(Verdict::Fail, what);
        }
        let (verdict, what) = if drops.iter().all(|gaps| Self::is_crowd(gaps)) {
            (
                Verdict::Warn,
                format!("{} clients come back as one: no jitter", look.copies),
            )
        } else {
            (Verdict::Pass, format!("{} clients spread out", look.copies))
        };
        drops
            .iter()
            .fold(Finding::new(verdict, what), |finding, gaps| {
                finding.figure("gaps_s", gaps.clone())
            })
    }
}

impl Ask for Spread {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let drops = self.all(look)?;
        let last = look.facts.mark(self.drops.last()?)?;
        let all = drops.iter().all(|gaps| gaps.len() >= look.copies);
        (all || look.since(last) > self.for_s).then(|| Self::verdict(look, &drops))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        match self.all(look) {
            Some(drops) => Self::verdict(look, &drops),
            None => Finding::new(Verdict::NotApplicable, "the tape never came to its drops"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_that_the_machine_spreads_a_little_is_one_and_drawn_waits_are_none() {
        let spread = |from: f64, by: f64| -> Vec<f64> {
            (0..20_u8).map(|n| from + by * f64::from(n)).collect()
        };
        // 0.36 s to 0.44 s, where nine tenths of the wait are alike.
        assert!(Spread::is_crowd(&spread(0.36, 0.004)));
        assert!(Spread::is_crowd(&spread(3.0, 0.002)));
        assert!(Spread::is_crowd(&[0.004; 20]));
        // Full jitter over 0.4 s, and over 5 s.
        assert!(!Spread::is_crowd(&spread(0.01, 0.02)));
        assert!(!Spread::is_crowd(&spread(0.01, 0.25)));
    }
}
