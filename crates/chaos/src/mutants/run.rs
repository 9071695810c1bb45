//! The search for one mutant: whether chaos finds its flaw, and how soon.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use wstape_oracle::{Rule, Violation};

use super::flaw::Flaw;
use super::report::MutantResult;
use super::subscriber::Mutant;
use crate::origin::Origin;
use crate::report::CANARY_SEEDS;
use crate::run::{Determinism, Draw, Job, Options, Play, Run, drawn};
use crate::seeds::{Seeds, Shard};
use crate::tally::Tally;
use crate::world::play;

/// How long to search for one flaw, unless told otherwise.
pub const MUTANT_BUDGET: Duration = Duration::from_mins(1);
/// Seeds in which nothing may be found if there is no flaw.
pub const CONTROL_SEEDS: u64 = 500;

/// Seeds in which a flaw must not be found without the faults that it needs.
const SEEDS_WITHOUT: u64 = 48;

/// Flaws that a few seeds are sure to find, each by a different sort of rule: when it dials, what
/// it shows, what it passes on.
pub const CANARIES: [Flaw; 3] = [
    Flaw::CounterNeverReset,
    Flaw::HeartbeatMovedByPong,
    Flaw::UnknownLost,
];

/// The search for one mutant, running on a thread of its own.
pub struct MutantRun {
    mutant: Mutant,
    seeds: Seeds,
    run: Run,
    elsewhere: Arc<Mutex<Option<(u64, Violation)>>>,
}

impl MutantRun {
    /// Starts searching for it among `seeds`, or from [`Mutant::first_seed`] on. Only the rules
    /// that a flaw [breaks](Flaw::breaks) count as finding it. If it is found [only
    /// under](Flaw::only_under) some faults, it is then searched for without them, which must be in
    /// vain.
    ///
    /// # Panics
    /// If the system has no thread for it.
    #[must_use]
    pub fn start(mutant: Mutant, seeds: Option<Seeds>, draw: Draw) -> Self {
        let seeds = seeds.unwrap_or_else(|| Seeds::from(mutant.first_seed()));
        let jobs = Shard::WHOLE.seeds(seeds).map(Job::Seed);
        let twice = mutant
            .flaw()
            .is_some_and(|flaw| flaw.breaks().contains(&Rule::R16));
        let options = Options {
            workers: NonZeroUsize::MIN,
            check_determinism: twice,
            determinism: Determinism::Declared,
            finds_hanging: true,
            keep_going: false,
        };
        let tally = Tally::default();
        let elsewhere: Arc<Mutex<Option<(u64, Violation)>>> = Arc::default();
        let run = match mutant.flaw() {
            None => {
                let limit = usize::try_from(CONTROL_SEEDS).unwrap_or(usize::MAX);
                let play: Play = Arc::new(move |case| play(case, &mutant).verdict);
                Run::start(play, draw, jobs.take(limit), tally, options)
            }
            Some(flaw) => {
                let (found, anew) = (Arc::clone(&elsewhere), Arc::clone(&draw));
                let play: Play = Arc::new(move |case| {
                    let mut verdict = play(case, &mutant).verdict;
                    verdict
                        .violations
                        .retain(|violation| is_of(flaw, violation));
                    if !verdict.violations.is_empty() {
                        *found.lock() = found_without_its_faults(flaw, seeds, &anew);
                    }
                    verdict
                });
                Run::start(play, draw, jobs, tally, options)
            }
        };
        Self {
            mutant,
            seeds,
            run,
            elsewhere,
        }
    }

    /// The mutant that is searched for.
    #[must_use]
    pub fn mutant(&self) -> Mutant {
        self.mutant
    }

    /// Checks on it; `elapsed` is how long it has run. Returns whether it is over.
    pub fn watch(&mut self, elapsed: Duration) -> bool {
        self.run.watch(elapsed)
    }

    /// Ends the search with the current seed.
    pub fn stop(&self) {
        self.run.stop();
    }

    /// Returns the result, after `took`. Call this once the search is over or was stopped.
    #[must_use]
    pub fn finish(self, took: Duration) -> MutantResult {
        let seeds = self.run.cases();
        let ran = self.run.finish();
        let found = ran
            .broken
            .into_iter()
            .find_map(|broken| match broken.origin {
                Origin::Seed(seed) => Some((seed, broken.violation)),
                Origin::Tape(_) => None,
            });
        MutantResult {
            mutant: self.mutant,
            among: self.seeds,
            found,
            elsewhere: self.elsewhere.lock().take(),
            seeds,
            took,
        }
    }
}

fn is_of(flaw: Flaw, violation: &Violation) -> bool {
    flaw.breaks().contains(&violation.rule)
}

/// Returns what finds the flaw in the first [`SEEDS_WITHOUT`] seeds when they are played without
/// the faults that it is [only found under](Flaw::only_under).
fn found_without_its_faults(flaw: Flaw, seeds: Seeds, draw: &Draw) -> Option<(u64, Violation)> {
    let kinds = flaw.only_under();
    if kinds.is_empty() {
        return None;
    }
    let count = usize::try_from(SEEDS_WITHOUT).unwrap_or(usize::MAX);
    Shard::WHOLE.seeds(seeds).take(count).find_map(|seed| {
        let case = drawn(draw, seed).ok()?.without(kinds);
        let violations = play(&case, &Mutant::with(flaw)).verdict.violations;
        let mut of_flaw = violations
            .into_iter()
            .filter(|violation| is_of(flaw, violation));
        Some((seed, of_flaw.next()?))
    })
}

/// The first of the [`CANARIES`] that is not found among [`CANARY_SEEDS`] seeds from `first` on: a
/// run that misses one would miss similar flaws in any subscriber.
///
/// # Panics
/// Inside a tokio runtime.
#[must_use]
pub fn missed_canary(first: u64, draw: &Draw) -> Option<Flaw> {
    CANARIES.into_iter().find(|flaw| {
        let subject = Mutant::with(*flaw);
        let mut seeds = (0..CANARY_SEEDS).map(|n| first.wrapping_add(n));
        let found = seeds.any(|seed| {
            // A seed that can't be drawn is for the run to report.
            let Ok(case) = drawn(draw, seed) else {
                return false;
            };
            let violations = play(&case, &subject).verdict.violations;
            violations.iter().any(|violation| is_of(*flaw, violation))
        });
        !found
    })
}
