//! Whether gaps grow where they should, and don't where they shouldn't.
//!
//! If a client draws its waits at random, one process can't show that: the draw hides the growth.
//! So these cases start several processes and answer from the gaps of all of them. Each process's
//! early gaps are compared with its own late ones. Growth is believed if chance alone, whatever the
//! distribution of gaps, would make it too rarely to matter.

use serde::Deserialize;

use super::chance::{Sample, chance};
use super::gaps::{GAPS, gave_up, listed, median, too_few};
use super::{Ask, Look};
use crate::facts::{count, gaps, seconds};
use crate::verdict::{Amount, Finding, Verdict};

/// If gaps grow, late ones are at least this many times the early ones: no clock is so even that
/// equal gaps come out equal.
const MIN_GROWTH: f64 = 1.1;
/// Required growth is believed if chance alone would make it more rarely than this.
const BACKOFF_CHANCE: f64 = 1e-3;
/// Growth that counts against a client is believed if chance makes it more rarely than this.
const BLAME_CHANCE: f64 = 1e-4;
/// With fewer processes than this nothing is said about growth.
const MIN_PROCESSES: usize = 4;
/// Gaps at the start and at the end that are compared where they should grow.
const COMPARED: usize = 3;
/// Gaps this close to their median, as a share of it, are even; or this close in seconds.
const EVEN_PART: f64 = 0.05;
const EVEN_S: f64 = 0.05;
/// Waits that may be uneven at an even pace: a machine may stumble once.
const MAX_UNEVEN: usize = 1;
/// With fewer waits than this none may be uneven, …
const MANY_WAITS: usize = 5;
/// … and with fewer than this nothing is said.
const MIN_WAITS: usize = 3;
/// A gap shorter than this, in seconds, is not a wait: some clients (aiohttp) dial twice if the
/// first dial was reset, and whether they back off shows in the waits between such pairs.
const MIN_WAIT_S: f64 = 0.05;

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len().max(1))
}

/// Returns the early waits of all processes, and their late ones.
fn together(samples: &[Sample]) -> (Vec<f64>, Vec<f64>) {
    let early = samples.iter().flat_map(|it| it.early.iter().copied());
    let late = samples.iter().flat_map(|it| it.late.iter().copied());
    (early.collect(), late.collect())
}

/// Returns a finding that says nothing about growth, if too few processes got that far.
fn too_few_processes(samples: &[Sample]) -> Option<Finding> {
    let n = samples.len();
    (n < MIN_PROCESSES).then(|| {
        let what = format!("{n} processes came so far: too few to tell growth from chance");
        Finding::new(Verdict::NotApplicable, what)
    })
}

/// Whether the gaps grow while nothing answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BacksOff {
    /// How many attempts to look at.
    attempts: usize,
    /// If all of them come within this time, the client fails.
    within_s: f64,
    /// A longer gap gives a warning.
    max_gap_s: f64,
}

/// The gaps that count as waits.
fn waits(gaps: &[f64]) -> Vec<f64> {
    gaps.iter()
        .copied()
        .filter(|it| *it >= MIN_WAIT_S)
        .collect()
}

/// Whether all waits but one are alike: a pace that no backoff and hardly any jitter produces.
fn is_even(waits: &[f64]) -> bool {
    let median = median(waits);
    let close = (EVEN_PART * median).max(EVEN_S);
    let uneven = waits.iter().filter(|it| (*it - median).abs() > close);
    let allowed = if waits.len() >= MANY_WAITS {
        MAX_UNEVEN
    } else {
        0
    };
    waits.len() >= MIN_WAITS && uneven.count() <= allowed
}

/// Returns a process's first and last waits, as many of each.
fn early_and_late(gaps: &[f64]) -> Option<Sample> {
    let waits = waits(gaps);
    let compared = COMPARED.min(waits.len() / 2);
    (compared > 0).then(|| Sample {
        early: waits[..compared].to_vec(),
        late: waits[waits.len() - compared..].to_vec(),
        before: Vec::new(),
    })
}

impl BacksOff {
    /// The bound that a timer's lateness is compared with: the time in which a storm counts as one,
    /// or a wait of the client, if that is longer.
    pub(super) fn bound_s(&self, finding: Option<&Finding>) -> f64 {
        let gaps = finding.and_then(|it| it.figures.iter().find(|it| it.name == GAPS));
        match gaps.map(|it| &it.value) {
            Some(Amount::Series(gaps)) => self.within_s.max(median(gaps)),
            _ => self.within_s,
        }
    }
}

