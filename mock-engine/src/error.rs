//! Why an engine could not be built, or could not play.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use wstape_tape::TapeError;

/// Why an engine could not be built, or could not play its tape to the end.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A tape is invalid.
    #[error(transparent)]
    Tape(Arc<TapeError>),
    /// A step of a tape can't be laid over a real engine.
    #[error("{name}:{line}: this step can't be laid over a real engine: {why}")]
    Misfit {
        /// The tape's name in errors.
        name: String,
        /// The step's line.
        line: u64,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// The engine can't listen on the address.
    #[error("cannot listen on {addr}: {reason}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// The system's message or, for common errors, what to do.
        reason: String,
    },
    /// The engine was built outside a tokio runtime.
    #[error(
        "an engine needs a tokio runtime, and this thread has none: build the engine in a \
         #[tokio::test] or an async fn that tokio runs"
    )]
    NoRuntime,
    /// Virtual time on a runtime whose time runs by itself: a tape would take a thousand times as
    /// long as it says.
    #[error(
        "an in-memory engine runs in virtual time, but this runtime's time is not paused: \
         #[tokio::test(start_paused = true)] pauses it; Clock::real_now() as the builder's clock plays \
         in real time"
    )]
    NotPaused,
    /// The engine was shut down, or its runtime ended, before what was waited for came: the tape's
    /// end, connections, a verdict.
    #[error("the engine was shut down before the awaited event")]
    ShutDown,
}

impl From<TapeError> for EngineError {
    fn from(error: TapeError) -> Self {
        Self::Tape(Arc::new(error))
    }
}

/// Says why listening failed: for common errors what to do, else the system's message.
pub(crate) fn cannot_listen(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is taken; choose another, or 0 for any free port".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address; 0.0.0.0 stands for all of its own".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "not permitted; ports below 1024 need privileges, others do not".to_owned()
        }
        _ => error.to_string(),
    }
}
