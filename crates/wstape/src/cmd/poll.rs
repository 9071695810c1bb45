//! `wstape poll`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use wstape_recorder::{ANSWER_TIMEOUT, Poll};

use super::duration;
use super::live::{LiveArgs, Recorded};
use super::token::TokenArgs;
use crate::progress::Progress;

/// The default polling interval.
const EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "\
It polls /v2/status, /positions, /risk and /regime below the base URL. Each answer that differs \
from the previous one becomes an event of its kind and an http step; an engine that can't be \
reached becomes an outage. Ctrl-C also ends the recording. Exit status: 0 recorded; 1 nothing \
could \
be read from the engine, or steps are missing because they came faster than they could be written; \
2 bad usage or input, or an output that can't be written.")]
pub(crate) struct PollArgs {
    /// The engine: an http:// or https:// URL.
    #[arg(value_name = "BASE_URL")]
    url: String,

    /// How often to ask, such as 500ms or 5s.
    #[arg(long, value_name = "DURATION", default_value_t = EVERY.into(), value_parser = duration::shown)]
    every: humantime::Duration,

    /// How long an answer may take.
    #[arg(long, value_name = "DURATION", default_value_t = ANSWER_TIMEOUT.into(), value_parser = duration::shown)]
    timeout: humantime::Duration,

    /// Ignore changes in the values of keys of this name, such as ts. May be repeated.
    #[arg(long = "ignore-key", value_name = "NAME")]
    ignored: Vec<String>,

    #[command(flatten)]
    live: LiveArgs,

    #[command(flatten)]
    token: TokenArgs,
}

impl PollArgs {
    pub(crate) fn run(&self) -> ExitCode {
        self.live.run(async |clock| {
            let token = self.token.token()?;
            let redactor = self.live.redaction.redactor()?;
            let poll = Poll::new(&self.url, *self.every, token.as_deref(), redactor)?;
            let poll = self
                .ignored
                .iter()
                .fold(poll.timeout(*self.timeout), Poll::ignoring)
                .clock(Arc::clone(&clock));
            poll.check().await?;
            let until = self.live.until.wait(&clock)?;
            let output = self.live.output.growing(&self.live.fsync)?;
            let progress = Progress::live(output.stats(), clock, self.live.output.quiet);
            let polled = progress.during(poll.run(output, until)).await?;
            Ok(Recorded {
                counts: polled.counts,
                unreached: polled.unreached.clone(),
                summary: polled,
            })
        })
    }
}
