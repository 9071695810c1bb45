//! Workers: many cases, each in its own world, on every core.
//!
//! A worker is a thread that takes one case after the other. Nothing here knows what time it is:
//! whoever started the run [`watch`](Run::watch)es it and says how long it has lasted, and that is
//! what a case that hangs is found by. A thread can't be ended from outside, so a worker whose
//! case hangs is left behind, and the run is over without it.

use std::any::Any;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::case::Case;
use crate::origin::Origin;
use crate::tally::Tally;
use crate::verdict::Verdict;
use wstape_oracle::{Rule, Violation};

/// Wall time that a case may take; the longest of the drawn ones takes a few milliseconds.
pub const HANG_AFTER: Duration = Duration::from_secs(30);

/// How workers' threads are called.
pub const WORKER_NAME: &str = "chaos";

/// Cases that a worker sums up by itself before it adds them to the run's tally: what is lost of
/// the tally where its next one hangs.
const CASES_AT_ONCE: u64 = 32;

/// One seed in so many is played twice in every run, and the traces compared.
const ONE_IN_TWICE: u64 = 64;

/// From a seed to a case.
pub type Draw = Arc<dyn Fn(u64) -> Case + Send + Sync>;

/// Draws the case of a seed. A panic on the way is caught.
///
/// # Errors
/// What it panicked with.
pub(crate) fn drawn(draw: &Draw, seed: u64) -> Result<Case, String> {
    catch_unwind(AssertUnwindSafe(|| draw(seed))).map_err(|panic| panicked(&*panic))
}

