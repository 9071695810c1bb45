//! `recorder tap`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use engine_client::{Clock, SystemClock};
use recorder::{Output, Summary, Tap};
use tokio::signal::unix::{SignalKind, signal};

/// The recording is whole.
const RECORDED: u8 = 0;
/// The disk did not keep up: some steps are missing.
const LOST_STEPS: u8 = 1;
/// Bad usage or input, or a file that can't be written.
const BAD_INPUT: u8 = 2;

#[derive(Debug, Args)]
#[command(after_help = "\
Ctrl-C ends the recording too. Exit status: 0 recorded; 1 the disk did not keep up and steps are \
missing; 2 bad usage or input, or a file that can't be written.")]
pub(crate) struct TapArgs {
    /// The engine: a ws:// or wss:// URL.
    #[arg(value_name = "URL")]
    url: String,

    /// The tape to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Overwrite FILE where it exists.
    #[arg(long)]
    force: bool,

    /// How long to record, such as 90s, 5m or 1h30m. Default: until Ctrl-C.
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    duration: Option<std::time::Duration>,

    /// The environment variable that holds the bearer token.
    #[arg(long, value_name = "VAR")]
    token_env: Option<String>,

    /// Say nothing but errors.
    #[arg(long)]
    quiet: bool,
}

impl TapArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.record() {
            Ok(summary) => {
                if !self.quiet {
                    eprintln!("recorded {summary}");
                }
                if summary.lost > 0 {
                    eprintln!(
                        "recorder: {} steps lost: the disk did not keep up",
                        summary.lost
                    );
                    return LOST_STEPS.into();
                }
                RECORDED.into()
            }
            Err(error) => {
                eprintln!("recorder: {error}");
                BAD_INPUT.into()
            }
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
        let tap = Tap::new(&self.url, token)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut interrupted = signal(SignalKind::interrupt())?;
            let mut terminated = signal(SignalKind::terminate())?;
            let output = Output::create(&self.out, self.force)?;
            let duration = self.duration;
            let until = async move {
                let timeout = async {
                    match duration {
                        Some(duration) => SystemClock::new().sleep_until(duration).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = interrupted.recv() => {}
                    _ = terminated.recv() => {}
                    () = timeout => {}
                }
            };
            Ok(tap.run(output, until).await?)
        })
    }
}