impl Ask for BacksOff {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let Some(attempts) = look.facts.attempts().get(..self.attempts) else {
            return gave_up(look);
        };
        let gaps = gaps(attempts);
        let spent = seconds(attempts[self.attempts - 1].accepted.0 - attempts[0].accepted.0);
        let longest = gaps.iter().copied().fold(0.0, f64::max);
        let waits = waits(&gaps);
        let n = self.attempts;
        let (verdict, what) = if spent <= self.within_s {
            (
                Verdict::Fail,
                format!("a storm: {n} attempts within {spent:.3} s"),
            )
        } else if is_even(&waits) {
            let twice = if waits.len() + 1 < gaps.len() {
                ", twice at a time"
            } else {
                ""
            };
            let what = format!(
                "does not back off: dials every {:.1} s{twice}",
                median(&waits)
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
                format!("no storm: {n} attempts in {spent:.1} s"),
            )
        };
        Some(Finding::new(verdict, what).figure(GAPS, listed(&gaps)))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        too_few(look, self.attempts)
    }

    fn sample(&self, look: &Look<'_>) -> Option<Sample> {
        early_and_late(&gaps(look.facts.attempts().get(..self.attempts)?))
    }

    fn pooled(&self, samples: &[Sample]) -> Option<Finding> {
        if let Some(finding) = too_few_processes(samples) {
            return Some(finding);
        }
        let (early, late) = together(samples);
        let (first, last) = (median(&early), median(&late));
        let n = samples.len();
        let grows = last > MIN_GROWTH * first && chance(samples) <= BACKOFF_CHANCE;
        let figures = format!(
            "over {n} processes its first waits are {first:.3} s, its last ones {last:.3} s (medians)"
        );
        Some(if grows {
            Finding::new(Verdict::Pass, format!("backs off: {figures}"))
        } else {
            Finding::new(Verdict::Warn, format!("does not back off: {figures}"))
        })
    }
}

/// Whether a connection that held resets the backoff: rounds of attempts that are reset before the
/// answer, with a last one that lives a while.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetsBackoff {
    /// Attempts per round; the connection of the last one lives.
    attempts: usize,
    /// Rounds.
    rounds: usize,
    /// The client fails if the gaps after connections that held are this many times its first gaps
    /// …
    fail_ratio: f64,
    /// … and longer by this much.
    fail_longer_s: f64,
}

/// A process's first gaps, after its first two losses: nothing can have grown by then.
const FIRST: usize = 2;

/// If gaps after connections that held are this many times shorter than those before them, the
/// backoff was reset, however long they are.
const CLEARLY_SHORTER: f64 = 2.0;

impl ResetsBackoff {
    /// The gaps after the connections that held, and those before them.
    fn behind_and_before(&self, look: &Look<'_>) -> Option<(Vec<f64>, Vec<f64>)> {
        let wanted = self.attempts * self.rounds + 1;
        let attempts = look.facts.attempts().get(..wanted)?;
        let gap_behind = |n: usize| {
            let over = attempts[n - 1].over()?;
            Some(seconds(attempts[n].accepted.0.saturating_sub(over.0)))
        };
        let lived = (1..=self.rounds).map(|round| round * self.attempts);
        let behind = lived.clone().filter_map(gap_behind).collect();
        let before = lived.filter_map(|n| gap_behind(n - 1)).collect();
        Some((behind, before))
    }
}

impl Ask for ResetsBackoff {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let Some((behind, before)) = self.behind_and_before(look) else {
            return gave_up(look);
        };
        let what = format!("came back from {} connections that held", self.rounds);
        let found = Finding::new(Verdict::Pass, what);
        let found = found.figure("gaps_behind_s", behind);
        Some(found.figure("gaps_before_s", before))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        too_few(look, self.attempts * self.rounds + 1)
    }

    fn sample(&self, look: &Look<'_>) -> Option<Sample> {
        let (late, before) = self.behind_and_before(look)?;
        let early = gaps(look.facts.attempts().get(..=FIRST)?);
        Some(Sample {
            early,
            late,
            before,
        })
    }

    fn pooled(&self, samples: &[Sample]) -> Option<Finding> {
        if let Some(finding) = too_few_processes(samples) {
            return Some(finding);
        }
        let (early, late) = together(samples);
        let (first, behind) = (mean(&early), mean(&late));
        let before: Vec<f64> = samples.iter().flat_map(|it| it.before.clone()).collect();
        let reset = CLEARLY_SHORTER * behind < mean(&before);
        let grown = behind > self.fail_ratio * first && behind > first + self.fail_longer_s;
        let n = samples.len();
        Some(if grown && !reset && chance(samples) <= BLAME_CHANCE {
            let what = format!(
                "a connection that held does not reset its backoff: over {n} processes {behind:.3} s behind one, {first:.3} s behind their first losses"
            );
            Finding::new(Verdict::Fail, what)
        } else {
            let what = "no later behind a connection that held than behind a first loss";
            Finding::new(Verdict::Pass, what)
        })
    }
}

