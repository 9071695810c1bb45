//! The hunt for planted flaws: whether chaos finds what it is there to find, and how soon.

use std::fmt::{self, Write as _};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::flaw::Flaw;
use super::subscriber::Planted;
use crate::report::Origin;
use crate::rules::{Rule, Violation};
use crate::run::{Draw, Job, Options, Play, Run};
use crate::seeds::{Seeds, Shard};
use crate::tally::Tally;
use crate::world::play;

/// How long one flaw is looked for, unless told otherwise.
pub const HUNT_FOR: Duration = Duration::from_mins(1);
/// Half of the flaws must be found within this time, on one core.
pub const MEDIAN_WITHIN: Duration = Duration::from_secs(10);
/// All flaws but one in twenty must be found within this time, on one core.
pub const P95_WITHIN: Duration = Duration::from_mins(1);
/// Seeds in which nothing may be found where there is no flaw.
pub const CONTROL_SEEDS: u64 = 500;

/// Seeds within which each of the [`CANARIES`] dies in a run that is worth something.
pub const CANARY_SEEDS: u64 = 64;
/// Flaws that a few seeds are sure to find, each by a rule of another kind: of when it dials, what it shows,
/// what it hands on.
pub const CANARIES: [Flaw; 3] = [
    Flaw::CounterNeverReset,
    Flaw::HeartbeatMovedByPong,
    Flaw::UnknownLost,
];

/// FNV-1a's offset and prime, 64 bits.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quarry {
    /// A flaw, which must be found.
    Flaw(Flaw),
    /// No flaw, in which nothing must be found.
    Nothing,
}

/// A hunt that is under way, on a thread of its own.
pub struct Hunt {
    quarry: Quarry,
    seeds: Seeds,
    run: Run,
}

/// What a hunt came to.
#[derive(Debug, Clone)]
pub struct Hunted {
    /// What was looked for.
    pub quarry: Quarry,
    /// Where.
    pub among: Seeds,
    /// The seed that gave it away, and how.
    pub found: Option<(u64, Violation)>,
    /// Seeds that it took, or that were tried in vain.
    pub seeds: u64,
    /// How long it took.
    pub took: Duration,
}

impl Quarry {
    /// All flaws, and first of all none.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Nothing).chain(Flaw::ALL.map(Self::Flaw))
    }

    /// Where its seeds start, unless told otherwise: a hash of its name, so that no start is chosen to
    /// suit it, and none suits all.
    #[must_use]
    pub fn first_seed(self) -> u64 {
        let hash = self.name().bytes().fold(FNV_OFFSET, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
        });
        hash >> 16
    }

    fn name(self) -> &'static str {
        match self {
            Self::Flaw(flaw) => flaw.name(),
            Self::Nothing => "(no flaw)",
        }
    }
}

impl fmt::Display for Quarry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Hunt {
    /// Starts to look for it among `seeds`, or from [`Quarry::first_seed`] on. A flaw counts as found by
    /// the rules that it [breaks](Flaw::breaks) alone.
    ///
    /// # Panics
    /// Where the system has no thread for it.
    #[must_use]
    pub fn start(quarry: Quarry, seeds: Option<Seeds>, draw: Draw) -> Self {
        let seeds = seeds.unwrap_or_else(|| Seeds::from(quarry.first_seed()));
        let jobs = Shard::WHOLE.seeds(seeds).map(Job::Seed);
        let twice = matches!(quarry, Quarry::Flaw(flaw) if flaw.breaks().contains(&Rule::R16));
        let options = Options {
            workers: NonZeroUsize::MIN,
            check_determinism: twice,
            keep_going: false,
        };
        let tally = Tally::default();
        let run = match quarry {
            Quarry::Nothing => {
                let limit = usize::try_from(CONTROL_SEEDS).unwrap_or(usize::MAX);
                let subject = Planted::flawless();
                let play: Play = Arc::new(move |case| play(case, &subject).verdict);
                Run::start(play, draw, jobs.take(limit), tally, options)
            }
            Quarry::Flaw(flaw) => {
                let subject = Planted::with(flaw);
                let play: Play = Arc::new(move |case| {
                    let mut verdict = play(case, &subject).verdict;
                    let of_flaw = |v: &Violation| flaw.breaks().contains(&v.rule);
                    verdict.violations.retain(of_flaw);
                    verdict
                });
                Run::start(play, draw, jobs, tally, options)
            }
        };
        Self { quarry, seeds, run }
    }

