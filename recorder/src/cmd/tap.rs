//! `recorder tap`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use engine_client::{Clock, SystemClock};
use recorder::{Summary, Tap};

use super::exit;
use super::output::{FsyncArgs, OutputArgs};
use super::redaction::RedactionArgs;
use super::until::UntilArgs;
use crate::progress::Progress;

#[derive(Debug, Args)]
#[command(after_help = "\
For example, five minutes of an engine that wants a token:
  TOKEN=… recorder tap wss://engine.example/ws --token-env TOKEN --for 5m --out session.jsonl

Ctrl-C ends the recording too. Exit status: 0 recorded; 1 the disk did not keep up and steps are \
missing; 2 bad usage or input, or an output that can't be written.")]
pub(crate) struct TapArgs {
    /// The engine: a ws:// or wss:// URL.
    #[arg(value_name = "URL")]
    url: String,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    fsync: FsyncArgs,

    #[command(flatten)]
    redaction: RedactionArgs,

    #[command(flatten)]
    until: UntilArgs,

    /// The environment variable that holds the bearer token.
    #[arg(long, value_name = "VAR")]
    token_env: Option<String>,
}

impl TapArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.record() {
            Ok(summary) => {
                if !self.output.quiet {
                    eprintln!("recorded {summary}");
                }
                exit::recorded(&summary.counts)
            }
            Err(error) => exit::bad_input(&error),
        }
    }

    fn record(&self) -> Result<Summary, Box<dyn std::error::Error>> {
        let token = match &self.token_env {
            None => None,
            Some(name) => Some(std::env::var(name).map_err(|error| match error {
                std::env::VarError::NotPresent => {
                    format!("--token-env {name}: there is no such environment variable")
                }
                std::env::VarError::NotUnicode(_) => {
                    format!("--token-env {name}: its value is not UTF-8")
                }
            })?),
        };
        let redactor = self.redaction.redactor()?;
        let tap = Tap::new(&self.url, token, redactor)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
            let until = self.until.wait(&clock)?;
            let output = self.output.growing(&self.fsync)?;
            let progress = Progress::live(output.stats(), Arc::clone(&clock), self.output.quiet);
            let recording = tap.clock(clock).run(output, until);
            Ok(progress.during(recording).await?)
        })
    }
}
