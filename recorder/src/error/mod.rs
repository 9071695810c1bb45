//! What can go wrong with a recording.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `tap`, `poll`, `import` | what is one source's own |

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
    /// The URL or the token is none.
    #[error(transparent)]
    Subscriber(#[from] WsError),
    /// What was to be polled can't be.
    #[error(transparent)]
    Poll(#[from] PollError),
    /// What a tap was asked for can't be.
    #[error(transparent)]
    Tap(#[from] TapError),
    /// The file is there already.
    #[error("{} exists; --force overwrites it", .0.display())]
    Exists(PathBuf),
    /// The output can't be created or written.
    #[error("{0}: {1}")]
    Output(String, #[source] io::Error),
    /// Another tool's file gives no tape.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The output failed on the way: the disk is full, say.
    #[error("{name}: {source}; the recording ends here, and its {lines} lines before that play")]
    Broken {
        /// What it is called.
        name: String,
        /// Lines that were acknowledged before, the header included.
        lines: u64,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// The engine is there, and can't be spoken to: its certificate does not verify, say.
    #[error("{0}: {1}")]
    Upstream(String, #[source] DialError),
    /// What answered was no WebSocket.
    #[error(
        "{upstream} is no WebSocket: none of the {answers} handshakes that it answered was \
         upgraded; what it said is in {name}"
    )]
    NoWebSocket {
        /// Who answered.
        upstream: String,
        /// How many handshakes.
        answers: u64,
        /// The tape.
        name: String,
    },
    /// A tape that can't be read.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// No stretch can be cut out of a tape.
    #[error(transparent)]
    Trim(#[from] TrimError),
    /// Nothing can be learnt from a session.
    #[error(
        "{0}: no client says a text in it that is answered, so there is nothing to learn; a session of \
         clients that only listen is served as it is (wstape serve {0}). Where they do ask for \
         something, record them while they do (wstape proxy)"
    )]
    Unteachable(String),
    /// Nothing can be learnt from a session in which clients say all in bytes.
    #[error(
        "{name}: clients say nothing in text that is answered, and {messages} binary messages; what \
         is said in bytes (MQTT, MessagePack, protobuf) is not learnt. Keep the engine and lay faults \
         between it and the client (wstape serve --upstream ws://… --overlay FAULTS), record a client that \
         speaks the protocol's form of text (SignalR's JSON), or, where the client says the very \
         bytes of the session again, serve that as it is (wstape serve {name})"
    )]
    UnteachableBytes {
        /// The session.
        name: String,
        /// Binary messages of clients.
        messages: u64,
    },
    /// The tape's text holds a secret.
    #[error(
        "{name}:{}: {hit}; the tape is not safe to share before {}", hit.line, hit.remedy(name)
    )]
    Secret {
        /// The tape; not the name of a file where it ends with no `.unsafe`.
        name: String,
        /// The secret's place, and what covers it.
        hit: Hit,
    },
}