    /// What is looked for.
    #[must_use]
    pub fn quarry(&self) -> Quarry {
        self.quarry
    }

    /// Looks after it; `elapsed` is how long it has lasted. Returns whether it is over.
    pub fn watch(&mut self, elapsed: Duration) -> bool {
        self.run.watch(elapsed)
    }

    /// Ends it with the seed that it is at.
    pub fn stop(&self) {
        self.run.stop();
    }

    /// What it came to, after `took`. To be called once it is over, or was stopped.
    #[must_use]
    pub fn finish(self, took: Duration) -> Hunted {
        let seeds = self.run.cases();
        let ran = self.run.finish();
        let found = ran
            .broken
            .into_iter()
            .find_map(|broken| match broken.origin {
                Origin::Seed(seed) => Some((seed, broken.violation)),
                Origin::Tape(_) => None,
            });
        Hunted {
            quarry: self.quarry,
            among: self.seeds,
            found,
            seeds,
            took,
        }
    }
}

/// The first of the [`CANARIES`] that is not found among [`CANARY_SEEDS`] seeds from `first` on: a run
/// that misses one would miss the like in any subscriber.
///
/// # Panics
/// Inside a tokio runtime.
#[must_use]
pub fn missed_canary(first: u64, draw: &Draw) -> Option<Flaw> {
    CANARIES.into_iter().find(|flaw| {
        let subject = Planted::with(*flaw);
        let mut seeds = (0..CANARY_SEEDS).map(|n| first.wrapping_add(n));
        let found = seeds.any(|seed| {
            let violations = play(&draw(seed), &subject).verdict.violations;
            violations
                .iter()
                .any(|violation| flaw.breaks().contains(&violation.rule))
        });
        !found
    })
}

impl Hunted {
    /// Whether it came out as it must: a flaw found, or nothing where there was none.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.found.is_some() == matches!(self.quarry, Quarry::Flaw(_))
    }
}

/// What all hunts came to.
#[derive(Debug, Clone, Default)]
pub struct Bag {
    hunted: Vec<Hunted>,
}

impl FromIterator<Hunted> for Bag {
    fn from_iter<I: IntoIterator<Item = Hunted>>(hunted: I) -> Self {
        let mut hunted: Vec<Hunted> = hunted.into_iter().collect();
        hunted.sort_by_key(|hunted| hunted.quarry);
        Self { hunted }
    }
}

impl Bag {
    /// Those that did not come out as they must.
    pub fn wrong(&self) -> impl Iterator<Item = &Hunted> {
        self.hunted.iter().filter(|hunted| !hunted.is_right())
    }

    fn flaws(&self) -> impl Iterator<Item = &Hunted> {
        let is_flaw = |hunted: &&Hunted| matches!(hunted.quarry, Quarry::Flaw(_));
        self.hunted.iter().filter(is_flaw)
    }

