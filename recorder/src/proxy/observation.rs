//! What the relay observes, as it is handed to the writer.

use bytes::Bytes;
use wstape_tape::{End, Micros};

/// One of the two peers of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// The peer that dialed.
    Client,
    /// The peer that was dialed.
    Engine,
}

impl Peer {
    /// The word for the peer in sentences.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Engine => "engine",
        }
    }
}

/// An event that the relay observed.
#[derive(Debug)]
pub(crate) struct Observation {
    /// The time of the event.
    pub(crate) at: Micros,
    /// The connection's number, from 1.
    pub(crate) conn: u64,
    pub(crate) event: Event,
}

/// What happened on a connection.
#[derive(Debug)]
pub(crate) enum Event {
    /// A peer sent bytes.
    Bytes(Peer, Bytes),
    /// A peer sent bytes that begin a message; earlier ones were lost.
    Resumed(Peer, Bytes),
    /// The last bytes of a peer are lost.
    Lost(Peer),
    /// A peer ended its side.
    Ended(Peer, End),
    /// The engine could not be reached, for this reason; the client was reset.
    Unreachable(String),
    /// The relay panicked, and both streams were dropped.
    Failed,
    /// The connection is over.
    Over,
}