/// Whether the client comes back however often it is lost.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeepsOn {
    /// How often it is lost.
    losses: usize,
    /// The client gets a warning if its last gaps are this many times its first ones …
    warn_ratio: f64,
    /// … and longer by this much.
    warn_longer_s: f64,
}

/// A process's last gaps that are compared with its first ones.
const LAST: usize = 4;

impl Ask for KeepsOn {
    fn look(&self, look: &Look<'_>) -> Option<Finding> {
        let Some(attempts) = look.facts.attempts().get(..=self.losses) else {
            return gave_up(look);
        };
        let what = format!("came back from each of {} losses", self.losses);
        let found = Finding::new(Verdict::Pass, what);
        Some(found.figure("gaps_s", listed(&gaps(attempts))))
    }

    fn at_the_end(&self, look: &Look<'_>) -> Finding {
        too_few(look, self.losses + 1)
    }

    fn sample(&self, look: &Look<'_>) -> Option<Sample> {
        let gaps = gaps(look.facts.attempts().get(..=self.losses)?);
        Some(Sample {
            early: gaps.first_chunk::<FIRST>()?.to_vec(),
            late: gaps.last_chunk::<LAST>()?.to_vec(),
            before: Vec::new(),
        })
    }

    fn pooled(&self, samples: &[Sample]) -> Option<Finding> {
        if let Some(finding) = too_few_processes(samples) {
            return Some(finding);
        }
        let (early, late) = together(samples);
        let (first, last) = (mean(&early), mean(&late));
        let grown = last > self.warn_ratio * first && last > first + self.warn_longer_s;
        let n = samples.len();
        Some(if grown && chance(samples) <= BLAME_CHANCE {
            let what = format!(
                "comes back later and later, though it was connected each time: over {n} processes its last gaps are {last:.1} s, its first ones {first:.1} s"
            );
            Finding::new(Verdict::Warn, what)
        } else {
            Finding::new(Verdict::Pass, "comes back no later behind the last losses")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::chance::draws::Draws;
    use super::*;

    /// How often each client is simulated, with different draws each time.
    const TIMES: u64 = 2_000;
    /// The number of processes in R2, R3 and R8.
    const PROCESSES: usize = 12;

    /// How long a client waits after this many losses.
    type Waits = fn(&mut Draws, i32) -> f64;

    /// Full jitter over a backoff that doubles from 0.5 s to 30 s.
    fn full_jitter(draws: &mut Draws, losses: i32) -> f64 {
        draws.below((0.5 * 2_f64.powi(losses)).min(30.0))
    }

    /// The same, slower: 1 s growing by 1.5 to 60 s.
    fn slow_growth(draws: &mut Draws, losses: i32) -> f64 {
        draws.below(1.5_f64.powi(losses).min(60.0))
    }

    /// Half of each wait is drawn: 1 s growing by 1.3 to 10 s.
    fn half_jitter(draws: &mut Draws, losses: i32) -> f64 {
        let cap = 1.3_f64.powi(losses).min(10.0);
        cap / 2.0 + draws.below(cap / 2.0)
    }

    fn constant_jitter(draws: &mut Draws, _: i32) -> f64 {
        draws.below(5.0)
    }

    fn even(draws: &mut Draws, _: i32) -> f64 {
        5.0 + draws.below(0.01)
    }

    fn backs_off(waits: Waits, draws: &mut Draws) -> Verdict {
        let ask = BacksOff {
            attempts: 8,
            within_s: 2.0,
            max_gap_s: 60.0,
        };
        let samples: Vec<Sample> = (0..PROCESSES)
            .filter_map(|_| {
                let gaps: Vec<f64> = (0..7).map(|n| waits(draws, n)).collect();
                early_and_late(&gaps)
            })
            .collect();
        ask.pooled(&samples).expect("a finding").verdict
    }

    fn resets(waits: Waits, resets: bool, draws: &mut Draws) -> Verdict {
        let ask = ResetsBackoff {
            attempts: 5,
            rounds: 3,
            fail_ratio: 2.0,
            fail_longer_s: 0.5,
        };
        let counted = |n: i32, round: i32| if resets { n } else { n + 5 * round };
        let samples: Vec<Sample> = (0..PROCESSES)
            .map(|_| Sample {
                early: (0..2).map(|n| waits(draws, n)).collect(),
                late: (1..4).map(|r| waits(draws, counted(0, r))).collect(),
                before: (0..3).map(|r| waits(draws, counted(3, r))).collect(),
            })
            .collect();
        ask.pooled(&samples).expect("a finding").verdict
    }

    fn keeps_on(waits: Waits, resets: bool, draws: &mut Draws) -> Verdict {
        let ask = KeepsOn {
            losses: 20,
            warn_ratio: 2.0,
            warn_longer_s: 1.0,
        };
        let counted = |n: i32| if resets { 0 } else { n };
        let samples: Vec<Sample> = (0..PROCESSES)
            .map(|_| Sample {
                early: (0..2).map(|n| waits(draws, counted(n))).collect(),
                late: (16..20).map(|n| waits(draws, counted(n))).collect(),
                before: Vec::new(),
            })
            .collect();
        ask.pooled(&samples).expect("a finding").verdict
    }

    /// Counts the tries that don't give this verdict.
    fn misses(wanted: Verdict, mut once: impl FnMut(&mut Draws) -> Verdict) -> usize {
        let verdicts = (0..TIMES).map(|seed| once(&mut Draws(seed << 20)));
        verdicts.filter(|it| *it != wanted).count()
    }

    #[test]
    fn a_backoff_that_grows_is_told_from_a_constant_one_whatever_is_drawn() {
        for grows in [full_jitter, slow_growth, half_jitter] as [Waits; 3] {
            let missed = misses(Verdict::Pass, |it| backs_off(grows, it));
            assert!(missed <= 2, "{missed} of {TIMES}");
        }
        // By design, chance passes for growth in fewer than one try in a thousand.
        let constant = misses(Verdict::Warn, |it| backs_off(constant_jitter, it));
        assert!(constant <= 6, "{constant} of {TIMES}");
        assert_eq!(misses(Verdict::Warn, |it| backs_off(even, it)), 0);
    }

    #[test]
    fn a_backoff_that_is_not_reset_is_found_behind_any_jitter_and_no_other_is() {
        for waits in [full_jitter, slow_growth, half_jitter] as [Waits; 3] {
            assert_eq!(misses(Verdict::Fail, |it| resets(waits, false, it)), 0);
        }
        for waits in [full_jitter, slow_growth, half_jitter, constant_jitter, even] as [Waits; 5] {
            assert_eq!(misses(Verdict::Pass, |it| resets(waits, true, it)), 0);
        }
    }

    #[test]
    fn a_client_that_counts_all_losses_of_its_life_is_found_behind_any_jitter_and_no_other_is() {
        for waits in [full_jitter, slow_growth, half_jitter] as [Waits; 3] {
            assert_eq!(misses(Verdict::Warn, |it| keeps_on(waits, false, it)), 0);
        }
        for waits in [full_jitter, slow_growth, half_jitter, constant_jitter, even] as [Waits; 5] {
            assert_eq!(misses(Verdict::Pass, |it| keeps_on(waits, true, it)), 0);
        }
    }

    #[test]
    fn an_even_pace_is_none_that_jitter_makes() {
        assert!(is_even(&[1.0, 0.1, 1.01, 1.0, 1.01, 1.0, 1.0]));
        assert!(is_even(&[1.0, 1.01, 1.0]) && !is_even(&[1.0, 0.1, 1.01]));
        assert!(!is_even(&[1.0, 1.0]));
        assert!(is_even(&[5.012, 5.001, 5.001, 5.002, 5.04, 5.001, 5.001]));
        assert!(!is_even(&[3.0, 3.9, 5.1, 6.6, 8.6, 10.0, 10.0]));
        let mut draws = Draws(1);
        let mut gaps = || -> Vec<f64> { (0..7).map(|_| 0.5 + draws.below(0.5)).collect() };
        let even = (0..TIMES).filter(|_| is_even(&gaps())).count();
        assert!(even <= 10, "{even} of {TIMES}");
    }

    #[test]
    fn a_client_that_dials_in_pairs_is_judged_by_the_waits_between_them() {
        // Measured with aiohttp: its two paces are constant, and the gaps of a process may begin
        // anywhere in a pair.
        let one = [1.004, 0.001, 1.022, 0.004, 1.014, 0.0, 1.008];
        let other = [0.026, 1.03, 0.006, 1.006, 0.002, 1.006, 0.0];
        let samples: Vec<Sample> = [one, other]
            .iter()
            .cycle()
            .take(PROCESSES)
            .filter_map(|gaps| early_and_late(gaps))
            .collect();
        let ask = BacksOff {
            attempts: 8,
            within_s: 2.0,
            max_gap_s: 60.0,
        };
        let finding = ask.pooled(&samples).expect("a finding");
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(finding.what.contains("1.0"), "{}", finding.what);
        assert!(is_even(&waits(&one)) && is_even(&waits(&other)));
    }

    #[test]
    fn of_too_few_processes_nothing_is_said() {
        let one = Sample {
            early: vec![1.0, 1.0],
            late: vec![9.0; 4],
            before: Vec::new(),
        };
        let ask = KeepsOn {
            losses: 20,
            warn_ratio: 2.0,
            warn_longer_s: 1.0,
        };
        let finding = ask.pooled(&vec![one; MIN_PROCESSES - 1]);
        assert_eq!(finding.expect("a finding").verdict, Verdict::NotApplicable);
    }
}
