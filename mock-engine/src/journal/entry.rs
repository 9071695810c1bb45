//! An entry of the journal: one thing that happened, in the project's words.

use std::fmt;
use std::sync::Arc;

use wstape_tape::{End, Expect, Micros};

use super::request::RequestHead;
use crate::frame::{ClientFrame, FrameKind};

/// The longest payload of a client's frame shown in a printed line, in characters.
const MAX_SHOWN_CHARS: usize = 120;

/// One thing that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry {
    /// When, on the engine's clock.
    pub at: Micros,
    /// On which connection, if it was on one.
    pub conn: Option<u64>,
    /// What happened.
    pub kind: JournalKind,
}

/// What happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum JournalKind {
    /// A dial met a port that is down. On TCP only the dialer can know, and reports it.
    DialRefused,
    /// A dial was accepted and reset before its answer, by a port that is down for a number of
    /// dials.
    DialReset,
    /// A dial is neither accepted nor refused. On TCP only the dialer can know.
    DialPending,
    /// A transport connection was accepted.
    Accepted,
    /// Its client has sent a request: what it asks for, before that is answered.
    Requested(Box<RequestHead>),
    /// Its upgrade was answered with 101.
    Upgraded,
    /// Its handshake was answered with another status.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// Its TLS handshake failed.
    TlsFailed(String),
    /// It was accepted and will never be answered.
    Hung,
    /// Its handshake waits for the tape's own answer.
    Held,
    /// It was answered with something that is not HTTP.
    GarbageSent {
        /// How much of it.
        bytes: usize,
    },
    /// A plain request was answered.
    HttpAnswered {
        /// Its method.
        method: String,
        /// The path of the request, without its query.
        path: String,
        /// The HTTP status.
        status: u16,
    },
    /// Something was sent; a broadcast is one entry, however many receive it.
    Sent {
        /// The name of the event, or the kind of the frame.
        what: Arc<str>,
        /// To how many connections.
        to: usize,
    },
    /// Something was not sent or done: nobody was there to take it, or there was no room for it.
    Lost {
        /// The name of the event, the kind of the frame, or the step's key.
        what: Arc<str>,
    },
    /// The client sent a frame.
    Received(ClientFrame),
    /// The engine ended the transport without a closing handshake.
    Dropped(End),
    /// The engine ended its own side of the stream with a FIN, and goes on reading.
    HalfClosed,
    /// The link forgot the connection, because nothing passed for long; neither end was told.
    Forgotten,
    /// The client ended the transport with a FIN.
    ClientClosed,
    /// The client ended the transport with a reset.
    ClientReset,
    /// A fault or another state was set or cleared.
    State(String),
    /// The port refuses connections from now on.
    Down,
    /// The port listens again.
    Up,
    /// The tape's time 0 is now.
    Began,
    /// What a partition had held back of this connection, when the partition or the connection
    /// ended.
    Released {
        /// Bytes for the client.
        to_client: usize,
        /// Bytes from the client.
        from_client: usize,
    },
    /// A place that the tape names.
    Mark(String),
    /// An expectation of the subscriber, for whoever judges it.
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
    /// Whether a timeline has a line for it. An entry without one only adds to something that the
    /// timeline tells anyway: a request to its answer, bytes to a partition's end.
    #[must_use]
    pub fn is_told(&self) -> bool {
        !matches!(
            self,
            Self::Requested(_) | Self::Began | Self::Released { .. }
        )
    }

    /// The kind's name in a journal file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::DialRefused => "dial_refused",
            Self::DialReset => "dial_reset",
            Self::DialPending => "dial_pending",
            Self::Accepted => "accepted",
            Self::Requested(_) => "request",
            Self::Upgraded => "upgraded",
            Self::Refused { .. } => "refused",
            Self::TlsFailed(_) => "tls_failed",
            Self::Hung => "hung",
            Self::Held => "held",
            Self::GarbageSent { .. } => "garbage_sent",
            Self::HttpAnswered { .. } => "http_answered",
            Self::Sent { .. } => "sent",
            Self::Lost { .. } => "lost",
            Self::Received(_) => "received",
            Self::Dropped(_) => "dropped",
            Self::HalfClosed => "half_closed",
            Self::Forgotten => "forgotten",
            Self::ClientClosed => "client_closed",
            Self::ClientReset => "client_reset",
            Self::State(_) => "state",
            Self::Down => "down",
            Self::Up => "up",
            Self::Began => "began",
            Self::Released { .. } => "released",
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
            Self::DialReset => f.write_str("dial reset"),
            Self::DialPending => f.write_str("dial pending"),
            Self::Accepted => f.write_str("accepted"),
            Self::Requested(head) => write!(f, "{} {}", head.method, head.target),
            Self::Upgraded => f.write_str("upgraded"),
            Self::Refused { status } => write!(f, "refused {status}"),
            Self::TlsFailed(text) => write!(f, "tls failed: {text}"),
            Self::Hung => f.write_str("hung"),
            Self::Held => f.write_str("held"),
            Self::GarbageSent { bytes } => write!(f, "garbage, {bytes} bytes"),
            Self::HttpAnswered {
                method,
                path,
                status,
            } => write!(f, "{method} {path} {status}"),
            Self::Sent { what, to: 1 } => write!(f, "→ {what}"),
            Self::Sent { what, to } => write!(f, "→ {what} to {to}"),
            Self::Lost { what } => write!(f, "lost {what}"),
            Self::Received(frame) => write!(f, "← {}", Shown(frame)),
            Self::Dropped(end) => f.write_str(end.word()),
            Self::HalfClosed => f.write_str("fin, still reading"),
            Self::Forgotten => f.write_str("forgotten on the way"),
            Self::ClientClosed => f.write_str("client fin"),
            Self::ClientReset => f.write_str("client reset"),
            Self::Down => f.write_str("down"),
            Self::Up => f.write_str("up"),
            Self::Began => f.write_str("the tape begins"),
            Self::Released {
                to_client,
                from_client,
            } => write!(
                f,
                "released {to_client} bytes to the client, {from_client} from it"
            ),
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

impl Entry {
    /// An entry that says that this happened.
    #[must_use]
    pub fn new(at: Micros, conn: Option<u64>, kind: JournalKind) -> Self {
        Self { at, conn, kind }
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
