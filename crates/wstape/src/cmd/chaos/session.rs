//! A run from its first line to its last.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use wstape_chaos::mutants::{Flaw, missed_canary};
use wstape_chaos::{
    Compare, Determinism, Draw, Ending, Job, Judged, Part, Play, Ran, Results, Run, Tally,
    WORKER_NAME, draw, draw_in, draw_over, play, play_real,
};

use wstape_harness::{Subject, Terms, note_panics};
use wstape_oracle::Rule;

use super::failures::{Failures, OutFolder};
use super::inputs::{Bases, Inputs, NamedCase};
use super::options::Options;
use super::outputs::Outputs;
use super::progress::{Goal, LOOK_EVERY, Progress};
use crate::cmd::interrupted::Interrupted;
use crate::cmd::say::say;

/// A run, with everything it needs.
struct Session<'a> {
    options: &'a Options,
    inputs: Inputs,
    workers: NonZeroUsize,
    play: Play,
    subject: Arc<dyn Subject>,
    terms: Terms,
    judged: Judged,
    interrupted: Interrupted,
    start: Instant,
    /// Cases that were left in progress.
    unjudged: u64,
}

/// How much longer cases in progress may take when a run in real time should end.
const REAL_GRACE: Duration = Duration::from_secs(10);

/// What a run does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// It begins the remaining cases.
    GoOn,
    /// It begins none, and waits for those in progress.
    Finish,
    /// It leaves those in progress.
    Leave,
}

/// What bounds a run.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    budget: Option<Duration>,
    real: bool,
    /// When a rule broke that ends the run.
    broken_at: Option<Duration>,
}

impl Bounds {
    /// What a run does after this long. A case in virtual time takes only a moment, so it is
    /// awaited.
    fn course(&self, elapsed: Duration, interrupted: bool) -> Course {
        let ends_at = self.budget.into_iter().chain(self.broken_at).min();
        let over = ends_at.is_some_and(|at| elapsed >= at);
        let grace_over = ends_at.is_some_and(|at| elapsed >= at.saturating_add(REAL_GRACE));
        match (self.real, interrupted, over, grace_over) {
            (true, true, ..) | (true, _, _, true) => Course::Leave,
            (_, true, ..) | (_, _, true, _) => Course::Finish,
            _ => Course::GoOn,
        }
    }
}

pub(super) fn run(options: &Options, subject: &Arc<dyn Subject>) -> Result<Ending, String> {
    declares_what_can_be(&**subject)?;
    keep_workers_panics_quiet();
    let (subject, judged) = {
        let jobs = workers(options, &**subject);
        options.rules.of(subject, jobs, options.real)?
    };
    let subject = &subject;
    let inputs = Inputs::of(options, &subject.terms())?;
    let judged = match inputs.bases {
        Bases::Given(_) => judged.over_recordings(),
        Bases::Drawn(_) => judged,
    };
    if judged.exercised().next().is_none() {
        let judged = judged.text();
        return Err(format!(
            "no rule is left that a case could break:\n{judged}"
        ));
    }
    let outputs = Outputs::new(
        options.junit.as_deref(),
        options.result.as_deref(),
        options.quiet,
    )?;
    let out = OutFolder::prepare(&options.out)?;
    let played = Arc::clone(subject);
    let mut session = Session {
        options,
        inputs,
        workers: workers(options, &**subject),
        play: if options.real {
            Arc::new(move |case| play_real(case, &*played).verdict)
        } else {
            Arc::new(move |case| play(case, &*played).verdict)
        },
        subject: Arc::clone(subject),
        terms: subject.terms(),
        judged,
        interrupted: Interrupted::listen("chaos", || {}).map_err(|error| error.to_string())?,
        start: Instant::now(),
        unjudged: 0,
    };
    say(&format!("{}\n", session.first_line()))?;
    let results = session.run();
    let ending = conclude(results, session.missed_canary(), &outputs);
    drop(out);
    ending
}

/// Rejects an impossible declaration: findings would be about it, not about the subscriber.
fn declares_what_can_be(subject: &dyn Subject) -> Result<(), String> {
    let Terms::Bounds(bounds) = subject.terms() else {
        return Ok(());
    };
    let flaw = bounds.flaw();
    flaw.map_or(Ok(()), |flaw| {
        Err(format!(
            "{} declares the impossible: {flaw}",
            subject.name()
        ))
    })
}

