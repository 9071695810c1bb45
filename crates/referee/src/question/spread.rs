//! Whether many clients that are lost together come back one by one.

use serde::Deserialize;
use wstape_tape::Micros;

use super::gaps::median;
use super::{Ask, Look};
use crate::facts::{Attempt, count, seconds};
use crate::verdict::{Amount, Figure, Finding, Verdict};

/// If at least this share of the gaps lies close together, the clients came back as a crowd.
const CROWD: f64 = 0.9;
/// The other gaps are this fraction of all: one in ten.
const FEW_PART: usize = 10;
/// How far from the median is still close, as a share of it.
const CLOSE: f64 = 0.1;
/// This close, in seconds, is close however short the wait: a machine causes that much spread.
const CLOSE_S: f64 = 0.05;
/// This many drops must have met all clients for anything to be said about them.
const MIN_DROPS: usize = 2;
/// A median below this, in seconds, is not a wait at all.
const MIN_MEDIAN_S: f64 = 0.05;

/// If timers are late by a fifth of this, in seconds, the machine may have spread out clients that
/// return as one.
pub(super) const MIN_SPREAD_S: f64 = 1.0;

/// The same for clients that are spread so little that a busy machine may have caused it.
pub(super) const MIN_DOUBTFUL_SPREAD_S: f64 = 0.25;
/// How close to their median a busy machine leaves clients that return as one: as a share of it,
/// and in seconds.
const NEAR: f64 = 0.35;
const NEAR_S: f64 = 0.1;

/// Whether clients reported as spread out may have been spread by the machine: clients with equal
/// waits all compute something before they dial, at the same time.
pub(super) fn is_doubtful(finding: &Finding) -> bool {
    let is_near = |figure: &Figure| match &figure.value {
        Amount::Series(gaps) => are_close(gaps, NEAR, NEAR_S),
        Amount::Count(_) | Amount::Measure(_) => false,
    };
    finding.verdict == Verdict::Pass && finding.figures.iter().any(is_near)
}

/// Whether all but a few lie this close to their median, as a share of it or in seconds.
fn are_close(gaps: &[f64], part: f64, s: f64) -> bool {
    let median = median(gaps);
    let tolerance = (part * median).max(s);
    let close = gaps.iter().filter(|gap| (*gap - median).abs() <= tolerance);
    count(close.count()) >= CROWD * count(gaps.len())
}

/// The shortest time in which all but a few come, in seconds.
fn width(gaps: &[f64]) -> f64 {
    let mut sorted = gaps.to_vec();
    sorted.sort_by(f64::total_cmp);
    let few = sorted.len() / FEW_PART;
    let most = sorted.len() - few;
    let windows = sorted
        .windows(most.max(1))
        .map(|it| it[it.len() - 1] - it[0]);
    windows.min_by(f64::total_cmp).unwrap_or(0.0)
}

/// Whether the gaps of many clients, dropped together, spread out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spread {
    /// Marks of the case's tape at which all were dropped.
    drops: Vec<String>,
    /// How long after the last drop to wait for the last client.
    for_s: f64,
}

/// One drop of all clients.
#[derive(Debug, Clone, PartialEq)]
struct Drop {
    /// Clients that were connected when it came.
    connected: usize,
    /// The times from the drop to the next accepts, one per client.
    gaps: Vec<f64>,
}

/// A connection that ended this shortly before the mark was ended by the drop, in seconds.
const SAME_S: f64 = 0.5;

impl Spread {
    fn drop(look: &Look<'_>, at: Micros) -> Drop {
        let attempts = look.facts.attempts();
        let held = |it: &&Attempt| {
            let since = it
                .over()
                .map_or(0.0, |over| seconds(at.0.saturating_sub(over.0)));
            it.upgraded().is_some_and(|up| up <= at) && since <= SAME_S
        };
        let behind = attempts.iter().filter(|it| it.accepted > at);
        let gaps = behind.map(|it| seconds(it.accepted.0 - at.0));
        Drop {
            connected: attempts.iter().filter(held).count(),
            gaps: gaps.take(look.copies).collect(),
        }
    }

    fn is_crowd(gaps: &[f64]) -> bool {
        median(gaps) < MIN_MEDIAN_S || are_close(gaps, CLOSE, CLOSE_S)
    }

    fn all(&self, look: &Look<'_>) -> Option<Vec<Drop>> {
        let marks = self.drops.iter().map(|name| look.facts.mark(name));
        marks.map(|at| Some(Self::drop(look, at?))).collect()
    }

