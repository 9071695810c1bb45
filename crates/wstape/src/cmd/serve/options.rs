//! The options of `serve`.

use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use wstape_mock_engine::Speed;
use wstape_recorder::Pointer;

use super::address::host_and_port;
use super::control::ControlArgs;
use super::error::ServeError;
use super::journal_file::{JournalFile, JournalFileArgs};
use super::lifeline::LifelineArgs;
use super::start::Start;
use super::tls::TlsArgs;
use super::upstream::{UPSTREAM, UpstreamArgs};
use crate::cmd::same_file::is_same;

/// Options of `serve`.
#[derive(Debug, Args)]
#[command(
    override_usage = "wstape serve [OPTIONS] <TAPE>\n       wstape serve [OPTIONS] --upstream <URL>",
    after_help = "\
Exit status: 0 ended as asked; 1 with --exit an expectation was not met, the journal could no \
longer be written, or the system refused something; 2 bad usage or input."
)]
pub(crate) struct Serve {
    /// The tape to play; - for standard input
    #[arg(required_unless_present_any = UPSTREAM, value_parser = tape())]
    pub(super) tape: Option<PathBuf>,
    #[command(flatten)]
    pub(super) upstream: UpstreamArgs,
    /// Lay this tape, or one listed by `wstape overlays`, over it; may be repeated
    #[arg(long, value_name = "TAPE", value_parser = tape())]
    pub(super) overlay: Vec<PathBuf>,
    /// Address to listen on, or a name such as localhost:8765; port 0 picks a free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8765", value_parser = host_and_port)]
    pub(super) listen: String,
    /// Playback speed: a factor such as 2 or 0.5, or `max`
    #[arg(long, value_name = "N|max", default_value = "1")]
    pub(super) speed: Speed,
    /// Start the tape again when it ends
    #[arg(long = "loop")]
    pub(super) looped: bool,
    /// Bearer token that clients must send; anyone who lists processes can read it
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_env")]
    pub(super) token: Option<String>,
    /// Environment variable that holds the token
    #[arg(long, value_name = "VAR")]
    pub(super) token_env: Option<String>,
    #[command(flatten)]
    pub(super) journal: JournalFileArgs,
    #[command(flatten)]
    pub(super) control: ControlArgs,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
    /// What to do with the events' `ts`
    #[arg(long, value_enum, default_value_t = Ts::Keep)]
    pub(super) ts: Ts,
    /// For --ts shift: the JSON Pointer to a message's time, such as /T. Text messages are then
    /// parsed too, and the time may be a number since 1970 in s, ms, µs or ns. Default: `ts` of the
    /// engine's events
    #[arg(long, value_name = "POINTER")]
    pub(super) time: Option<Pointer>,
    /// When to start the tape: `first-connection` (but at once if the tape starts with the port
    /// down), `now`, or `connections:N`, when N clients are connected
    #[arg(long, value_name = "WHEN", default_value = "first-connection")]
    pub(super) start: Start,
    /// Accept an upgrade only on this path; may be repeated. Default: on any path
    #[arg(long, value_name = "PATH", value_parser = absolute)]
    pub(super) path: Vec<String>,
    /// Play only the steps of this engine. Default: each engine that the tape names listens on a
    /// port of its own
    #[arg(long, value_name = "NAME")]
    pub(super) engine: Option<String>,
    /// Exit when the tape ends instead of waiting for Ctrl-C
    #[arg(long, conflicts_with = "looped")]
    pub(super) exit: bool,
    #[command(flatten)]
    pub(super) lifeline: LifelineArgs,
    /// Only check the tapes to their ends, and say whether they could be served
    #[arg(long)]
    pub(super) check: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Ts {
    /// Keep them as they are in the tape
    Keep,
    /// Shift them to the time at which they are played
    Shift,
}

impl Serve {
    /// The base, if there is one, then its overlays.
    pub(super) fn tapes(&self) -> impl Iterator<Item = &PathBuf> {
        self.tape.iter().chain(&self.overlay)
    }

    /// The tape of a verdict's layer; with a real engine, the base has none.
    pub(super) fn tape_of(&self, layer: usize) -> Option<&PathBuf> {
        let before = usize::from(self.tape.is_none());
        self.tapes().nth(layer.checked_sub(before)?)
    }

    /// The journal's file at this path, which must not be one of the tapes.
    pub(super) fn journal_at(&self, path: &Path) -> Result<JournalFile, ServeError> {
        if self.tapes().any(|tape| is_same(tape, path)) {
            return Err(ServeError::Overwrites(path.to_owned()));
        }
        JournalFile::open(path, self.journal.force)
    }

    /// The token that clients must bring.
    pub(super) fn token(&self) -> Result<Option<String>, ServeError> {
        let token = match &self.token_env {
            Some(name) => {
                let token = std::env::var(name).map_err(|_| ServeError::NoToken {
                    name: name.clone(),
                    option: "--token-env",
                });
                Some(token?)
            }
            None => self.token.clone(),
        };
        match token {
            Some(token) if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) => {
                Err(ServeError::BadToken)
            }
            token => Ok(token),
        }
    }
}

/// A tape's path. Standard input has one, by which it is read as any other pipe or file is.
fn tape() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|path| match path.to_str() {
        Some("-") => PathBuf::from("/dev/stdin"),
        _ => path,
    })
}

/// Parses a path, unchanged.
fn absolute(text: &str) -> Result<String, String> {
    if text.starts_with('/') && !text.contains(['?', '#', ' ']) {
        return Ok(text.to_owned());
    }
    Err("expected a path that starts with \"/\" and has no query, such as /ws".to_owned())
}
