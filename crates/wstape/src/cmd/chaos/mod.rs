//! `wstape chaos`: drawn cases by the ten thousand, judged by rules.

mod failures;
mod inputs;
mod merge;
mod mutants;
mod options;
mod outputs;
mod progress;
mod rules;
mod session;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use wstape_chaos::Ending;
use wstape_harness::Subject;

use options::Options;

/// Every rule held, and everything enabled was seen.
const HELD: u8 = 0;
/// A rule broke, or a mutant was not found.
const BROKEN: u8 = 1;
/// Bad usage or bad input.
const BAD_INPUT: u8 = 2;
/// No rule broke, but too little was seen, or the run was interrupted.
const INCONCLUSIVE: u8 = 3;
/// A case did not give the same trace twice.
const NOT_DETERMINISTIC: u8 = 4;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Exit status: 0 every rule held; 1 a rule broke, or a mutant was missed; 2 bad usage or bad input; \
3 inconclusive: no rule broke, but something that was enabled was never seen, or the run was \
interrupted; 4 a case gave different traces when played twice.

Without --shard, the shard is read from the environment: CHAOS_SHARD_INDEX or Kubernetes' \
JOB_COMPLETION_INDEX (from 0) with CHAOS_SHARD_COUNT, or the variables that GitLab, CircleCI, \
Buildkite, Azure Pipelines, Semaphore and Cloud Run set."
)]
pub(crate) struct Chaos {
    #[command(subcommand)]
    verb: Option<Verb>,

    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Merges the results of shards, with the exit status that a single run would have had.
    Merge(merge::Merge),
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