/// Writes the results once they are complete: a run that missed a mutant must fail in all of its
/// outputs, and exit accordingly.
fn conclude(
    mut results: Results,
    missed: Option<Flaw>,
    outputs: &Outputs,
) -> Result<Ending, String> {
    results.missed_canary = missed.map(|flaw| flaw.to_string());
    outputs.write(&results)?;
    Ok(results.ending())
}

impl Session<'_> {
    /// Returns the run's first line: seed range, version, options, budget.
    fn first_line(&self) -> String {
        let Inputs {
            tapes,
            bases,
            seeds,
            shard,
            shard_by,
            budget,
            vocabulary,
            ..
        } = &self.inputs;
        let mut words = Vec::new();
        if let Some(seeds) = seeds {
            words.push(match seeds.single() {
                Some(seed) => format!("seed {seed}"),
                None => format!("seeds {seeds}"),
            });
            if *shard != wstape_chaos::Shard::WHOLE || shard_by.is_some() {
                let by = shard_by.map(|by| format!(" by {by}")).unwrap_or_default();
                words.push(format!("shard {shard}{by}"));
            }
        }
        match (tapes.len(), seeds) {
            (0, _) => {}
            (n, Some(_)) => words.push(format!("{n} regressions first")),
            (n, None) => words.push(format!("{n} tapes")),
        }
        if let Bases::Given(recordings) = bases {
            words.push(format!("over {} recordings", recordings.len()));
        }
        if let Some(vocabulary) = vocabulary {
            words.push(format!("{} messages from tapes", vocabulary.len()));
        }
        words.push(match budget {
            Some(budget) => format!("budget {}", humantime::format_duration(*budget)),
            None => "no budget".to_owned(),
        });
        words.push(format!("{} jobs", self.workers));
        if self.options.real {
            words.push("in real time".to_owned());
        }
        if self.subject.memory().is_some() {
            words.push("memory bounded".to_owned());
        }
        if self.options.thoroughness.check_determinism {
            words.push("each played twice".to_owned());
        }
        if self.options.thoroughness.keep_going {
            words.push("going on after failures".to_owned());
        }
        format!(
            "{}, {}",
            first_words(&words.join(", ")),
            self.subject.name()
        )
    }

    fn run(&mut self) -> Results {
        let tapes = std::mem::take(&mut self.inputs.tapes);
        let goal = Goal {
            cases: self.cases(&tapes),
            budget: self.inputs.budget,
        };
        let mut progress = Progress::new(goal, self.options.quiet);
        let part = Part {
            seeds: self.inputs.seeds,
            shard: self.inputs.shard,
        };
        let mut results =
            Results::new(self.subject.name(), self.judged.clone(), part, self.tally());
        let mut broken = Vec::new();
        if !tapes.is_empty() {
            let job = |NamedCase { name, case }| Job::Tape(name, Box::new(case));
            let ran = self.work(tapes.into_iter().map(job), Tally::default(), &mut progress);
            broken.extend(ran.broken);
            // What existing cases saw does not count as seen by the drawn ones.
            if self.inputs.seeds.is_none() {
                results.tally = ran.tally;
            }
        }
        if let Some(seeds) = self.inputs.seeds
            && (broken.is_empty() || self.options.thoroughness.keep_going)
        {
            let jobs = self.inputs.shard.seeds(seeds).map(Job::Seed);
            let ran = self.work(jobs, results.tally.clone(), &mut progress);
            results.tally = ran.tally;
            broken.extend(ran.broken);
        }
        results.elapsed_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let failures = Failures {
            options: self.options,
            play: &self.play,
            subject: &self.subject,
            compare: self.compare(),
            interrupted: &self.interrupted,
            plays_on: !self.is_spent(),
        };
        for broken in broken {
            results.broke(failures.deal_with(broken, &progress));
        }
        progress.finish();
        results.interrupted = self.interrupted.get();
        results.unjudged = self.unjudged;
        results
    }

    /// Whether a run in real time has no time left: replaying a case takes as long as the case.
    fn is_spent(&self) -> bool {
        let elapsed = self.start.elapsed();
        self.options.real && self.inputs.budget.is_some_and(|budget| elapsed >= budget)
    }

    /// How many cases there are, if that is known and no budget cuts it short.
    fn cases(&self, tapes: &[NamedCase]) -> Option<u64> {
        let of_seeds = match self.inputs.seeds {
            None => 0,
            Some(seeds) => seeds.count()?.div_ceil(self.inputs.shard.count()),
        };
        let cases = of_seeds.saturating_add(tapes.len() as u64);
        self.inputs.budget.is_none().then_some(cases)
    }

    /// The tally to add cases to: a sample should see everything at least once.
    fn tally(&self) -> Tally {
        if !self.inputs.is_sample {
            return Tally::default();
        }
        Tally::of_everything(&self.judged, &self.terms)
    }

    fn work(
        &mut self,
        jobs: impl Iterator<Item = Job> + Send + 'static,
        tally: Tally,
        progress: &mut Progress,
    ) -> Ran {
        let options = wstape_chaos::Options {
            workers: self.workers,
            check_determinism: self.options.thoroughness.check_determinism,
            determinism: self.determinism(),
            finds_hanging: !self.options.real,
            keep_going: self.options.thoroughness.keep_going,
        };
        let mut run = Run::start(Arc::clone(&self.play), self.draw(), jobs, tally, options);
        let mut bounds = Bounds {
            budget: self.inputs.budget,
            real: self.options.real,
            broken_at: None,
        };
        loop {
            let elapsed = self.start.elapsed();
            if run.watch(elapsed) {
                return run.finish();
            }
            if !options.keep_going && run.broken() > 0 {
                bounds.broken_at.get_or_insert(elapsed);
            }
            match bounds.course(elapsed, self.interrupted.get()) {
                Course::GoOn => {}
                Course::Finish => run.stop(),
                Course::Leave => {
                    run.stop();
                    let (ran, left) = run.leave();
                    self.unjudged += left as u64;
                    return ran;
                }
            }
            progress.show(elapsed, run.cases(), run.broken());
            thread::sleep(LOOK_EVERY);
        }
    }

    /// What is known about the subscriber's determinism.
    fn determinism(&self) -> Determinism {
        let declared = match self.terms {
            Terms::Settings => true,
            Terms::Bounds(bounds) => bounds.is_deterministic,
        };
        match (
            self.judged.contains(Rule::R16) && !self.options.real,
            declared,
        ) {
            (false, _) => Determinism::NotJudged,
            (true, true) => Determinism::Declared,
            (true, false) => Determinism::Undeclared,
        }
    }

    /// What to compare between two plays if R16 broke.
    fn compare(&self) -> Compare {
        match self.determinism() {
            Determinism::Undeclared if !self.options.thoroughness.check_determinism => {
                Compare::EngineSide
            }
            _ => Compare::Trace,
        }
    }

    /// The mutant that this run would not have found, if there is one.
    fn missed_canary(&self) -> Option<Flaw> {
        let seeds = self.inputs.seeds.filter(|_| self.inputs.is_sample)?;
        let first = self.inputs.shard.seeds(seeds).next()?;
        let draw: Draw = Arc::new(|seed| draw(seed, &[], &Terms::Settings));
        missed_canary(first, &draw)
    }

    fn draw(&self) -> Draw {
        let (terms, vocabulary) = (self.terms, self.inputs.vocabulary.clone());
        match &self.inputs.bases {
            Bases::Given(recordings) => {
                let recordings = recordings.clone();
                Arc::new(move |seed| {
                    // The seed alone decides which, and each gets its turn.
                    let turn = seed % recordings.len().max(1) as u64;
                    let recording = usize::try_from(turn).ok();
                    match recording.and_then(|turn| recordings.get(turn)) {
                        Some(recording) => {
                            draw_over(seed, recording, vocabulary.as_deref(), &terms)
                        }
                        None => draw_in(seed, &[], vocabulary.as_deref(), &terms),
                    }
                })
            }
            Bases::Drawn(recordings) => {
                let recordings = recordings.clone();
                Arc::new(move |seed| draw_in(seed, &recordings, vocabulary.as_deref(), &terms))
            }
        }
    }
}

