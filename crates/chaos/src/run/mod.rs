//! Workers: many cases, each in its own world, on every core.
//!
//! A worker is a thread that takes one case after another. Nothing here knows the time: the caller
//! [`watch`](Run::watch)es the run and says how long it has lasted, which is how hanging cases are
//! found. A thread can't be ended from outside, so a worker whose case hangs is left behind, and
//! the run ends without it.

mod shared;
#[cfg(test)]
mod tests;
mod work;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub use self::shared::{
    BLOCKING_AFTER, Broken, Compare, Determinism, Draw, HANG_AFTER, Job, Options, Play, WORKER_NAME,
};
use self::shared::{Shared, State};
pub(crate) use self::work::drawn;
pub use self::work::judge;
use self::work::{lock, work};
use crate::pulse::{Diagnosis, Feeling};
use crate::tally::Tally;

/// A run in progress.
pub struct Run {
    shared: Arc<Shared>,
    workers: Vec<Worker>,
}

/// A run's result.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The sum of all cases.
    pub tally: Tally,
    /// Each broken rule once, in the order of the rules.
    pub broken: Vec<Broken>,
}

/// A worker, as the watcher sees it.
struct Worker {
    state: Arc<State>,
    thread: Option<thread::JoinHandle<()>>,
    /// Its case at the last look, and since when.
    case: u64,
    since: Duration,
    feeling: Feeling,
    hangs: bool,
}

impl Run {
    /// Starts workers on `jobs`, which they take in order. They add to `tally`.
    ///
    /// # Panics
    /// If the system has no thread for a worker.
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

    /// Keeps workers from beginning another case.
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

    /// Checks on the workers; `elapsed` is how long the run has lasted. A case that has run for
    /// [`HANG_AFTER`], or waited for another thread for [`BLOCKING_AFTER`], breaks
    /// [R13](wstape_oracle::Rule::R13), and the finding names what it is doing. Returns whether the
    /// run is over. Call this every now and then: it takes two looks to find a hanging case.
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

    /// Returns the result so far, and the number of cases in progress, which it leaves out. This is
    /// for a stopped run in real time, where waiting for those cases would take minutes; their
    /// threads are left behind.
    #[must_use]
    pub fn leave(self) -> (Ran, usize) {
        let workers = self.workers.into_iter();
        let (done, under_way): (Vec<_>, Vec<_>) =
            workers.partition(|worker| worker.state.done.load(Ordering::Acquire));
        let left = under_way.len();
        let shared = self.shared;
        let workers = done;
        (Self { shared, workers }.finish(), left)
    }

    /// Returns the run's result. Waits for workers that don't hang; call this once the run is over
    /// or was stopped.
    #[must_use]
    pub fn finish(self) -> Ran {
        for worker in self.workers {
            if let (false, Some(thread)) = (worker.hangs, worker.thread) {
                // A worker doesn't panic: playing a case catches panics.
                let _ = thread.join();
            }
        }
        let tally = lock(&self.shared.tally).clone();
        let broken = lock(&self.shared.broken).values().cloned().collect();
        Ran { tally, broken }
    }
}