/// What a panic said.
fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

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
    /// Whether the subscriber gives the same trace on every run of a case, so that a sample of them is
    /// played twice in any case.
    pub is_deterministic: bool,
    /// Whether the run goes on after a rule broke, for those that break others.
    pub keep_going: bool,
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
    /// has been at for [`HANG_AFTER`] breaks [`Rule::R13`]. Returns whether the run is over. To be
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
            } else if case > 0 && elapsed.saturating_sub(worker.since) >= HANG_AFTER {
                worker.hangs = true;
                if let Some(job) = lock(&worker.state.job).clone() {
                    self.shared.hangs(job);
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

fn work(shared: &Shared, state: &State) {
    let mut tally = Tally::default();
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
        let twice = match origin {
            Origin::Seed(seed) => {
                shared.options.check_determinism
                    || shared.options.is_deterministic && is_sampled(seed)
            }
            Origin::Tape(_) => shared.options.check_determinism,
        };
        let judged = catch_unwind(AssertUnwindSafe(|| judge(&case, &shared.play, twice)));
        let verdict = judged.unwrap_or_else(|panic| Verdict {
            violations: vec![no_panic(&format!("a panic: {}", panicked(&*panic)))],
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
        if tally.cases == CASES_AT_ONCE {
            lock(&shared.tally).merge(&std::mem::take(&mut tally));
        }
    }
    lock(&shared.tally).merge(&tally);
    state.done.store(true, Ordering::Release);
}

/// Whether a seed is one of those that are played twice in every run. Scattered, so that each
/// shard has its share.
fn is_sampled(seed: u64) -> bool {
    /// 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4).
    const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;
    (seed.wrapping_mul(SCATTER) >> 32).is_multiple_of(ONE_IN_TWICE)
}

/// Plays a case, where it is asked for twice: traces that differ break [`Rule::R16`].
#[must_use]
pub fn judge(case: &Case, play: &Play, check_determinism: bool) -> Verdict {
    let mut verdict = play(case);
    if check_determinism {
        let again = play(case);
        verdict.coverage.held(Rule::R16, 1);
        if again.hash != verdict.hash {
            let what = format!(
                "expected the same trace on every run, found one of hash {:016x}, then one of {:016x}",
                verdict.hash, again.hash
            );
            verdict.violations.push(Violation {
                rule: Rule::R16,
                at_us: 0,
                dial: None,
                what,
            });
        }
    }
    verdict
}

impl Shared {
    /// The case of a job, and where it comes from; what is broken where it can't be drawn.
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

    fn hangs(&self, job: Job) {
        let what = format!(
            "expected the case to end within {} s of wall time, found it still at work",
            HANG_AFTER.as_secs()
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

/// A violation of [`Rule::R13`] that no time of the world's goes with.
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

/// What a lock holds is whole whenever it is free: a panic of another worker does not matter.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::mpsc;

    use wstape_tape::{Header, Tape};

    use super::*;
    use crate::case::About;
    use wstape_oracle::Settings;

    fn draw() -> Draw {
        Arc::new(|seed| {
            let about = About {
                seed: Some(seed),
                ..About::default()
            };
            let tape = || Tape::new(Header::default(), Vec::new());
            Case::new(tape(), tape(), Settings::default(), about)
        })
    }

    fn broken(rule: Rule) -> Verdict {
        Verdict {
            violations: vec![Violation {
                rule,
                at_us: 1,
                dial: None,
                what: "expected 1, found 2".to_owned(),
            }],
            ..Verdict::default()
        }
    }

    fn options(workers: usize) -> Options {
        Options {
            workers: NonZeroUsize::new(workers).unwrap(),
            check_determinism: false,
            is_deterministic: true,
            keep_going: true,
        }
    }

    fn seed(case: &Case) -> u64 {
        case.about.seed.unwrap()
    }

    /// Runs these seeds to their end.
    fn run(play: Play, seeds: std::ops::Range<u64>, options: Options) -> Ran {
        let jobs = seeds.map(Job::Seed);
        Run::start(play, draw(), jobs, Tally::default(), options).finish()
    }

    #[test]
    fn each_seed_is_played_once_whatever_the_number_of_workers() {
        for workers in [1, 2, 5] {
            let played = Arc::new(Mutex::new(Vec::new()));
            let play: Play = {
                let played = Arc::clone(&played);
                Arc::new(move |case| {
                    lock(&played).push(seed(case));
                    Verdict::default()
                })
            };
            let ran = run(play, 0..1_000, options(workers));
            let played: BTreeSet<u64> = lock(&played).iter().copied().collect();
            assert!(played.into_iter().eq(0..1_000));
            assert_eq!(ran.tally.cases, 1_000);
            assert!(ran.broken.is_empty());
        }
    }

    #[test]
    fn of_the_cases_that_break_a_rule_the_first_is_kept_and_all_are_counted() {
        let play: Play = Arc::new(|case| match seed(case) {
            n if n % 100 == 99 => broken(Rule::R3),
            500 => broken(Rule::R9),
            _ => Verdict::default(),
        });
        let ran = run(play, 0..1_000, options(3));
        let found: Vec<_> = ran
            .broken
            .iter()
            .map(|b| (b.violation.rule, b.origin.clone(), b.times))
            .collect();
        assert_eq!(
            found,
            [
                (Rule::R3, Origin::Seed(99), 10),
                (Rule::R9, Origin::Seed(500), 1)
            ]
        );
        assert_eq!(ran.broken[0].case.as_ref().map(seed), Some(99));
    }

    #[test]
    fn unless_told_to_go_on_a_run_ends_with_the_first_rule_that_breaks() {
        let play: Play = Arc::new(|case| match seed(case) {
            40 => broken(Rule::R3),
            _ => Verdict::default(),
        });
        let options = Options {
            keep_going: false,
            ..options(1)
        };
        let ran = run(play, 0..u64::MAX, options);
        assert_eq!((ran.tally.cases, ran.broken.len()), (41, 1));
    }

    #[test]
    fn a_trace_that_differs_on_the_second_run_breaks_r16() {
        let n = AtomicU64::new(0);
        let play: Play = Arc::new(move |case| Verdict {
            hash: match seed(case) {
                3 => n.fetch_add(1, Ordering::Relaxed),
                same => same,
            },
            ..Verdict::default()
        });
        let options = Options {
            check_determinism: true,
            ..options(2)
        };
        let ran = run(play, 0..10, options);
        assert_eq!(ran.broken.len(), 1);
        assert_eq!(ran.broken[0].origin, Origin::Seed(3));
        assert_eq!(ran.broken[0].violation.rule, Rule::R16);
        assert_eq!(ran.tally.coverage.rules[&Rule::R16], 10);
    }

    #[test]
    fn a_case_that_hangs_is_a_failure_with_its_seed_and_does_not_hold_up_the_others() {
        let (begun, begins) = mpsc::channel();
        let (_held, hold) = mpsc::channel::<()>();
        let hold = Mutex::new(hold);
        let play: Play = Arc::new(move |case| {
            if seed(case) == 5 {
                begun.send(()).unwrap();
                // Until the test is over.
                let _ = lock(&hold).recv();
            }
            Verdict::default()
        });
        let jobs = (0..100).map(Job::Seed);
        let mut run = Run::start(play, draw(), jobs, Tally::default(), options(2));
        begins.recv().unwrap();
        assert!(!run.watch(Duration::ZERO), "a case is under way");
        while !run
            .workers
            .iter()
            .any(|w| w.state.done.load(Ordering::Acquire))
        {
            thread::yield_now();
        }
        assert!(!run.watch(HANG_AFTER.saturating_sub(Duration::from_millis(1))));
        assert_eq!(run.broken(), 0);
        run.watch(HANG_AFTER);
        assert!(run.watch(HANG_AFTER), "nobody else is at work");
        let ran = run.finish();
        assert_eq!(ran.broken.len(), 1);
        assert_eq!(ran.broken[0].origin, Origin::Seed(5));
        assert!(ran.broken[0].hangs);
        let what = "expected the case to end within 30 s of wall time, found it still at work";
        assert_eq!(ran.broken[0].violation.what, what);
    }

    #[test]
    fn a_panic_while_a_case_is_drawn_is_a_finding_with_its_seed_and_the_others_are_played() {
        let drawn = draw();
        let draw: Draw = Arc::new(move |seed| {
            assert_ne!(seed, 7, "no die has so many sides");
            drawn(seed)
        });
        let play: Play = Arc::new(|_| Verdict::default());
        let jobs = (0..100).map(Job::Seed);
        // Nobody looks after it: it must be over by itself.
        let ran = Run::start(play, draw, jobs, Tally::default(), options(2)).finish();
        assert_eq!((ran.tally.cases, ran.broken.len()), (99, 1));
        assert_eq!(ran.broken[0].origin, Origin::Seed(7));
        let what = &ran.broken[0].violation.what;
        let expected = "expected no panic, found a panic while the case was drawn: ";
        assert!(what.starts_with(expected), "{what}");
        assert!(what.contains("no die has so many sides"), "{what}");
    }

    #[test]
    fn a_panic_while_a_case_is_judged_is_a_finding_too() {
        let play: Play = Arc::new(|case| {
            assert_ne!(seed(case), 7, "what a judge");
            Verdict::default()
        });
        let ran = run(play, 0..100, options(2));
        assert_eq!((ran.tally.cases, ran.broken.len()), (100, 1));
        assert_eq!(ran.broken[0].origin, Origin::Seed(7));
    }

    #[test]
    fn each_shard_has_its_share_of_the_seeds_that_are_played_twice() {
        for count in [1, 2, 4, 8, 64] {
            for index in 0..count {
                let part = (index..)
                    .step_by(usize::try_from(count).unwrap())
                    .take(6_400);
                let twice = part.filter(|seed| is_sampled(*seed)).count();
                assert!(
                    (60..140).contains(&twice),
                    "{twice} of 6,400 in {index}/{count}"
                );
            }
        }
    }

    #[test]
    fn a_run_that_is_stopped_ends_with_what_it_has() {
        let play: Play = Arc::new(|_| Verdict::default());
        let jobs = (0..).map(Job::Seed);
        let run = Run::start(play, draw(), jobs, Tally::default(), options(2));
        while run.cases() < 100 {
            thread::yield_now();
        }
        run.stop();
        assert!(run.finish().tally.cases >= 100);
    }
}