    fn verdict(copies: usize, drops: &[Drop]) -> Finding {
        if drops.iter().any(|it| it.gaps.len() < copies) {
            let came: Vec<usize> = drops.iter().map(|it| it.gaps.len()).collect();
            let what = format!("of {copies} clients there came back {came:?}");
            return Finding::new(Verdict::Fail, what);
        }
        // On a machine where clients start slowly, one that is not yet connected was not lost
        // either: its first dial says nothing about its wait.
        let whole = drops.iter().filter(|it| it.connected >= copies);
        let mut judged = whole.clone().map(|it| Self::is_crowd(&it.gaps));
        let (verdict, what) = if whole.clone().count() < MIN_DROPS.min(drops.len()) {
            let were: Vec<usize> = drops.iter().map(|it| it.connected).collect();
            let what = format!("of {copies} clients {were:?} were connected when all were dropped");
            (Verdict::NotApplicable, what)
        } else if judged.all(|is_crowd| is_crowd) {
            let widths = whole.map(|it| width(&it.gaps));
            let width = widths.fold(0.0, f64::max);
            let what = format!(
                "{copies} clients come back as one, nine tenths of them within {width:.2} s: little jitter, or none"
            );
            (Verdict::Warn, what)
        } else {
            (Verdict::Pass, format!("{copies} clients spread out"))
        };
        drops
            .iter()
            .fold(Finding::new(verdict, what), |finding, drop| {
                finding.figure("gaps_s", drop.gaps.clone())
            })
    }
}

impl Ask for Spread {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let drops = self.all(look)?;
        let last = look.facts.mark(self.drops.last()?)?;
        let all = drops.iter().all(|it| it.gaps.len() >= look.copies);
        (all || look.since(last) > self.for_s).then(|| Self::verdict(look.copies, &drops))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        match self.all(look) {
            Some(drops) => Self::verdict(look.copies, &drops),
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
        // 0.36 s to 0.44 s: nine tenths of the wait are fixed.
        assert!(Spread::is_crowd(&spread(0.36, 0.004)));
        assert!(Spread::is_crowd(&spread(3.0, 0.002)));
        assert!(Spread::is_crowd(&[0.004; 20]));
        // Full jitter over 0.4 s, and over 5 s.
        assert!(!Spread::is_crowd(&spread(0.01, 0.02)));
        assert!(!Spread::is_crowd(&spread(0.01, 0.25)));
    }

    #[test]
    fn a_crowd_is_told_by_the_time_in_which_nine_tenths_of_it_come() {
        // Two gaps are long, and eighteen come within 0.17 s, as with libwebsockets and a fifth of
        // jitter.
        let mut gaps: Vec<f64> = (0..18).map(|n| 1.0 + 0.01 * f64::from(n)).collect();
        gaps.extend([1.9, 2.5]);
        assert!((width(&gaps) - 0.17).abs() < 1e-9);
        assert!(width(&[]).abs() < 1e-9 && width(&[1.0]).abs() < 1e-9);
        let drop = || Drop {
            connected: 20,
            gaps: (0..20).map(|n| 1.0 + 0.01 * f64::from(n)).collect(),
        };
        let finding = Spread::verdict(20, &[drop(), drop(), drop()]);
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(finding.what.contains("within 0.17 s"), "{}", finding.what);
    }

    #[test]
    fn a_drop_that_met_some_before_they_were_connected_does_not_count() {
        let drop = |connected: usize, gaps: &[f64]| Drop {
            connected,
            gaps: gaps.to_vec(),
        };
        let (late, crowd) = ([0.1, 1.5, 3.0, 3.0], [3.0, 3.01, 3.01, 3.02]);
        let drops = [drop(2, &late), drop(4, &crowd), drop(4, &crowd)];
        assert_eq!(Spread::verdict(4, &drops).verdict, Verdict::Warn);
        let drops = [drop(4, &late), drop(4, &crowd), drop(4, &crowd)];
        assert_eq!(Spread::verdict(4, &drops).verdict, Verdict::Pass);
        let drops = [drop(2, &late), drop(3, &crowd), drop(4, &crowd)];
        assert_eq!(Spread::verdict(4, &drops).verdict, Verdict::NotApplicable);
        let drops = [drop(4, &late), drop(4, &crowd), drop(4, &crowd[..3])];
        assert_eq!(Spread::verdict(4, &drops).verdict, Verdict::Fail);
    }

    #[test]
    fn what_a_busy_machine_may_have_spread_is_doubtful_and_drawn_waits_are_not() {
        let pass = |gaps: &[f64]| Finding::new(Verdict::Pass, "").figure("gaps_s", gaps.to_vec());
        // Measured with Node, each client after 1 s, on two cores shared with two compilers.
        let loaded = [
            1.09, 1.09, 1.15, 1.15, 1.17, 1.17, 1.22, 1.22, 1.22, 1.22, 1.22, 1.22, 1.22, 1.22,
            1.22, 1.22, 1.27, 1.35, 1.35, 1.35,
        ];
        assert!(!Spread::is_crowd(&loaded) && is_doubtful(&pass(&loaded)));
        // Full jitter over 0.5 s.
        let drawn: Vec<f64> = (0..20_u8).map(|n| 0.025 * f64::from(n)).collect();
        assert!(!is_doubtful(&pass(&drawn)));
        let crowd = Finding::new(Verdict::Warn, "").figure("gaps_s", loaded.to_vec());
        assert!(
            !is_doubtful(&crowd),
            "the machine makes no crowd of what is spread out"
        );
    }
}
