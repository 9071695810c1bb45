//! `wstape replay`: the main job.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use wstape_chaos::{HANG_AFTER, broken_rules, is_case};
use wstape_harness::{
    MAX_VIRTUAL, Outcome, REAL_TOLERANCE, ScenarioError, Snapshot, Subject, Suite, Trial,
    departures, diff,
};
use wstape_mock_engine::EngineError;

use super::again::{again, quoted};
use super::bounded::bounded;
use super::duration::duration;
use super::fixtures::fixtures_with;
use super::remedy;
use super::say::{Unsaid, counted, say};

/// All outcomes hold.
const HELD: u8 = 0;
/// An outcome departs from its snapshot, or has none.
const DEPARTED: u8 = 1;
/// Bad usage or a bad tape.
const BAD_INPUT: u8 = 2;

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 all outcomes hold; 1 an outcome departs from its snapshot, or has none, or an \
expectation of its tape is not met, or a chaos case breaks a rule; 2 bad usage or a bad tape; the \
other tapes are still played.")]
pub(crate) struct Replay {
    /// Tapes, or folders of tapes. Default: all of fixtures/, with each recording also played under
    /// each overlay.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Lay this tape, or one listed by `wstape overlays`, over each PATH; may be repeated.
    #[arg(long, value_name = "TAPE", requires = "paths")]
    overlay: Vec<PathBuf>,

    /// Write the outcomes as the new snapshots, and say which ones changed.
    #[arg(long, conflicts_with = "real")]
    accept: bool,

    /// Also play over TCP in real time, and compare within a tolerance: 50 ms, plus 50 ms for each
    /// second of the run, rounded up.
    #[arg(long, requires = "paths")]
    real: bool,

    /// Refuse tapes that last longer than this in virtual time.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = DEFAULT_MAX_VIRTUAL)]
    max_virtual: Duration,
}

/// The most lines shown of an outcome without a snapshot: a longer one is judged here by its
/// beginning, and in full in the snapshot.
const MAX_SHOWN_LINES: usize = 60;

/// How long a run may last by default: [`MAX_VIRTUAL`].
const DEFAULT_MAX_VIRTUAL: &str = "31days";
const _: () = assert!(MAX_VIRTUAL.as_secs() == 31 * 24 * 3_600);

/// The result of a trial.
enum Verdict {
    Holds,
    Accepted,
    Departs(String),
}

/// Why a trial was not played to its end.
enum Unplayed {
    /// The tape is bad, or can't be read.
    Bad(String),
    /// The subscriber panicked, or hangs.
    Subject(String),
}

impl From<String> for Unplayed {
    fn from(why: String) -> Self {
        Self::Bad(why)
    }
}

/// The results of all trials.
#[derive(Default)]
struct Tally {
    failures: Vec<Failure>,
    /// Trials that can't be played.
    bad: usize,
}

/// A failed trial, and what to show of it.
struct Failure {
    name: String,
    shown: String,
}

impl Replay {
    pub(crate) fn run(&self, subject: &Arc<dyn Subject>) -> ExitCode {
        let status = self.play(subject).unwrap_or_else(|error| {
            eprintln!("wstape: {error}");
            BAD_INPUT
        });
        status.into()
    }

    /// Plays all trials, and returns the status; an error ends it before that.
    fn play(&self, subject: &Arc<dyn Subject>) -> Result<u8, String> {
        let suite = self.suite()?;
        let start = Instant::now();
        let width = suite.trials.iter().map(|trial| trial.name.len()).max();
        let width = width.unwrap_or_default();
        let mut tally = Tally::default();
        for trial in &suite.trials {
            let began = Instant::now();
            match self.judge(trial, subject) {
                Ok((verdict, outcome)) => {
                    let took = began.elapsed();
                    tally.judged(trial, width, verdict, &outcome, took)?;
                }
                Err(Unplayed::Bad(error)) => {
                    eprintln!("wstape: {error}");
                    tally.bad += 1;
                }
                Err(Unplayed::Subject(shown)) => {
                    say(&format!("FAILS     {}\n", trial.name))?;
                    tally.failures.push(Failure {
                        name: trial.name.clone(),
                        shown,
                    });
                }
            }
        }
        if tally.bad < suite.trials.len() {
            tally.say(suite.trials.len(), start.elapsed())?;
        }
        Ok(match (tally.bad, tally.failures.len()) {
            (0, 0) => HELD,
            (0, _) => DEPARTED,
            _ => BAD_INPUT,
        })
    }

