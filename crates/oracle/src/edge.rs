//! The edges of a connection's state machine.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An edge of the connection's state machine: where it was, and what happened there.
///
/// Serialises as its text, `"open: idle"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    from: &'static str,
    by: &'static str,
}

macro_rules! edges {
    ($($(#[$doc:meta])* $name:ident = $from:literal, $by:literal;)*) => {
        impl Edge {
            $($(#[$doc])* pub const $name: Self = Self { from: $from, by: $by };)*

            /// All edges.
            pub const ALL: [Self; [$($by),*].len()] = [$(Self::$name),*];
        }
    };
}

edges! {
    /// The dial ended in a transport connection.
    DIAL_DONE = "dial", "connected";
    /// The port refused the dial.
    DIAL_REFUSED = "dial", "refused";
    /// The connect timeout passed in the dial.
    DIAL_TIMEOUT = "dial", "timeout";
    /// Shutdown in the dial.
    DIAL_SHUTDOWN = "dial", "shutdown";
    /// The answer was a 101.
    HANDSHAKE_DONE = "handshake", "open";
    /// The answer had another status.
    HANDSHAKE_REFUSED = "handshake", "refused";
    /// The answer was not valid.
    HANDSHAKE_FAILED = "handshake", "failed";
    /// FIN instead of an answer.
    HANDSHAKE_FIN = "handshake", "fin";
    /// RST instead of an answer.
    HANDSHAKE_RESET = "handshake", "reset";
    /// The connect timeout passed in the handshake.
    HANDSHAKE_TIMEOUT = "handshake", "timeout";
    /// Shutdown in the handshake.
    HANDSHAKE_SHUTDOWN = "handshake", "shutdown";
    /// The peer's Close.
    OPEN_CLOSED = "open", "closed";
    /// FIN.
    OPEN_FIN = "open", "fin";
    /// RST.
    OPEN_RESET = "open", "reset";
    /// A protocol error.
    OPEN_PROTOCOL = "open", "protocol";
    /// Text that is not UTF-8.
    OPEN_UTF8 = "open", "utf8";
    /// A message over the limit.
    OPEN_TOO_LARGE = "open", "too large";
    /// The idle deadline.
    OPEN_IDLE = "open", "idle";
    /// Shutdown while open.
    OPEN_SHUTDOWN = "open", "shutdown";
    /// The delay passed.
    WAIT_DIAL = "wait", "dial";
    /// Shutdown in the delay.
    WAIT_SHUTDOWN = "wait", "shutdown";
    /// The answer to the shutdown's Close came.
    CLOSING_ANSWERED = "closing", "answered";
    /// The connection ended before the answer.
    CLOSING_ENDED = "closing", "ended";
    /// No answer came in time.
    CLOSING_TIMEOUT = "closing", "timeout";
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.from, self.by)
    }
}

impl Serialize for Edge {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Edge {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::ALL
            .into_iter()
            .find(|edge| edge.to_string() == text)
            .ok_or_else(|| serde::de::Error::custom(format!("there is no edge {text:?}")))
    }
}
