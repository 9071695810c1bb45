//! Workers: many cases, each in its own world, on every core.
//!
//! A worker is a thread that takes one case after the other. Nothing here knows what time it is:
//! whoever started the run [`watch`](Run::watch)es it and says how long it has lasted, and that is
//! what a case that hangs is found by. A thread can't be ended from outside, so a worker whose
//! case hangs is left behind, and the run is over without it.

#[cfg(test)]
mod tests;
mod work;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::case::Case;
use crate::origin::Origin;
use crate::pulse::{Diagnosis, Feeling, Pulse};
use crate::tally::Tally;
use crate::verdict::Verdict;
use wstape_oracle::{Rule, Violation};

pub(crate) use self::work::drawn;
pub use self::work::judge;
use self::work::{lock, work};

/// Wall time that a case may take; the longest of the drawn ones takes a few milliseconds.
pub const HANG_AFTER: Duration = Duration::from_secs(20);
/// Wall time that a case may wait for another thread, while its own time stands still.
pub const BLOCKING_AFTER: Duration = Duration::from_secs(5);

/// How workers' threads are called.
pub const WORKER_NAME: &str = "chaos";

/// From a seed to a case.
pub type Draw = Arc<dyn Fn(u64) -> Case + Send + Sync>;

/// From a case to what came of it.
pub type Play = Arc<dyn Fn(&Case) -> Verdict + Send + Sync>;

/// What a worker takes.
#[derive(Debug, Clone)]
pub enum Job {
    /// A case to be drawn from this seed.
    Seed(u64),
    /// A case that was there before, with its name.
    Tape(String, Box<Case>),
}

/// How a run is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Workers, each on a thread of its own.
    pub workers: NonZeroUsize,
    /// Whether each case is played twice, and the traces compared.
    pub check_determinism: bool,
    /// What is known of the subscriber's determinism: a sample of the cases is played twice in any
    /// case.
    pub determinism: Determinism,
    /// Whether a case that does not end in time is a finding: in virtual time it is.
    pub finds_hanging: bool,
    /// Whether the run goes on after a rule broke, for those that break others.
    pub keep_going: bool,
}

/// What is known of a subscriber's determinism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Determinism {
    /// The same case gives the same trace.
    Declared,
    /// Nothing: only the engine's own schedule must be the same.
    Undeclared,
    /// Nobody asks.
    NotJudged,
}

/// What of two plays of one case is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// All that happened.
    Trace,
    /// What the engine did by the tape alone, whatever the subscriber did.
    EngineSide,
}

/// A run that is under way.
pub struct Run {
    shared: Arc<Shared>,
    workers: Vec<Worker>,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The sum of all cases.
    pub tally: Tally,
    /// Each rule that broke, by the rule.
    pub broken: Vec<Broken>,
}

/// A rule that broke.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Where the case came from: of several that broke the rule the first.
    pub origin: Origin,
    /// The case; `None` where it could not be drawn.
    pub case: Option<Case>,
    /// How it broke.
    pub violation: Violation,
    /// Cases that broke the rule.
    pub times: u64,
    /// Whether the case hangs, so that playing it again would too.
    pub hangs: bool,
}

struct Shared {
    play: Play,
    draw: Draw,
    options: Options,
    jobs: Mutex<Box<dyn Iterator<Item = Job> + Send>>,
    tally: Mutex<Tally>,
    broken: Mutex<BTreeMap<Rule, Broken>>,
    cases: AtomicU64,
    stopped: AtomicBool,
}

/// A worker, as whoever watches sees it.
struct Worker {
    state: Arc<State>,
    thread: Option<thread::JoinHandle<()>>,
    /// The case that it was at when it was last looked at, and since when.
    case: u64,
    since: Duration,
    feeling: Feeling,
    hangs: bool,
}

/// What a worker shows of itself.
#[derive(Default)]
struct State {
    /// How many cases it has begun.
    begun: AtomicU64,
    /// The one that it is at.
    job: Mutex<Option<Job>>,
    done: AtomicBool,
    pulse: Arc<Pulse>,
}

impl Run {
    /// Starts workers on `jobs`, which they take in order. `tally` is what they add to.
    ///
    /// # Panics
    /// Where the system has no thread for a worker.
    #[must_use]
    pub fn start(
        play: Play,
        draw: Draw,
        jobs: impl Iterator<Item = Job> + Send + 'static,
        tally: Tally,
        options: Options,
    ) -> Self {
        let shared = Arc::new(Shared {
            play,
            draw,
            options,
            jobs: Mutex::new(Box::new(jobs)),
            tally: Mutex::new(tally),
            broken: Mutex::default(),
            cases: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        });
        let worker = |_| {
            let state = Arc::new(State::default());
            let (shared, seen) = (Arc::clone(&shared), Arc::clone(&state));
            let thread = thread::Builder::new().name(WORKER_NAME.to_owned());
            let thread = thread.spawn(move || work(&shared, &seen));
            Worker {
                state,
                thread: Some(thread.expect("the system has a thread for a worker")),
                case: 0,
                since: Duration::ZERO,
                feeling: Feeling::default(),
                hangs: false,
            }
        };
        let workers = (0..options.workers.get()).map(worker).collect();
        Self { shared, workers }
    }

    /// Lets no worker begin another case.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
    }

    /// Cases judged so far.
    #[must_use]
    pub fn cases(&self) -> u64 {
        self.shared.cases.load(Ordering::Relaxed)
    }

    /// Rules broken so far.
    #[must_use]
    pub fn broken(&self) -> usize {
        lock(&self.shared.broken).len()
    }

    /// Looks after the workers; `elapsed` is how long the run has lasted. A case that one of them
    /// has been at for [`HANG_AFTER`], or that has waited for another thread for
    /// [`BLOCKING_AFTER`], breaks [`Rule::R13`], and what it is doing is named. Returns whether the run is over. To be
    /// called every now and then: a hanging case is found by two looks that see it.
    pub fn watch(&mut self, elapsed: Duration) -> bool {
        let mut over = true;
        for worker in &mut self.workers {
            if worker.hangs || worker.state.done.load(Ordering::Acquire) {
                continue;
            }
            over = false;
            let case = worker.state.begun.load(Ordering::Acquire);
            if case != worker.case {
                worker.case = case;
                worker.since = elapsed;
                worker.feeling = Feeling::default();
                continue;
            }
            let for_so_long = elapsed.saturating_sub(worker.since);
            if case == 0 || for_so_long < BLOCKING_AFTER || !self.shared.options.finds_hanging {
                continue;
            }
            let diagnosis = worker.feeling.look(&worker.state.pulse);
            if diagnosis == Diagnosis::WaitsForThread || for_so_long >= HANG_AFTER {
                worker.hangs = true;
                if let Some(job) = lock(&worker.state.job).clone() {
                    self.shared.hangs(job, diagnosis);
                }
            }
        }
        over
    }

    /// What the run came to. Waits for workers that do not hang; to be called once it is over, or
    /// was stopped.
    #[must_use]
    pub fn finish(self) -> Ran {
        for worker in self.workers {
            if let (false, Some(thread)) = (worker.hangs, worker.thread) {
                // A worker does not panic: playing a case catches what it does.
                let _ = thread.join();
            }
        }
        let tally = lock(&self.shared.tally).clone();
        let broken = lock(&self.shared.broken).values().cloned().collect();
        Ran { tally, broken }
    }
}