/// How a first line begins: what is run, and by which version.
pub(super) fn first_words(words: &str) -> String {
    format!("chaos: {words}; wstape {}", env!("CARGO_PKG_VERSION"))
}

/// Worlds at once.
pub(super) fn workers(options: &Options, subject: &dyn Subject) -> NonZeroUsize {
    // Memory use can only be attributed with one case at a time.
    let alone = subject.memory().map(|_| NonZeroUsize::MIN);
    options
        .jobs
        .or(alone)
        .or_else(|| thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
}

/// Keeps the panics of worlds off standard error: each is a violation and reported like any other,
/// and shrinking a case would print hundreds of them.
pub(super) fn keep_workers_panics_quiet() {
    note_panics(|| thread::current().name() == Some(WORKER_NAME));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use wstape_chaos::mutants::CANARIES;

    use super::*;

    #[test]
    fn a_run_in_real_time_ends_a_grace_after_its_budget_and_one_in_virtual_time_with_its_cases() {
        let bounds = |real| Bounds {
            budget: Some(Duration::from_mins(1)),
            real,
            broken_at: None,
        };
        let course = |real, secs| bounds(real).course(Duration::from_secs(secs), false);
        assert_eq!(
            [course(true, 59), course(true, 60)],
            [Course::GoOn, Course::Finish]
        );
        assert_eq!(
            [course(true, 69), course(true, 70)],
            [Course::Finish, Course::Leave]
        );
        assert_eq!(
            [course(false, 59), course(false, 600)],
            [Course::GoOn, Course::Finish]
        );
    }

    #[test]
    fn a_declaration_that_nobody_can_keep_is_said_before_anything_is_played() {
        let second = Duration::from_secs(1);
        let client = || wstape_harness::subject(|_| async {}).named("mine");
        let sound = client().backoff(wstape_oracle::Backoff::new(second, second * 8));
        assert_eq!(declares_what_can_be(&sound), Ok(()));
        let jitter = wstape_oracle::Backoff::new(second, second * 8).jitter(0.0, 1.0);
        for flawed in [
            sound.lost_within(Duration::ZERO),
            client().backoff(jitter).deterministic(),
            client().backoff(wstape_oracle::Backoff::new(second * 8, second)),
        ] {
            let said = declares_what_can_be(&flawed).unwrap_err();
            assert!(said.starts_with("mine declares the impossible: "), "{said}");
        }
    }

    #[test]
    fn a_rule_that_broke_ends_a_run_in_real_time_a_grace_later_and_ctrl_c_at_once() {
        let bounds = Bounds {
            budget: None,
            real: true,
            broken_at: Some(Duration::from_secs(20)),
        };
        let course = |secs| bounds.course(Duration::from_secs(secs), false);
        assert_eq!([course(20), course(30)], [Course::Finish, Course::Leave]);
        assert_eq!(bounds.course(Duration::ZERO, true), Course::Leave);
    }

    #[test]
    fn the_status_the_junit_file_and_the_results_that_merge_reads_say_the_same_of_a_missed_mutant()
    {
        let folder = tempfile::tempdir().unwrap();
        let [junit, result] = ["junit.xml", "r.json"].map(|name| folder.path().join(name));
        let written = |missed| {
            let outputs = Outputs::new(Some(&junit), Some(&result), true).unwrap();
            let part = Part {
                seeds: Some("0..64".parse().unwrap()),
                shard: wstape_chaos::Shard::WHOLE,
            };
            let judged = Judged::everything();
            let results = Results::new("a subject", judged, part, Tally::default());
            let ending = conclude(results, missed, &outputs).unwrap();
            let read = Results::from_json("r.json", &fs::read_to_string(&result).unwrap()).unwrap();
            let merged = Results::merge(vec![("r.json".to_owned(), read)]).unwrap();
            let junit = fs::read_to_string(&junit).unwrap();
            (ending, merged.ending(), junit.contains("chaos is broken"))
        };
        assert_eq!(
            written(Some(CANARIES[0])),
            (Ending::Blind, Ending::Blind, true)
        );
        let (ending, merged, said) = written(None);
        assert_eq!((ending, said), (merged, false));
        assert_ne!(ending, Ending::Blind);
    }
}
