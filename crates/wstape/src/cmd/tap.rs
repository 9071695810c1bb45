//! `wstape tap`.

use std::error::Error;
use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use wstape_recorder::Tap;

use super::live::{LiveArgs, Recorded};
use super::remedy;
use super::small_file;
use super::token::TokenArgs;
use crate::progress::Progress;

#[derive(Debug, Args)]
#[command(after_help = "\
Record five minutes of an engine that wants a token:
  TOKEN=… wstape tap wss://engine.example/ws --token-env TOKEN --for 5m --out session.jsonl

Record an engine that sends nothing until you subscribe:
  wstape tap wss://exchange.example/ws --send '{\"op\":\"subscribe\",\"channel\":\"trades\"}' --out t.jsonl

Ctrl-C also ends the recording. Exit status: 0 recorded; 1 the engine was never reached, or steps \
are missing because they came faster than they could be written; 2 bad usage or input, or an \
output that can't be written.")]
pub(crate) struct TapArgs {
    /// The engine: a ws:// or wss:// URL.
    #[arg(value_name = "URL")]
    url: String,

    /// Send this text after each connect and reconnect; @FILE sends the contents of FILE, without
    /// the final line break. May be repeated.
    #[arg(long = "send", value_name = "TEXT|@FILE")]
    texts: Vec<String>,

    /// Send this header with each handshake. May be repeated. For a bearer token, use --token-env:
    /// other users can see a command line.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    sent_headers: Vec<String>,

    /// Offer this subprotocol. May be repeated.
    #[arg(long = "subprotocol", value_name = "NAME")]
    subprotocols: Vec<String>,

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
            let tap = Tap::new(&self.url, token, redactor);
            let tap = self.dressed(tap.map_err(|error| self.no_stream(&error))?)?;
            let until = self.live.until.wait(&clock)?;
            let output = self.live.output.growing(&self.live.fsync)?;
            let quiet = self.live.output.quiet;
            let progress = Progress::live(output.stats(), Arc::clone(&clock), quiet);
            let recording = tap.clock(clock).run(output, until);
            let summary = progress.during(recording).await?;
            Ok(Recorded {
                counts: summary.counts,
                unreached: summary.unreached.clone(),
                summary,
            })
        })
    }

    /// Says what is wrong with the URL; for an HTTP URL, also which verb takes it.
    fn no_stream(&self, error: &dyn Display) -> String {
        let is_http = self
            .url
            .get(..4)
            .is_some_and(|it| it.eq_ignore_ascii_case("http"));
        if is_http {
            return format!("{error}: `wstape poll` records what is only answered by HTTP");
        }
        error.to_string()
    }

    /// Adds what should be sent.
    fn dressed(&self, mut tap: Tap) -> Result<Tap, Box<dyn Error>> {
        for header in &self.sent_headers {
            // Not repeated in the error: it may be a secret.
            let (name, value) = header
                .split_once(':')
                .ok_or("--header: expected NAME: VALUE, but found no colon")?;
            tap = tap.header(name.trim(), value.trim())?;
        }
        for name in &self.subprotocols {
            tap = tap.subprotocol(name)?;
        }
        for text in &self.texts {
            tap = tap.send(text_of(text)?);
        }
        Ok(tap)
    }
}

/// The text given by `--send`.
fn text_of(argument: &str) -> Result<String, String> {
    let Some(path) = argument.strip_prefix('@') else {
        return Ok(argument.to_owned());
    };
    let mut text = small_file::read_text(Path::new(path)).map_err(|error| {
        let remedy = remedy::to_read(error.kind());
        format!("--send @{path}: {error}{remedy}")
    })?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
