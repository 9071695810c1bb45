//! Why a connection, or an attempt at one, ended.

use serde::Serialize;

/// Why a connection, or an attempt at one, ended, as far as the rules distinguish.
///
/// Serialises as the variant's name in snake case, with its number if it has one: `"fin"`,
/// `{"closed":{"code":1001}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The peer sent a Close, with or without this code (RFC 6455, 7.4).
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
    /// No event came for the event timeout.
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
    /// The answer to the handshake was not a valid one.
    HandshakeFailed,
    /// Dial, TLS and handshake together took longer than the connect timeout.
    ConnectTimeout,
    /// The subscriber was asked to stop.
    Shutdown,
    /// A reason that no rule knows: it matches no end.
    Other,
}