    fn suite(&self) -> Result<Suite, String> {
        let mut tapes = self.paths.iter().chain(&self.overlay);
        if tapes.any(|path| path.as_os_str() == "-") {
            return Err(
                "replay does not read standard input: a snapshot belongs to the tape's file; write \
                 the tape into one"
                    .to_owned(),
            );
        }
        if !self.paths.is_empty() {
            return Suite::of_paths(&self.paths, &self.overlay)
                .map_err(|error| remedy::of_suite(&error));
        }
        let fixtures = fixtures_with("tapes")
            .map_err(|error| error.to_string())?
            .ok_or("no fixtures/tapes folder here or above; name the tapes to play")?;
        Suite::of_fixtures(&fixtures).map_err(|error| remedy::of_suite(&error))
    }

    fn judge(
        &self,
        trial: &Trial,
        subject: &Arc<dyn Subject>,
    ) -> Result<(Verdict, Outcome), Unplayed> {
        let run = |run: Result<Outcome, ScenarioError>| {
            run.map_err(|error| {
                Unplayed::Bad(match error {
                    ScenarioError::Tape(error) => remedy::of_tape(&error),
                    ScenarioError::Engine(EngineError::Tape(error)) => remedy::of_tape(&error),
                    too_long @ ScenarioError::TooLong { .. } => {
                        format!("{too_long} with --max-virtual")
                    }
                    other => other.to_string(),
                })
            })
        };
        let scenario = trial.scenario.clone().max_virtual(self.max_virtual);
        // Long tapes take their time, but a hang takes for ever.
        let (played, whom) = (scenario.clone(), Arc::clone(subject));
        let outcome = bounded(may_take(trial), move || played.run(&*whom));
        let outcome = run(outcome.map_err(Unplayed::Subject)?)?;
        let found = outcome.to_string();
        let unmet: Vec<&str> = outcome.unmet().collect();
        if !unmet.is_empty() {
            let shown = format!(
                "the tape's expectations are not met:\n  {}",
                unmet.join("\n  ")
            );
            return Ok((Verdict::Departs(shown), outcome));
        }
        if let Some(shown) = rules_of(trial, &**subject)? {
            return Ok((Verdict::Departs(shown), outcome));
        }
        let snapshot =
            Snapshot::read(&trial.snapshot).map_err(|error| unreadable(trial, &error))?;
        let departure = match &snapshot {
            None => Some(unseen(&found)),
            Some(snapshot) => diff(&snapshot.contents, &found),
        };
        if self.accept && departure.is_some() {
            Snapshot { contents: found }
                .write(&trial.snapshot, &trial.tape)
                .map_err(|error| {
                    let path = trial.snapshot.display();
                    format!("{path}: {}", remedy::unwritten(&error))
                })?;
            return Ok((Verdict::Accepted, outcome));
        }
        if let Some(departure) = departure {
            let shown = format!(
                "{}\nif this is right: {}",
                departure.trim_end(),
                accept_command(trial)
            );
            return Ok((Verdict::Departs(shown), outcome));
        }
        if self.real {
            let real = run(scenario.run_real(&**subject))?;
            let departures = departures(&outcome, &real);
            if !departures.is_empty() {
                let shown = format!(
                    "over TCP in real time, off by more than {REAL_TOLERANCE:?} per second:\n{}",
                    departures.join("\n")
                );
                return Ok((Verdict::Departs(shown), outcome));
            }
        }
        Ok((Verdict::Holds, outcome))
    }
}

