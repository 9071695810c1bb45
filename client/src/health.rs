//! The connection's own record: where an operator sees a partition.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// The state of the connection to the engine, and how it came about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ConnectionHealth {
    /// Whether the WebSocket is up: from the end of the handshake to the end of the connection.
    pub ws_connected: bool,
    /// Dials since the last one that succeeded; 0 while connected.
    pub reconnect_count: u32,
    /// The number of dials ever made.
    pub total_attempts: u64,
    /// When the latest dial started.
    pub last_reconnect_at: Option<DateTime<Utc>>,
    /// When the latest handshake succeeded.
    pub connected_at: Option<DateTime<Utc>>,
    /// When the latest whole frame came in.
    pub last_frame_at: Option<DateTime<Utc>>,
    /// When the latest event came in, whatever its own time says: a live connection may still carry
    /// no events.
    pub last_event_at: Option<DateTime<Utc>>,
    /// When the latest Pong to one of our Pings came in.
    pub last_pong_at: Option<DateTime<Utc>>,
    /// Why the latest connection, or attempt at one, ended.
    pub last_end: Option<EndReason>,
    /// When it ended.
    pub last_end_at: Option<DateTime<Utc>>,
    /// HTTP status of the latest refused handshake; `None` once connected.
    pub refused_status: Option<u16>,
    /// Messages that were dropped because they are not events at all.
    pub undecodable: u64,
    /// Events of a known kind whose payload was not a reading of that kind.
    pub failed_payloads: u64,
}

/// Why a connection, or an attempt at one, ended.
///
/// Serialises as the variant's name in snake case, with its number if it carries one: `"fin"`,
/// `{"closed":{"code":1001}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndReason {
    /// The peer sent a Close, with this code if it had one (RFC 6455, 7.4).
    Closed {
        /// The Close's status code.
        code: Option<u16>,
    },
    /// The stream ended without a Close.
    Fin,
    /// The peer reset the connection.
    Reset,
    /// The peer broke the WebSocket protocol.
    Protocol,
    /// A text message was not UTF-8 (RFC 6455, 8.1).
    Utf8,
    /// A message was larger than the limit.
    TooLarge,
    /// Nothing came for the idle timeout.
    Idle,
    /// A message was not whole within the message timeout.
    MessageTimeout,
    /// No event came for the event timeout, however alive the connection was.
    EventTimeout,
    /// A write made no progress for the idle timeout.
    WriteStalled,
    /// Reading or writing failed in some other way.
    Io,
    /// The handshake was answered with something other than 101.
    Refused {
        /// The answer's HTTP status.
        status: u16,
    },
    /// Nobody listens at the address.
    ConnectRefused,
    /// No connection could be made for some other reason.
    ConnectFailed,
    /// TLS could not be established.
    Tls,
    /// The answer to the handshake was invalid.
    HandshakeFailed,
    /// Dial, TLS and handshake together took longer than the connect timeout.
    ConnectTimeout,
    /// This side was asked to stop.
    Shutdown,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed { code: Some(code) } => {
                return write!(f, "closed by the peer with {code}");
            }
            Self::Closed { code: None } => "closed by the peer without a code",
            Self::Fin => "the stream ended without a Close",
            Self::Reset => "reset by the peer",
            Self::Protocol => "the peer broke the WebSocket protocol",
            Self::Utf8 => "a text message was not UTF-8",
            Self::TooLarge => "a message was too large",
            Self::Idle => "nothing came for the idle timeout",
            Self::MessageTimeout => "a message took longer than the message timeout",
            Self::EventTimeout => "no event came for the event timeout",
            Self::WriteStalled => "the peer stopped reading",
            Self::Io => "reading or writing failed",
            Self::Refused { status } => {
                return write!(f, "handshake refused with status {status}");
            }
            Self::ConnectRefused => "connection refused",
            Self::ConnectFailed => "no connection could be made",
            Self::Tls => "TLS failed",
            Self::HandshakeFailed => "the handshake's answer was not valid",
            Self::ConnectTimeout => "the connect timeout passed",
            Self::Shutdown => "shut down by this side",
        })
    }
}
