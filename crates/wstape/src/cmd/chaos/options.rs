//! The options of a run.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use wstape_chaos::{Seeds, Shard};

use super::rules::Choice;
use crate::cmd::duration::duration;

/// How long a run over an open range of seeds goes on.
pub(super) const DEFAULT_BUDGET: Duration = Duration::from_mins(1);
/// Where failures are written.
const DEFAULT_OUT: &str = "target/chaos";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Play only the case of this seed.
    #[arg(long, value_name = "S", value_parser = seed, allow_negative_numbers = true, conflicts_with_all = ["seeds", "shard", "budget", "mutants"])]
    pub(super) seed: Option<u64>,

    /// Use these seeds: A..B, or A.. for all from A on. Default: 0..
    #[arg(long, value_name = "A..B")]
    pub(super) seeds: Option<Seeds>,

    /// Start no new case after this long, such as 60s or 5m. Default: 60s; unlimited for a range
    /// with an end. In real time, running cases then get 10 s more, and are not judged if that is
    /// too short.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) budget: Option<Duration>,

    /// Use only part I of N of the seeds; parts never overlap.
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,

    /// Cases to play at the same time, at most 256. Default: one per core.
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// Play this tape: a case that chaos wrote, or any other tape. May be repeated. With --seed or
    /// --seeds, it is a recording to lay generated faults over.
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with_all = ["shard", "mutants"])]
    pub(super) tape: Vec<PathBuf>,

    /// Play in real time, for a subscriber that reads std's clock or works on other threads. Each
    /// case then takes as long as it lasts, until the subscriber has recovered.
    #[arg(long, conflicts_with_all = ["mutants", "check_determinism"])]
    pub(super) real: bool,

    /// Take the engine's messages from this tape, and corrupt some of them. May be repeated.
    /// Default: for a subject that is not judged by settings, the tapes and recordings of
    /// fixtures/, if they hold messages.
    #[arg(long, value_name = "TAPE", num_args = 1.., conflicts_with = "mutants")]
    pub(super) from: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) rules: Choice,

    #[arg(long, value_name = "FILE", help = "Write the results as JUnit XML")]
    pub(super) junit: Option<PathBuf>,

    /// Write the results as JSON, for `wstape chaos merge`.
    #[arg(long, value_name = "FILE")]
    pub(super) result: Option<PathBuf>,

    /// Write each case that breaks a rule here: its tape, its trace, and the mirror beside the
    /// model.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_OUT)]
    pub(super) out: PathBuf,

    #[command(flatten)]
    pub(super) thoroughness: Thoroughness,

    /// Test chaos itself: check that it finds each mutant, a subscriber with one flaw.
    #[arg(long, alias = "planted", conflicts_with_all = ["shard", "check_determinism", "keep_going", "result", "junit"])]
    pub(super) mutants: bool,

    /// Print no progress and no tables, only what broke and how the run ended.
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// What is done beyond the first failure, and beyond one look at each case.
#[derive(Debug, Args)]
pub(super) struct Thoroughness {
    /// Play each case twice and compare the traces.
    #[arg(long)]
    pub(super) check_determinism: bool,

    /// Go on after a rule broke, to find cases that break other rules.
    #[arg(long)]
    pub(super) keep_going: bool,
}

/// The most worlds at once: more than any machine has cores, and fewer than it has threads.
const MAX_JOBS: usize = 256;

fn seed(text: &str) -> Result<u64, String> {
    let number = text.parse();
    number.map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse::<NonZeroUsize>().ok();
    number
        .filter(|number| number.get() <= MAX_JOBS)
        .ok_or_else(|| format!("expected a number from 1 to {MAX_JOBS}"))
}
