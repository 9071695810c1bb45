//! What a journal is made of: one thing that happened, in the project's words.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use wstape_tape::{End, Expect, Micros};

use crate::frame::{ClientFrame, FrameKind};

/// Longest payload of a client's frame that a printed line shows, in characters.
const MAX_SHOWN_CHARS: usize = 120;

/// One thing that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry {
    /// When, on the engine's clock.
    pub at: Micros,
    /// On which connection, where it was on one.
    pub conn: Option<u64>,
    /// What.
    pub kind: JournalKind,
}

/// What happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum JournalKind {
    /// A dial met a port that is down. On TCP only the dialer can know, and reports it.
    DialRefused,
    /// A transport connection was accepted.
    Accepted,
    /// Its upgrade was answered with 101.
    Upgraded,
    /// Its handshake was answered with another status.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// It was taken and will never be answered.
    Hung,
    /// Its handshake waits for the tape's own answer.
    Held,
    /// It was answered with something that is not HTTP.
    GarbageSent {
        /// How much of it.
        bytes: usize,
    },
    /// A GET was answered.
    HttpAnswered {
        /// Path of the request, without its query.
        path: String,
        /// The HTTP status.
        status: u16,
    },
    /// Something was sent; one entry for a broadcast, whatever the number of its receivers.
    Sent {
        /// Name of the event, or kind of the frame.
        what: Arc<str>,
        /// To how many connections.
        to: usize,
    },
    /// Something was to be sent and nobody was connected.
    Lost {
        /// Name of the event, or kind of the frame.
        what: Arc<str>,
    },
    /// The client sent a frame.
    Received(ClientFrame),
    /// The engine ended the transport without a closing handshake.
    Dropped(End),
    /// The client ended the transport with a FIN.
    ClientClosed,
    /// The client ended the transport with a reset.
    ClientReset,
    /// A fault or another state was set or cleared.
    State(String),
    /// The port refuses connections from here on.
    Down,
    /// The port listens again.
    Up,
    /// A place the tape names.
    Mark(String),
    /// A demand on the subscriber: for whoever evaluates it.
    Expect(Arc<Expect>),
    /// More waited for a client than a link carries; the link was reset.
    Overrun,
    /// The client broke the protocol.
    ProtocolError(String),
    /// Something worth knowing that is none of the above.
    Note(String),
    /// The tape's end.
    End,
}

impl JournalKind {
    /// The kind's name in a journal file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::DialRefused => "dial_refused",
            Self::Accepted => "accepted",
            Self::Upgraded => "upgraded",
            Self::Refused { .. } => "refused",
            Self::Hung => "hung",
            Self::Held => "held",
            Self::GarbageSent { .. } => "garbage_sent",
            Self::HttpAnswered { .. } => "http_answered",
            Self::Sent { .. } => "sent",
            Self::Lost { .. } => "lost",
            Self::Received(_) => "received",
            Self::Dropped(_) => "dropped",
            Self::ClientClosed => "client_closed",
            Self::ClientReset => "client_reset",
            Self::State(_) => "state",
            Self::Down => "down",
            Self::Up => "up",
            Self::Mark(_) => "mark",
            Self::Expect(_) => "expect",
            Self::Overrun => "overrun",
            Self::ProtocolError(_) => "protocol_error",
            Self::Note(_) => "note",
            Self::End => "end",
        }
    }
}

