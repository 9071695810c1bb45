//! Workers: many cases, each in its own world, on every core.
//!
//! A worker is a thread that takes one case after the other. Nothing here knows what time it is:
//! whoever started the run [`watch`](Run::watch)es it and says how long it has lasted, and that is
//! what a case that hangs is found by. A thread can't be ended from outside, so a worker whose
//! case hangs is left behind, and the run is over without it.

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
    /// [`BLOCKING_AFTER`], breaks [R13](wstape_oracle::Rule::R13), and what it is doing is named.
    /// Returns whether the run is over. To be called every now and then: a hanging case is found by
    /// two looks that see it.
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

    /// What the run came to by now, without the cases that are under way: for one in real time that
    /// was stopped, whose cases last for minutes. Their threads are left behind. The second part
    /// is how many cases that leaves out.
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
