//! What can go wrong with a recording.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `tap`, `poll`, `import` | the errors of one source each |

pub(crate) mod import;
mod poll;
mod tap;

use std::io;
use std::path::PathBuf;

use engine_client::{DialError, WsError};
use wstape_tape::TapeError;

use crate::redact::Hit;
use crate::trim::TrimError;

pub use import::ImportError;
pub use poll::{MIN_EVERY, PollError};
pub use tap::TapError;

/// Why nothing, or not everything, was recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The URL or the token is not valid.
    #[error(transparent)]
    Subscriber(#[from] WsError),
    /// The engine can't be polled.
    #[error(transparent)]
    Poll(#[from] PollError),
    /// The tap can't be made as requested.
    #[error(transparent)]
    Tap(#[from] TapError),
    /// The file already exists.
    #[error("{} exists; --force overwrites it", .0.display())]
    Exists(PathBuf),
    /// The output can't be created or written.
    #[error("{0}: {1}")]
    Output(String, #[source] io::Error),
    /// Another tool's file gives no tape.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The output failed during the recording, for example on a full disk.
    #[error("{name}: {source}; the recording ends here, and its {lines} lines before that play")]
    Broken {
        /// The output's name.
        name: String,
        /// Lines acknowledged before the failure, including the header.
        lines: u64,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// The engine is reachable but can't be talked to, for example because its certificate does not
    /// verify.
    #[error("{0}: {1}")]
    Upstream(String, #[source] DialError),
    /// The upstream answers, but not as a WebSocket server.
    #[error(
        "{upstream} does not speak WebSocket: it answered {answers} handshakes and upgraded none; \
         its answers are in {name}"
    )]
    NoWebSocket {
        /// The upstream's address.
        upstream: String,
        /// How many handshakes got an answer that no WebSocket server gives.
        answers: u64,
        /// The tape's name.
        name: String,
    },
    /// A tape that can't be read.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// The requested section can't be cut out of the tape.
    #[error(transparent)]
    Trim(#[from] TrimError),
    /// Nothing can be learnt from the session: no text message of a client is answered in it.
    #[error(
        "{0}: no text message of a client is answered in it, so there is nothing to learn. If the \
         clients only listen, serve the session as it is (wstape serve {0}); if they send \
         requests, record them while they do (wstape proxy)"
    )]
    Unteachable(String),
    /// Nothing can be learnt from the session: no text message of a client is answered in it, and
    /// binary messages can't be learnt.
    #[error(
        "{name}: no text message of a client is answered, and their {messages} binary messages \
         (MQTT, MessagePack, protobuf) can't be learnt. Put faults between the real engine and the \
         client (wstape serve --upstream ws://… --overlay FAULTS), record a client \
         that uses the protocol's text form (SignalR's JSON), or, if the client repeats the exact \
         bytes of the session, serve it as it is (wstape serve {name})"
    )]
    UnteachableBytes {
        /// The session's name.
        name: String,
        /// The number of binary messages from clients.
        messages: u64,
    },
    /// The tape's text holds a secret.
    #[error(
        "{name}:{}: {hit}; the tape is not safe to share until {}", hit.line, hit.remedy(name)
    )]
    Secret {
        /// Where the tape is now: a file with a name that ends in `.unsafe`, or a stream.
        name: String,
        /// Where the secret is, and what would cover it.
        hit: Hit,
    },
}
