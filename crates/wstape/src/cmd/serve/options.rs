//! The options of `serve`.

use std::path::{Path, PathBuf};

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
Exit status: 0 it ended as asked; 1 an expectation was not met where --exit was given, the journal \
can't be written any more, or the system refused something; 2 bad usage or input."
)]
pub(crate) struct Serve {
    /// The tape to play
    #[arg(required_unless_present_any = UPSTREAM)]
    pub(super) tape: Option<PathBuf>,
    #[command(flatten)]
    pub(super) upstream: UpstreamArgs,
    /// A tape laid over it, or one of `wstape overlays`; may be given several times
    #[arg(long, value_name = "TAPE")]
    pub(super) overlay: Vec<PathBuf>,
    /// Address to listen on, or a name such as localhost:8765; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8765", value_parser = host_and_port)]
    pub(super) listen: String,
    /// How fast: a factor such as 2 or 0.5, or `max`
    #[arg(long, value_name = "N|max", default_value = "1")]
    pub(super) speed: Speed,
    /// Begin the tape anew at its end
    #[arg(long = "loop")]
    pub(super) looped: bool,
    /// Bearer token that clients must bring; anyone who lists processes can read it
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
    /// What becomes of the events' `ts`
    #[arg(long, value_enum, default_value_t = Ts::Keep)]
    pub(super) ts: Ts,
    /// Where a message has its time, for --ts shift: a JSON Pointer such as /T. Messages of text are
    /// looked into then, and a number is a time too, in seconds to nanoseconds since 1970. Default:
    /// `ts` of the engine's events
    #[arg(long, value_name = "POINTER")]
    pub(super) time: Option<Pointer>,
    /// When the tape begins: `first-connection` (at once where it begins with the port down), `now`,
    /// or `connections:N`, once so many clients are connected
    #[arg(long, value_name = "WHEN", default_value = "first-connection")]
    pub(super) start: Start,
    /// The path of the WebSocket, and the only one; may be given several times. Without it an
    /// upgrade of any path is taken
    #[arg(long, value_name = "PATH", value_parser = absolute)]
    pub(super) path: Vec<String>,
    /// Play the steps of this engine, of a tape for several; without it each engine that the tape
    /// names listens on a port of its own
    #[arg(long, value_name = "NAME")]
    pub(super) engine: Option<String>,
    /// End with the tape instead of waiting for Ctrl-C
    #[arg(long, conflicts_with = "looped")]
    pub(super) exit: bool,
    #[command(flatten)]
    pub(super) lifeline: LifelineArgs,
    /// Only look the tapes through, to their ends, and say whether they could be served
    #[arg(long)]
    pub(super) check: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Ts {
    /// They stay as the tape has them
    Keep,
    /// They move to the time they are played at
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

/// Parses a path, unchanged.
fn absolute(text: &str) -> Result<String, String> {
    if text.starts_with('/') && !text.contains(['?', '#', ' ']) {
        return Ok(text.to_owned());
    }
    Err("a path starts with \"/\" and has no query, such as /ws".to_owned())
}
