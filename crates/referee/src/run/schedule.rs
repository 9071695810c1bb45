//! When each run is played: as many at once as memory allows, started one after the other.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Builder;

use super::baseline::Baseline;
use super::names::names;
use super::one::{self, Outcome};
use super::options::{Options, Progress, RefereeError};
use crate::case::{Case, Run};
use crate::facts::micros;
use crate::question::Question;
use crate::verdict::{Finding, Verdict};

/// The most runs at once, however much memory there is.
const MAX_JOBS: usize = 64;
/// The least memory assumed for a client, in case the system does not tell.
const MIN_CLIENT_BYTES: u64 = 1 << 20;
/// Fraction of the free memory that clients may take.
const MEMORY_SHARE: u64 = 2;
/// The longest that a run waits for room to start its client. It has an end so that clients that
/// never dial don't block others for good; it is long because slow starts are faster one after the
/// other.
const MAX_START_WAIT: Duration = Duration::from_mins(2);

/// A run to play, and its case.
#[derive(Clone, Copy)]
struct Due<'a> {
    case: usize,
    run: Run<'a>,
    number: u64,
}

/// Plays every run, and plays those again whose verdict load or chance could have changed. Runs
/// that a stop kept from being played to their end are returned as not played.
pub(super) fn play_all(
    options: &Options,
    cases: &[Case],
    baseline: &Baseline,
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<Vec<(usize, Outcome)>, RefereeError> {
    let mut due = runs_of(cases);
    let all = due.clone();
    let total = due.len();
    let jobs = jobs(options, baseline.memory_bytes).min(total.max(1));
    tell(Progress::Begun { runs: total, jobs });
    longest_first(&mut due);
    let shared = Shared {
        options,
        baseline,
        tell,
        total,
        queue: Mutex::new(due.into()),
        starts: Gate::new(cores()),
        done: Mutex::new(Vec::with_capacity(total)),
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(|| shared.work())).collect();
        workers.into_iter().try_for_each(|it| {
            it.join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    let mut done: BTreeMap<u64, Outcome> = BTreeMap::new();
    for (due, outcome) in shared.done.into_inner() {
        // Played again alone, with nothing else running.
        let again = || play(options, baseline, &due, 2, &mut || {});
        if let Some(outcome) = believed(outcome, again)? {
            done.insert(due.number, outcome);
        }
    }
    let outcome = |due: Due<'_>| {
        let played = done.remove(&due.number);
        let unplayed = || Outcome::unplayed(&due.run);
        (due.case, played.unwrap_or_else(unplayed))
    };
    Ok(all.into_iter().map(outcome).collect())
}

/// Returns every run of these cases, in order.
fn runs_of(cases: &[Case]) -> Vec<Due<'_>> {
    let runs = cases.iter().enumerate();
    let runs = runs.flat_map(|(case, it)| it.runs().map(move |run| (case, run)));
    let due = (0..)
        .zip(runs)
        .map(|(number, (case, run))| Due { case, run, number });
    due.collect()
}

/// Puts the longest runs first, so that the last run to end is not the last to begin. First come
/// those that wait for something that need not come, because they seldom end early, then those with
/// the most time.
fn longest_first(due: &mut [Due<'_>]) {
    due.sort_by_cached_key(|due| {
        let patience_s = due.run.asks().map_or(0.0, |asks| {
            asks.iter().map(Question::patience_s).fold(0.0, f64::max)
        });
        Reverse([patience_s, due.run.case.until_s].map(micros))
    });
}

/// Returns a run's result if the machine was not too busy to believe it. Otherwise returns the
/// result of playing it again, or a finding that says so if that can't be believed either; `None`
/// if it could not be played again.
fn believed<E>(
    outcome: Outcome,
    play_again: impl FnOnce() -> Result<Option<Outcome>, E>,
) -> Result<Option<Outcome>, E> {
    if !outcome.was_busy {
        return Ok(Some(outcome));
    }
    let Some(mut again) = play_again()? else {
        return Ok(None);
    };
    if again.was_busy {
        again.report.findings = vec![busy(again.report.late_s)];
        again.report.busy = true;
        again.samples = Vec::new();
    }
    Ok(Some(again))
}

fn busy(late_s: f64) -> Finding {
    let what = format!("machine busy: timers were {late_s:.3} s late, even with nothing beside it");
    Finding::new(Verdict::NotApplicable, what).figure("late_s", late_s)
}

/// Returns how many runs to play at once.
fn jobs(options: &Options, memory_bytes: u64) -> usize {
    if let Some(jobs) = options.jobs {
        return jobs.clamp(1, MAX_JOBS);
    }
    let fit = free_memory().map(|free| free / MEMORY_SHARE / memory_bytes.max(MIN_CLIENT_BYTES));
    let fit = fit.and_then(|fit| usize::try_from(fit).ok());
    fit.unwrap_or(MAX_JOBS).clamp(1, MAX_JOBS)
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(target_os = "linux")]
fn free_memory() -> Option<u64> {
    use procfs::Current;
    procfs::Meminfo::current().ok()?.mem_available
}

#[cfg(not(target_os = "linux"))]
fn free_memory() -> Option<u64> {
    None
}

/// What the workers share.
struct Shared<'a> {
    options: &'a Options,
    baseline: &'a Baseline,
    tell: &'a (dyn Fn(Progress) + Sync),
    total: usize,
    queue: Mutex<VecDeque<Due<'a>>>,
    starts: Gate,
    done: Mutex<Vec<(Due<'a>, Outcome)>>,
}

impl<'a> Shared<'a> {
    /// Plays runs from the queue until it is empty, or a stop ends the work.
    fn work(&self) -> Result<(), RefereeError> {
        loop {
            let Some(due) = self.queue.lock().pop_front() else {
                return Ok(());
            };
            let Some(mut outcome) = self.begin(&due, 0)? else {
                return Ok(());
            };
            // Jitter must not decide: a fail that depends on gaps has to fail twice.
            if outcome.rests_on_gaps
                && !outcome.was_busy
                && outcome.report.verdict() == Verdict::Fail
            {
                let Some(again) = self.begin(&due, 1)? else {
                    return Ok(());
                };
                if again.report.verdict() < Verdict::Fail {
                    outcome = again;
                    outcome
                        .report
                        .notes
                        .push("failed once, and not when played again".to_owned());
                }
            }
            self.finish(due, outcome);
        }
    }

    /// Plays a run once there is room to start a client, and makes room once it has dialled; `None`
    /// if a stop came before its end.
    fn begin(&self, due: &Due<'_>, time: u64) -> Result<Option<Outcome>, RefereeError> {
        let mut permit = Some(self.starts.enter());
        let begun = &mut || drop(permit.take());
        play(self.options, self.baseline, due, time, begun)
    }

    fn finish(&self, due: Due<'a>, outcome: Outcome) {
        let verdict = outcome.report.verdict();
        let name = outcome.report.full_name(due.run.case.id);
        let mut done = self.done.lock();
        let of = self.total;
        (self.tell)(Progress::Ran {
            name,
            verdict,
            done: done.len() + 1,
            of,
        });
        done.push((due, outcome));
    }
}

/// Plays a run on its own runtime, so that no other run gets in its way; `None` if a stop came
/// before its end and ended its client.
fn play(
    options: &Options,
    baseline: &Baseline,
    due: &Due<'_>,
    time: u64,
    begun: &mut (dyn FnMut() + Send),
) -> Result<Option<Outcome>, RefereeError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let names = names(options.seed, due.number + 3, time);
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = options.stop.told() => Ok(None),
            outcome = one::play(options, baseline, &due.run, &names, begun) => outcome.map(Some),
        }
    })
}

