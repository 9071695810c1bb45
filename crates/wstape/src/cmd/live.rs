//! What every live recording is told, and how it is run.

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

impl LiveArgs {
    /// Records on a runtime of its own and in the machine's time, says what came of it, and ends
    /// as that went.
    pub(crate) fn run<S: Display>(
        &self,
        record: impl AsyncFnOnce(Arc<dyn Clock>) -> Result<(S, Counts), Box<dyn Error>>,
    ) -> ExitCode {
        let recorded = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Into::into)
            .and_then(|runtime| runtime.block_on(record(Arc::new(SystemClock::new()))));
        match recorded {
            Ok((summary, counts)) => {
                if !self.output.quiet {
                    eprintln!("recorded {summary}");
                }
                exit::recorded(&counts)
            }
            Err(error) => exit::bad_input(&error),
        }
    }
}
