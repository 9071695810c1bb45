//! What can go wrong with a recording.

use std::io;
use std::path::PathBuf;

use engine_client::WsError;
use fixtures::TapeError;

use crate::import::ImportError;

/// Why nothing, or not everything, was recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The URL or the token is none.
    #[error(transparent)]
    Subscriber(#[from] WsError),
    /// The file is there already.
    #[error("{} exists; --force overwrites it", .0.display())]
    Exists(PathBuf),
    /// The output can't be created or written.
    #[error("{0}: {1}")]
    Output(String, #[source] io::Error),
    /// Another tool's file gives no tape.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A tape that can't be read.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// The tape's text holds a secret.
    #[error("{name}:{line}: {what}; the tape is not safe to share")]
    Secret {
        /// The tape.
        name: String,
        /// Its line, from 1.
        line: u64,
        /// What kind of secret, not the secret.
        what: String,
    },
}
