//! What the relay saw, as handed to the writer.

use bytes::Bytes;
use wstape_tape::{End, Micros};

/// One of the two peers of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// The one that dialed.
    Client,
    /// The one that was dialed.
    Engine,
}

impl Peer {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Engine => "engine",
        }
    }
}

/// Something that the relay saw.
#[derive(Debug)]
pub(crate) struct Observation {
    /// When.
    pub(crate) at: Micros,
    /// On which connection, from 1.
    pub(crate) conn: u64,
    pub(crate) event: Event,
}

/// What was seen.
#[derive(Debug)]
pub(crate) enum Event {
    /// A peer sent bytes.
    Bytes(Peer, Bytes),
    /// A peer sent bytes that begin a message; earlier ones were lost.
    Resumed(Peer, Bytes),
    /// What a peer sent last is lost.
    Lost(Peer),
    /// A peer ended its side.
    Ended(Peer, End),
    /// The engine could not be reached, for this reason; the client was reset.
    Unreachable(String),
    /// The relay panicked, and both streams were dropped.
    Failed,
    /// Nothing more comes of this connection.
    Over,
}
