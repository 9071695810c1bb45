//! `wstape chaos`: drawn cases by the ten thousand, judged by rules.

mod failures;
mod inputs;
mod merge;
mod mutants;
mod outputs;
mod progress;
mod rules;
mod session;
mod signals;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use wstape_chaos::{Ending, Seeds, Shard};
use wstape_harness::Subject;

/// Every rule held, and all that was enabled was seen.
const HELD: u8 = 0;
/// A rule broke, or a mutant was not found.
const BROKEN: u8 = 1;
/// Bad usage or bad input.
const BAD_INPUT: u8 = 2;
/// No rule broke, but too little was seen, or the run was interrupted.
const INCONCLUSIVE: u8 = 3;
/// A case did not give the same trace twice.
const NOT_DETERMINISTIC: u8 = 4;

/// How long a run of an open range of seeds goes on.
const DEFAULT_BUDGET: Duration = Duration::from_mins(1);
/// Where failures are written.
const DEFAULT_OUT: &str = "target/chaos";

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Exit status: 0 every rule held; 1 a rule broke, or a mutant was missed; 2 bad usage or bad input; 3 inconclusive: no rule \
broke, but something that was enabled was never seen, or the run was interrupted; 4 a case did not \
give the same trace twice.

Without --shard, the shard is read from the environment: CHAOS_SHARD_INDEX or Kubernetes' \
JOB_COMPLETION_INDEX (from 0) with CHAOS_SHARD_COUNT, or what GitLab, CircleCI, Buildkite, Azure \
Pipelines, Semaphore and Cloud Run set."
)]
pub(crate) struct Chaos {
    #[command(subcommand)]
    verb: Option<Verb>,

    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Merges the results of shards, and ends as one run of all of them would have.
    Merge(merge::Merge),
}

#[derive(Debug, Args)]
struct Options {
    /// Play the case of this seed, and no other.
    #[arg(long, value_name = "S", allow_negative_numbers = true, conflicts_with_all = ["seeds", "shard", "budget", "mutants"])]
    seed: Option<u64>,

    /// Draw from these seeds: A..B, or A.. for all from A on. Default: 0..
    #[arg(long, value_name = "A..B")]
    seeds: Option<Seeds>,

    /// Begin no case after this long: 60s, 5m. Default: 60s, and none for a range with an end.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    budget: Option<Duration>,

    /// Take only part I of N of the seeds; parts never overlap.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,

    /// Worlds at a time. Default: one for each core.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Play this tape: a case that chaos wrote, or any other. May be given several times. With
    /// --seed or --seeds, a recording that drawn faults are laid over.
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with_all = ["shard", "mutants"])]
    tape: Vec<PathBuf>,

    /// Play in real time, for a subscriber that takes its time from std's clock or leaves work to
    /// other threads: cases take as long as they say.
    #[arg(long, conflicts_with_all = ["mutants", "check_determinism"])]
    real: bool,

    /// Draw the engine's messages from this tape, a recording or a script, and spoil them. May be
    /// given several times. Default: for a subject that is not judged by settings the tapes and
    /// recordings of fixtures/, where they hold messages.
    #[arg(long, value_name = "TAPE", num_args = 1.., conflicts_with = "mutants")]
    from: Vec<PathBuf>,

    #[command(flatten)]
    rules: rules::Choice,

    #[arg(long, value_name = "FILE", help = "Write the results as JUnit XML")]
    junit: Option<PathBuf>,

    /// Write the results as JSON, for `wstape chaos merge`.
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,

    /// Write what breaks a rule here: the tape, the trace, the mirror beside the model.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_OUT)]
    out: PathBuf,

    #[command(flatten)]
    thoroughness: Thoroughness,

    /// Look for each mutant instead, a subscriber with one flaw: a check of chaos itself.
    #[arg(long, alias = "planted", conflicts_with_all = ["shard", "check_determinism", "keep_going", "result", "junit"])]
    mutants: bool,

    /// No progress, no tables: only what broke and how it ended.
    #[arg(long, short)]
    quiet: bool,
}

/// What is done beyond the first failure, and beyond one look at each case.
#[derive(Debug, Args)]
struct Thoroughness {
    /// Play each case twice and compare the traces.
    #[arg(long)]
    check_determinism: bool,

    /// Go on after a rule broke, for those that break others.
    #[arg(long)]
    keep_going: bool,
}

impl Chaos {
    pub(crate) fn run(&self, subject: &Arc<dyn Subject>) -> ExitCode {
        let ended = match &self.verb {
            Some(Verb::Merge(merge)) => merge.run(),
            None if let Some(rules) = &self.options.rules.explain => {
                rules::explain(rules, subject).map(|()| Ending::Held)
            }
            None if self.options.mutants => mutants::run(&self.options, &**subject),
            None => session::run(&self.options, subject),
        };
        match ended {
            Ok(ending) => status(ending).into(),
            Err(error) => {
                eprintln!("wstape: {error}");
                BAD_INPUT.into()
            }
        }
    }
}

fn status(ending: Ending) -> u8 {
    match ending {
        Ending::Held => HELD,
        Ending::Broken | Ending::Blind => BROKEN,
        Ending::Inconclusive => INCONCLUSIVE,
        Ending::NotDeterministic => NOT_DETERMINISTIC,
    }
}
