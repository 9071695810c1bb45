//! What a worker does: one case after another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wstape_harness::panic_message;
use wstape_oracle::{Rule, Violation};

use super::shared::{
    BLOCKING_AFTER, Broken, Compare, Determinism, Draw, HANG_AFTER, Job, Play, Shared, State,
};
use crate::case::Case;
use crate::origin::Origin;
use crate::pulse::Diagnosis;
use crate::tally::Tally;
use crate::verdict::Verdict;

/// Cases that a worker sums up by itself before adding them to the run's tally. They are lost if
/// its next case hangs.
const CASES_AT_ONCE: u64 = 32;

/// One seed in this many is played twice in every run, and the traces compared.
const ONE_IN_TWICE: u64 = 64;

/// Draws the case for a seed. A panic while drawing is caught.
///
/// # Errors
/// The panic's message.
pub(crate) fn drawn(draw: &Draw, seed: u64) -> Result<Case, String> {
    catch_unwind(AssertUnwindSafe(|| draw(seed))).map_err(|panic| panic_message(&*panic))
}

pub(super) fn work(shared: &Shared, state: &State) {
    let mut tally = Tally::default();
    state.pulse.enter();
    while !shared.stopped.load(Ordering::Relaxed) {
        let Some(job) = lock(&shared.jobs).next() else {
            break;
        };
        *lock(&state.job) = Some(job.clone());
        state.begun.fetch_add(1, Ordering::Release);
        let (origin, case) = match shared.case(job) {
            Ok(of) => of,
            Err(broken) => {
                shared.broke(*broken);
                continue;
            }
        };
        let options = &shared.options;
        let is_sampled = matches!(origin, Origin::Seed(seed) if is_sampled(seed));
        let again = match options.determinism {
            Determinism::NotJudged => None,
            _ if options.check_determinism => Some(Compare::Trace),
            Determinism::Declared if is_sampled => Some(Compare::Trace),
            Determinism::Undeclared if is_sampled => Some(Compare::EngineSide),
            _ => None,
        };
        let judged = catch_unwind(AssertUnwindSafe(|| judge(&case, &shared.play, again)));
        let verdict = judged.unwrap_or_else(|panic| Verdict {
            violations: vec![no_panic(&format!("a panic: {}", panic_message(&*panic)))],
            ..Verdict::default()
        });
        tally.add(&verdict);
        shared.cases.fetch_add(1, Ordering::Relaxed);
        if let Some(violation) = verdict.violations.into_iter().next() {
            shared.broke(Broken {
                origin,
                case: Some(case),
                violation,
                times: 1,
                hangs: false,
            });
        }
        // A case in real time takes minutes, so its result is added at once.
        let is_long = !options.finds_hanging;
        if is_long || tally.cases == CASES_AT_ONCE {
            lock(&shared.tally).merge(&std::mem::take(&mut tally));
        }
    }
    lock(&shared.tally).merge(&tally);
    state.done.store(true, Ordering::Release);
}

/// Whether a seed is one of those played twice in every run. They are scattered, so that each shard
/// has its share.
pub(super) fn is_sampled(seed: u64) -> bool {
    /// 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4).
    const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;
    (seed.wrapping_mul(SCATTER) >> 32).is_multiple_of(ONE_IN_TWICE)
}

/// Plays a case, twice if asked: a difference in what is compared breaks [`Rule::R16`].
#[must_use]
pub fn judge(case: &Case, play: &Play, again: Option<Compare>) -> Verdict {
    let mut verdict = play(case);
    let Some(compare) = again else {
        return verdict;
    };
    let again = play(case);
    verdict.coverage.held(Rule::R16, 1);
    let (of, first, second) = match compare {
        Compare::Trace => ("trace", verdict.hash, again.hash),
        Compare::EngineSide => ("engine's schedule", verdict.engine_hash, again.engine_hash),
    };
    if first != second {
        let what = format!(
            "expected the same {of} on every run, found one of hash {first:016x}, then one of {second:016x}"
        );
        verdict.violations.push(Violation {
            rule: Rule::R16,
            at_us: 0,
            dial: None,
            what,
        });
    }
    verdict
}

impl Shared {
    /// Returns a job's case and its origin, or a broken rule if the case can't be drawn.
    fn case(&self, job: Job) -> Result<(Origin, Case), Box<Broken>> {
        let seed = match job {
            Job::Tape(name, case) => return Ok((Origin::Tape(name), *case)),
            Job::Seed(seed) => seed,
        };
        let origin = Origin::Seed(seed);
        match drawn(&self.draw, seed) {
            Ok(case) => Ok((origin, case)),
            Err(why) => Err(Box::new(Broken {
                origin,
                case: None,
                violation: no_panic(&format!("a panic while the case was drawn: {why}")),
                times: 1,
                hangs: false,
            })),
        }
    }

    pub(super) fn hangs(&self, job: Job, diagnosis: Diagnosis) {
        let within = match diagnosis {
            Diagnosis::WaitsForThread => BLOCKING_AFTER,
            _ => HANG_AFTER,
        };
        let what = format!(
            "expected the case to end within {} s of wall time, found it still running: {}",
            within.as_secs(),
            diagnosis.text()
        );
        let broken = self.case(job).map(|(origin, case)| Broken {
            origin,
            case: Some(case),
            violation: of_no_time(what),
            times: 1,
            hangs: true,
        });
        self.broke(broken.unwrap_or_else(|broken| *broken));
    }

    fn broke(&self, new: Broken) {
        if !self.options.keep_going {
            self.stopped.store(true, Ordering::Relaxed);
        }
        let mut broken = lock(&self.broken);
        let Some(known) = broken.get_mut(&new.violation.rule) else {
            broken.insert(new.violation.rule, new);
            return;
        };
        let times = known.times + 1;
        if new.origin < known.origin {
            *known = new;
        }
        known.times = times;
    }
}

/// A violation of [`Rule::R13`] at no particular time in the world.
fn of_no_time(what: String) -> Violation {
    Violation {
        rule: Rule::R13,
        at_us: 0,
        dial: None,
        what,
    }
}

fn no_panic(found: &str) -> Violation {
    of_no_time(format!("expected no panic, found {found}"))
}

/// Locks a mutex even if another worker panicked while holding it: the data is consistent whenever
/// the lock is free.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