/// Lets this many clients start at once.
struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// Room to start one client, or none if nobody made room in time.
struct Permit<'a>(Option<&'a Gate>);

impl Gate {
    fn new(free: usize) -> Self {
        Self {
            free: Mutex::new(free),
            freed: Condvar::new(),
        }
    }

    /// Waits for room, but not for ever: a client that never dials blocks nobody.
    fn enter(&self) -> Permit<'_> {
        let mut free = self.free.lock();
        let waited = self
            .freed
            .wait_while_for(&mut free, |free| *free == 0, MAX_START_WAIT);
        if waited.timed_out() && *free == 0 {
            return Permit(None);
        }
        *free -= 1;
        Permit(Some(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.0 {
            *gate.free.lock() += 1;
            gate.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::cases;
    use crate::question::Sample;
    use crate::report::RunReport;

    fn outcome(verdict: Verdict, was_busy: bool) -> Outcome {
        Outcome {
            report: RunReport::new(String::new(), vec![Finding::new(verdict, "seen")]),
            was_busy,
            rests_on_gaps: true,
            samples: vec![Some(Sample::default())],
        }
    }

    /// Returns the believed result, given this outcome and the one of playing it again, and how
    /// often it was played again.
    fn comes_to(first: Outcome, second: Outcome) -> (Outcome, usize) {
        let mut played = 0;
        let believed = believed(first, || {
            played += 1;
            Ok::<_, RefereeError>(Some(second))
        });
        let believed = believed.expect("no error").expect("an outcome");
        (believed, played)
    }

    #[test]
    fn what_a_busy_machine_may_have_turned_is_played_again_and_what_it_may_not_is_not() {
        let (calm, busy) = (false, true);
        let (believed, played) =
            comes_to(outcome(Verdict::Pass, calm), outcome(Verdict::Warn, calm));
        assert_eq!((believed.report.verdict(), played), (Verdict::Pass, 0));
        let (believed, played) =
            comes_to(outcome(Verdict::Pass, busy), outcome(Verdict::Warn, calm));
        assert_eq!((believed.report.verdict(), played), (Verdict::Warn, 1));
    }

    #[test]
    fn of_a_run_that_was_on_a_busy_machine_twice_nothing_is_said_nor_held_against_others() {
        let (believed, _) = comes_to(outcome(Verdict::Fail, true), outcome(Verdict::Fail, true));
        assert_eq!(believed.report.verdict(), Verdict::NotApplicable);
        let what = &believed.report.findings[0].what;
        assert!(what.starts_with("machine busy: "), "{what}");
        assert!(believed.report.busy && believed.samples.is_empty());
    }

    #[test]
    fn what_a_busy_machine_may_have_turned_and_a_stop_kept_from_being_played_again_is_not_believed()
    {
        let stopped = || Ok::<_, RefereeError>(None);
        let believed = |was_busy| believed(outcome(Verdict::Fail, was_busy), stopped);
        assert!(believed(true).expect("no error").is_none());
        assert!(believed(false).expect("no error").is_some());
    }

    #[test]
    fn the_run_that_waits_longest_for_what_need_not_come_begins_first() {
        let cases = cases().unwrap();
        let mut due = runs_of(&cases);
        longest_first(&mut due);
        let ids: Vec<String> = due.iter().map(|due| due.run.case.id.to_string()).collect();
        assert_eq!(ids[0], "L2", "{ids:?}");
        // A run that may take ten minutes but ends as soon as it knows comes after 90 s of silence.
        let place = |id: &str| ids.iter().position(|it| it == id).unwrap();
        assert!(place("L3") < place("R8"), "{ids:?}");
        assert_eq!(due.len(), runs_of(&cases).len());
    }
}
