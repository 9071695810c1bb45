//! The options of every live recording, and how to run it.

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use engine_client::{Clock, SystemClock};
use wstape_recorder::Counts;

use super::exit;
use super::output::{FsyncArgs, OutputArgs};
use super::redaction::RedactionArgs;
use super::remedy;
use super::until::UntilArgs;

/// What every live recording is told.
#[derive(Debug, Args)]
pub(crate) struct LiveArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,

    #[command(flatten)]
    pub(crate) fsync: FsyncArgs,

    #[command(flatten)]
    pub(crate) redaction: RedactionArgs,

    #[command(flatten)]
    pub(crate) until: UntilArgs,
}

/// The result of a recording.
pub(crate) struct Recorded<S> {
    pub(crate) counts: Counts,
    /// A sentence, if the engine was never reached.
    pub(crate) unreached: Option<String>,
    pub(crate) summary: S,
}

impl LiveArgs {
    /// Records on a separate runtime in real time, reports the result, and ends with the matching
    /// status.
    pub(crate) fn run<S: Display>(
        &self,
        record: impl AsyncFnOnce(Arc<dyn Clock>) -> Result<Recorded<S>, Box<dyn Error>>,
    ) -> ExitCode {
        let recorded = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Into::into)
            .and_then(|runtime| runtime.block_on(record(Arc::new(SystemClock::new()))));
        match recorded {
            Ok(recorded) => {
                if !self.output.quiet {
                    eprintln!("recorded {}", recorded.summary);
                }
                let unreached = recorded.unreached.as_deref().map(remedy::unreached);
                exit::recorded(&recorded.counts, unreached.as_deref())
            }
            Err(error) => exit::bad_command(&*error),
        }
    }
}
