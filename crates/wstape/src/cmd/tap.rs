//! `wstape tap`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use wstape_recorder::Tap;

use super::live::LiveArgs;
use super::token::TokenArgs;
use crate::progress::Progress;

#[derive(Debug, Args)]
#[command(after_help = "\
For example, five minutes of an engine that wants a token:
  TOKEN=… wstape tap wss://engine.example/ws --token-env TOKEN --for 5m --out session.jsonl

Ctrl-C ends the recording too. Exit status: 0 recorded; 1 the disk did not keep up and steps are \
missing; 2 bad usage or input, or an output that can't be written.")]
pub(crate) struct TapArgs {
    /// The engine: a ws:// or wss:// URL.
    #[arg(value_name = "URL")]
    url: String,

    #[command(flatten)]
    live: LiveArgs,

    #[command(flatten)]
    token: TokenArgs,
}

impl TapArgs {
    pub(crate) fn run(&self) -> ExitCode {
        self.live.run(async |clock| {
            let token = self.token.token()?;
            let redactor = self.live.redaction.redactor()?;
            let tap = Tap::new(&self.url, token, redactor)?;
            let until = self.live.until.wait(&clock)?;
            let output = self.live.output.growing(&self.live.fsync)?;
            let quiet = self.live.output.quiet;
            let progress = Progress::live(output.stats(), Arc::clone(&clock), quiet);
            let recording = tap.clock(clock).run(output, until);
            let summary = progress.during(recording).await?;
            let counts = summary.counts;
            Ok((summary, counts))
        })
    }
}