impl fmt::Display for JournalKind {
    /// The line a timeline shows, in the project's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DialRefused => f.write_str("dial refused"),
            Self::Accepted => f.write_str("accepted"),
            Self::Upgraded => f.write_str("upgraded"),
            Self::Refused { status } => write!(f, "refused {status}"),
            Self::Hung => f.write_str("hung"),
            Self::Held => f.write_str("held"),
            Self::GarbageSent { bytes } => write!(f, "garbage, {bytes} bytes"),
            Self::HttpAnswered { path, status } => write!(f, "GET {path} {status}"),
            Self::Sent { what, to: 1 } => write!(f, "→ {what}"),
            Self::Sent { what, to } => write!(f, "→ {what} to {to}"),
            Self::Lost { what } => write!(f, "lost {what}"),
            Self::Received(frame) => write!(f, "← {}", Shown(frame)),
            Self::Dropped(end) => f.write_str(end.word()),
            Self::ClientClosed => f.write_str("client fin"),
            Self::ClientReset => f.write_str("client reset"),
            Self::Down => f.write_str("down"),
            Self::Up => f.write_str("up"),
            Self::State(text) | Self::Note(text) => f.write_str(text),
            Self::Mark(name) => write!(f, "mark {name:?}"),
            Self::Expect(_) => f.write_str("expect"),
            Self::Overrun => f.write_str("overrun: reset"),
            Self::ProtocolError(text) => write!(f, "protocol error: {text}"),
            Self::End => f.write_str("end"),
        }
    }
}

/// A client's frame as a timeline shows it: `ping "x"`, `close 1000 "bye"`, `binary 12 bytes`.
struct Shown<'a>(&'a ClientFrame);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = self.0;
        f.write_str(frame.kind.word())?;
        if let Some(code) = frame.close_code() {
            write!(f, " {code}")?;
        }
        match frame.text() {
            Some("") if frame.kind != FrameKind::Text => {}
            Some(text) => match text.char_indices().nth(MAX_SHOWN_CHARS) {
                Some((cut, _)) => write!(f, " {:?}… ({} bytes)", &text[..cut], frame.len)?,
                None => write!(f, " {text:?}")?,
            },
            None => write!(f, " {} bytes", frame.len)?,
        }
        if frame.fin {
            Ok(())
        } else {
            f.write_str(" (fragment)")
        }
    }
}

impl fmt::Display for Entry {
    /// Time in seconds, connection, and what happened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.conn {
            Some(conn) => write!(f, "{:>14} #{conn} {}", self.at.to_string(), self.kind),
            None => write!(f, "{:>14} {}", self.at.to_string(), self.kind),
        }
    }
}

impl Serialize for Entry {
    /// One object: `at_ms`, `conn` where there is one, `kind`, and the kind's own members.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let at = RawValue::from_string(self.at.to_ms_text()).map_err(serde::ser::Error::custom)?;
        map.serialize_entry("at_ms", &at)?;
        if let Some(conn) = self.conn {
            map.serialize_entry("conn", &conn)?;
        }
        map.serialize_entry("kind", self.kind.name())?;
        match &self.kind {
            JournalKind::Refused { status } => map.serialize_entry("status", status)?,
            JournalKind::GarbageSent { bytes } => map.serialize_entry("bytes", bytes)?,
            JournalKind::HttpAnswered { path, status } => {
                map.serialize_entry("path", path)?;
                map.serialize_entry("status", status)?;
            }
            JournalKind::Sent { what, to } => {
                map.serialize_entry("what", &**what)?;
                map.serialize_entry("to", to)?;
            }
            JournalKind::Lost { what } => map.serialize_entry("what", &**what)?,
            JournalKind::Received(frame) => {
                map.serialize_entry("frame", frame.kind.word())?;
                if !frame.fin {
                    map.serialize_entry("fin", &false)?;
                }
                if frame.payload.len() < frame.len {
                    map.serialize_entry("len", &frame.len)?;
                }
                if let Some(code) = frame.close_code() {
                    map.serialize_entry("code", &code)?;
                }
                match frame.text() {
                    Some(text) => map.serialize_entry("text", text)?,
                    None => map.serialize_entry("binary", &BASE64.encode(&frame.payload))?,
                }
            }
            JournalKind::Dropped(end) => map.serialize_entry("end", end.word())?,
            JournalKind::State(text)
            | JournalKind::Note(text)
            | JournalKind::ProtocolError(text) => {
                map.serialize_entry("text", text)?;
            }
            JournalKind::Mark(name) => map.serialize_entry("name", name)?,
            _ => {}
        }
        map.end()
    }
}
