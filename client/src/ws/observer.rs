//! Watching a subscriber from inside, as a recorder does.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::EndReason;

/// Sees all that happens to a subscriber, as it happens.
///
/// Called on the subscriber's own task, before the mirror is updated: whatever it does holds up the
/// stream, so it should pass its data on and return.
pub trait Observer: Send + 'static {
    /// Called when something happens. `at` is the time since the origin of the subscriber's
    /// [`Clock`](crate::Clock).
    fn observe(&mut self, at: Duration, seen: Observed<'_>);
}

impl<F: FnMut(Duration, Observed<'_>) + Send + 'static> Observer for F {
    fn observe(&mut self, at: Duration, seen: Observed<'_>) {
        self(at, seen);
    }
}

/// What an [`Observer`] sees.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Observed<'a> {
    /// A dial starts.
    Dial,
    /// The handshake is done.
    Connected {
        /// The headers of the 101.
        headers: &'a HeaderMap,
    },
    /// The handshake was answered with another status. Its [`End`](Self::End) follows.
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Headers of the answer.
        headers: &'a HeaderMap,
    },
    /// A Text message, before it is decoded.
    Text(&'a str),
    /// A Binary message, before it is decoded.
    Binary(&'a [u8]),
    /// A Ping of ours is on its way.
    PingSent(&'a [u8]),
    /// A message of ours, sent once connected, is on its way.
    Sent(&'a str),
    /// A Ping came in; the Pong is on its way.
    Ping(&'a [u8]),
    /// A Pong came in.
    Pong {
        /// Its payload.
        payload: &'a [u8],
        /// Whether it answers a Ping of ours; otherwise nobody asked for it.
        answer: bool,
    },
    /// The peer's Close came in.
    Close {
        /// Status code, if there is one.
        code: Option<u16>,
        /// Reason, often empty.
        reason: &'a str,
    },
    /// An attempt or a connection ended; the delay of the next attempt starts here.
    End(EndReason),
    /// The next dial starts after `delay`.
    Retry {
        /// The time from the end to the dial's start.
        delay: Duration,
        /// The `attempt` that the delay was computed from.
        attempt: u32,
    },
}