impl Tally {
    fn judged(
        &mut self,
        trial: &Trial,
        width: usize,
        verdict: Verdict,
        outcome: &Outcome,
        took: Duration,
    ) -> Result<(), Unsaid> {
        let word = match &verdict {
            Verdict::Holds => "holds",
            Verdict::Accepted => "accepted",
            Verdict::Departs(_) => "DEPARTS",
        };
        say(&format!(
            "{word:<8}  {:<width$}  {:>11.3} s virtual  {:>9.3} ms\n",
            trial.name,
            outcome.duration.duration().as_secs_f64(),
            took.as_secs_f64() * 1_000.0
        ))?;
        for torn in &outcome.torn {
            eprintln!("wstape: {} is torn: {torn}", trial.tape);
        }
        if let Verdict::Departs(shown) = verdict {
            self.failures.push(Failure {
                name: trial.name.clone(),
                shown,
            });
        }
        Ok(())
    }

    fn say(&self, trials: usize, took: Duration) -> Result<(), Unsaid> {
        for failure in &self.failures {
            let shown = failure.shown.trim_end();
            say(&format!("\n{}\n{shown}\n", failure.name))?;
        }
        let held = trials - self.failures.len() - self.bad;
        let bad = match self.bad {
            0 => String::new(),
            bad => format!(", {bad} can't be played"),
        };
        let scenarios = counted(trials, "scenario", "scenarios");
        say(&format!(
            "\n{scenarios}: {held} hold, {} depart{bad}, in {:.3} s\n",
            self.failures.len(),
            took.as_secs_f64()
        ))
    }
}

/// Returns what the rules of chaos say about a case that chaos wrote; `None` if they hold, if the
/// tape is not a case, or if it is played under overlays.
fn rules_of(trial: &Trial, subject: &dyn Subject) -> Result<Option<String>, String> {
    let tape = Path::new(&trial.tape);
    let is_case = trial.overlays.is_empty() && is_case(tape).map_err(|error| error.to_string())?;
    if !is_case {
        return Ok(None);
    }
    let violations = broken_rules(tape, subject).map_err(|error| error.to_string())?;
    let lines: Vec<String> = violations.iter().map(|v| format!("  {v}\n")).collect();
    Ok((!lines.is_empty()).then(|| format!("broken rules:\n{}", lines.concat())))
}

/// Wall time for a trial: what any case may take, plus a second for each MiB of its tapes.
fn may_take(trial: &Trial) -> Duration {
    let tapes = [PathBuf::from(&trial.tape)];
    let sizes = tapes.iter().chain(&trial.overlays).filter_map(|tape| {
        let metadata = fs::metadata(tape).ok()?;
        Some(metadata.len())
    });
    HANG_AFTER.saturating_add(Duration::from_secs(sizes.sum::<u64>() >> 20))
}

fn unreadable(trial: &Trial, error: &std::io::Error) -> String {
    let remedy = remedy::to_read(error.kind());
    format!("{}: {error}{remedy}", trial.snapshot.display())
}

/// Shown if there is no snapshot to compare with: the outcome itself, to judge whether it is right.
fn unseen(found: &str) -> String {
    let lines: Vec<&str> = found.trim_end().lines().collect();
    let shown = lines[..lines.len().min(MAX_SHOWN_LINES)].join("\n");
    let more = match lines.len().saturating_sub(MAX_SHOWN_LINES) {
        0 => String::new(),
        left => format!("\n⋮\n{left} more lines will be in the snapshot"),
    };
    format!("no snapshot yet; this is what happened\n\n{shown}{more}\n")
}

/// The command that accepts a trial's outcome.
pub(crate) fn accept_command(trial: &Trial) -> String {
    let overlays: Vec<String> = trial
        .overlays
        .iter()
        .map(|overlay| format!(" --overlay {}", quoted(overlay)))
        .collect();
    let overlays = overlays.concat();
    let tape = quoted(Path::new(&trial.tape));
    again("replay", &format!("{tape}{overlays} --accept"))
}
