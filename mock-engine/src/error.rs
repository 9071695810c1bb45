//! Why an engine could not be built, or not play.

use std::net::SocketAddr;
use std::sync::Arc;

use wstape_tape::TapeError;

/// Why an engine could not be built, or its tape not be played to the end.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A tape is not one.
    #[error(transparent)]
    Tape(Arc<TapeError>),
    /// The address could not be had.
    #[error("cannot listen on {addr}: {reason}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said, and where it helps, what to do.
        reason: String,
    },
    /// The engine was shut down before its tape was over.
    #[error("the engine was shut down before its tape was over")]
    ShutDown,
}

impl From<TapeError> for EngineError {
    fn from(error: TapeError) -> Self {
        Self::Tape(Arc::new(error))
    }
}