    /// The time within which so many of a hundred flaws were found; one that was not counts with the time
    /// that was spent on it.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut times: Vec<_> = self.flaws().map(|hunted| hunted.took).collect();
        times.sort_unstable();
        let rank = (times.len() * percent).div_ceil(100).max(1);
        times.get(rank - 1).copied().unwrap_or_default()
    }

    /// Whether chaos finds what it should, as soon as it should, and nothing where there is nothing.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.wrong().next().is_none()
            && self.percentile(50) <= MEDIAN_WITHIN
            && self.percentile(95) <= P95_WITHIN
    }

    /// A line for each: what was looked for, which rule found it, seeds, time.
    #[must_use]
    pub fn table(&self) -> String {
        let widest = Flaw::ALL.map(|flaw| flaw.name().len()).into_iter().max();
        let width = widest.unwrap_or_default();
        let mut text = format!(
            "{:width$}  rule  {:>7}  {:>9}\n",
            "flaw", "seeds", "seconds"
        );
        for hunted in &self.hunted {
            let Hunted {
                quarry,
                found,
                seeds,
                took,
                ..
            } = hunted;
            let rule = found
                .as_ref()
                .map_or("-".to_owned(), |(_, violation)| violation.rule.to_string());
            let seconds = took.as_secs_f64();
            let name = quarry.name();
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name:width$}  {rule:4}  {seeds:>7}  {seconds:>9.3}");
        }
        text
    }

    /// What came of it, in sentences; what is wrong last.
    #[must_use]
    pub fn conclusion(&self) -> String {
        let flaws = self.flaws().count();
        let found = self.flaws().filter(|hunted| hunted.found.is_some()).count();
        let (median, p95) = (self.percentile(50), self.percentile(95));
        let mut text = format!(
            "{found} of {flaws} planted flaws found; median {:.3} s, 95th percentile {:.3} s\n",
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
        for hunted in self.wrong() {
            let Hunted {
                quarry,
                seeds,
                among,
                ..
            } = hunted;
            let _ = match &hunted.found {
                None => writeln!(
                    text,
                    "missed: {quarry}: expected one of its rules to break, found none in {seeds} \
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
            "planted: chaos finds what it should\n"
        } else {
            "planted: chaos is broken: what it holds to be right need not be\n"
        });
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunted(quarry: Quarry, found: bool, seconds: u64) -> Hunted {
        let violation = Violation {
            rule: Rule::R3,
            at_us: 0,
            dial: None,
            what: "expected 1, found 2".to_owned(),
        };
        Hunted {
            quarry,
            among: Seeds::from(0),
            found: found.then_some((7, violation)),
            seeds: 8,
            took: Duration::from_secs(seconds),
        }
    }

    fn flaws(times: &[u64]) -> Vec<Hunted> {
        let flaws = Flaw::ALL.into_iter().zip(times);
        flaws
            .map(|(flaw, seconds)| hunted(Quarry::Flaw(flaw), true, *seconds))
            .collect()
    }

    #[test]
    fn the_times_are_those_of_the_flaws_alone() {
        let mut all = flaws(&[5, 1, 4, 2, 3]);
        all.push(hunted(Quarry::Nothing, false, 100));
        let bag: Bag = all.into_iter().collect();
        assert_eq!(bag.percentile(50), Duration::from_secs(3));
        assert_eq!(bag.percentile(95), Duration::from_secs(5));
        assert!(bag.holds());
        assert!(bag.table().contains("(no flaw)"));
    }

    #[test]
    fn a_flaw_that_is_missed_and_one_found_where_there_is_none_break_the_run() {
        let missed = hunted(Quarry::Flaw(Flaw::HotLoop), false, 1);
        let bag: Bag = [missed].into_iter().collect();
        assert!(!bag.holds());
        let text = bag.conclusion();
        assert!(text.contains("0 of 1 planted flaws found") && text.contains("missed: hot-loop"));
        assert!(text.contains("chaos is broken"), "{text}");

        let alarm = hunted(Quarry::Nothing, true, 1);
        let bag: Bag = flaws(&[1]).into_iter().chain([alarm]).collect();
        assert!(!bag.holds());
        assert!(bag.conclusion().contains("false alarm"));
    }

    #[test]
    fn flaws_that_are_found_too_late_break_the_run() {
        let slow_median: Bag = flaws(&[1, 11, 11]).into_iter().collect();
        assert!(!slow_median.holds());
        assert!(
            slow_median
                .conclusion()
                .contains("expected the median within 10 s")
        );
        let slow_rest: Bag = flaws(&[1, 1, 1, 61]).into_iter().collect();
        assert!(!slow_rest.holds());
        assert!(
            slow_rest
                .conclusion()
                .contains("95th percentile within 60 s")
        );
    }

    #[test]
    fn each_flaw_has_a_name_and_a_start_of_its_own() {
        let mut names: Vec<_> = Quarry::all().map(|quarry| quarry.to_string()).collect();
        let mut starts: Vec<_> = Quarry::all().map(Quarry::first_seed).collect();
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
