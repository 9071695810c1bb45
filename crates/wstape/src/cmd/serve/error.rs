//! Why `serve` could not serve.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use wstape_mock_engine::{ControlError, EngineError, TlsError};
use wstape_recorder::RecordError;
use wstape_tape::TapeError;

use crate::cmd::announce::Unannounced;
use crate::cmd::redaction::{NoRandomBytes, RedactionError};
use crate::cmd::remedy;

/// Why `serve` could not start or continue.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("{}", remedy::of_tape(.0))]
    Tape(Arc<TapeError>),
    #[error("{}{}", .0, by_option(.0))]
    Engine(EngineError),
    #[error(
        "the environment variable {name} is not set, or not UTF-8; {option} takes the name of the \
         variable that holds the token"
    )]
    NoToken { name: String, option: &'static str },
    #[error("the token must be visible ASCII without spaces, because it is sent in a header")]
    BadToken,
    #[error("--time has no effect without --ts shift; add --ts shift")]
    NothingMoves,
    #[error("{} exists; --force overwrites it", .0.display())]
    JournalExists(PathBuf),
    #[error("{}: another engine writes its journal there; give this one its own file", .0.display())]
    JournalTaken(PathBuf),
    #[error("{} is an input and would be overwritten; choose another name for the output", .0.display())]
    Overwrites(PathBuf),
    #[error(
        "cannot listen on {name}: {reason}; give an address of this machine, such as 127.0.0.1:8765"
    )]
    NoAddress { name: String, reason: String },
    #[error("no step is for the engine {name:?}; {}", names(there_are))]
    NoSuchEngine {
        name: String,
        there_are: BTreeSet<String>,
    },
    #[error("the tapes name more than {most} engines; --engine NAME serves one")]
    TooManyEngines { most: usize },
    #[error(
        "the tapes name several engines, but a control port steers one; choose it with \
             --engine"
    )]
    ControlOfSeveral,
    #[error("cannot write the journal {}: {}", path.display(), remedy::unwritten(source))]
    JournalOpen { path: PathBuf, source: io::Error },
    #[error("the journal could not be completely written: {0}")]
    JournalWrite(io::Error),
    #[error("{}", remedy::of_recording(.0))]
    Recording(#[from] RecordError),
    #[error(transparent)]
    Redaction(#[from] RedactionError),
    #[error("the recording: {0}")]
    Lacking(String),
    #[error("--upstream {url}: {reason}")]
    Upstream { url: String, reason: String },
    #[error("the overlays name {count} engines, but there is one upstream")]
    UpstreamOfSeveral { count: usize },
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(
        "--cert {} --key {}: {source}{}",
        cert.display(),
        key.display(),
        of_pem(source)
    )]
    Pem {
        cert: PathBuf,
        key: PathBuf,
        source: TlsError,
    },
    #[error("{}: {source}{}", path.display(), remedy::to_read(source.kind()))]
    Certificate { path: PathBuf, source: io::Error },
    #[error("{}: {}", path.display(), remedy::unwritten(source))]
    Authority { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Random(#[from] NoRandomBytes),
    #[error(transparent)]
    Unannounced(#[from] Unannounced),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<EngineError> for ServeError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Tape(error) => Self::Tape(error),
            error => Self::Engine(error),
        }
    }
}

impl ServeError {
    /// Whether the command line, or a file it names, is at fault.
    pub(crate) fn is_bad_input(&self) -> bool {
        !matches!(
            self,
            Self::JournalWrite(_) | Self::Random(_) | Self::Io(_) | Self::Lacking(_)
        )
    }
}

/// The option to change if an engine could not listen: if it was not given, the default applied.
fn by_option(error: &EngineError) -> &'static str {
    match error {
        EngineError::Listen { .. } => " (--listen ADDR)",
        _ => "",
    }
}

/// What to do about a certificate or key that is not PEM, or is not the one that belongs there.
fn of_pem(error: &TlsError) -> &'static str {
    match error {
        TlsError::Pem { .. } => "; a PEM file has a line -----BEGIN …; openssl converts DER to it",
        TlsError::Misplaced { .. } => "; --cert takes the certificate's file, --key the key's",
        TlsError::Encrypted => {
            "; openssl pkey -in FILE -out PLAIN writes it without its passphrase"
        }
        TlsError::Mismatch => "; give the key that the certificate was made with",
        _ => "",
    }
}

/// The names, formatted for a sentence.
fn names(there_are: &BTreeSet<String>) -> String {
    if there_are.is_empty() {
        return "the tape names no engine".to_owned();
    }
    let quoted: Vec<String> = there_are.iter().map(|name| format!("{name:?}")).collect();
    format!("the tape names {}", quoted.join(", "))
}
