//! Collects the messages of a recorded session, connection by connection.

use std::collections::BTreeMap;
use std::io::BufRead;

use wstape_tape::{
    Accept, Action, Conn, End, Micros, RawFrame, Received, ReceivedKind, Step, TapeError,
    TapeReader, Trigger,
};
use wstape_wire::framed::records;

use super::fragments::{Completes, Fragment, Fragments};
use super::request::Request;
use super::side::Side;
use super::stomp;

/// The maximum number of bytes of messages to learn from, as they are held in memory, and of
/// messages. Anything beyond is reported.
const MAX_BYTES: usize = 64 << 20;
const MAX_MESSAGES: usize = 200_000;

/// The name for clients' binary messages, which are not learnt.
pub(super) const BINARY_OF_CLIENTS: &str = "binary messages of clients";

const BINARY_OF_THE_ENGINE: &str = "binary messages of the engine";
const RAW_OF_CLIENTS: &str = "unfinished fragments and raw frames of clients";
const RAW_OF_THE_ENGINE: &str = "unfinished fragments and raw frames of the engine";

/// The header in which an engine chooses a subprotocol.
const SUBPROTOCOL: &str = "sec-websocket-protocol";

impl Side {
    /// The name for its binary messages, which are not learnt.
    fn binary(self) -> &'static str {
        match self {
            Self::Client => BINARY_OF_CLIENTS,
            Self::Engine => BINARY_OF_THE_ENGINE,
        }
    }

    /// The name for its frames that make no message.
    fn raw(self) -> &'static str {
        match self {
            Self::Client => RAW_OF_CLIENTS,
            Self::Engine => RAW_OF_THE_ENGINE,
        }
    }
}

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) at: Micros,
    pub(super) by: Side,
    pub(super) text: String,
}

/// A connection in the session.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// The path that the client requested, without the query.
    pub(super) path: String,
    /// When its handshake was accepted.
    pub(super) accepted: Option<Micros>,
    /// The subprotocol chosen then.
    pub(super) subprotocol: Option<String>,
    pub(super) said: Vec<Said>,
    /// Whether its client has answered a request of the engine.
    pub(super) answers: bool,
    /// Whether its client has sent a Close. The engine then answers that by itself.
    left: bool,
}

/// The part of a session that can be learnt from.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// When the recording began, in milliseconds since 1970.
    pub(super) began_ms: Option<i64>,
    pub(super) conversations: BTreeMap<u64, Conversation>,
    /// The tape's lines for HTTP answers, which apply whatever is asked over WebSocket, by path and
    /// method.
    pub(super) answers: BTreeMap<String, String>,
    /// What was not learnt from, by name, and how often it occurred.
    pub(super) beside: BTreeMap<&'static str, u64>,
    fragments: Fragments,
    bytes: usize,
    messages: usize,
}

impl Session {
    /// Reads a tape recorded by a proxy, or any tape with numbered connections.
    pub(super) fn read(reader: &mut TapeReader<impl BufRead>) -> Result<Self, TapeError> {
        let began = reader.header().recorded_at;
        let mut session = Self {
            began_ms: began.map(|began| began.timestamp_millis()),
            ..Self::default()
        };
        for step in reader {
            session.step(&step?);
        }
        for by in std::mem::take(&mut session.fragments).unfinished() {
            session.count(by.raw());
        }
        Ok(session)
    }

    fn step(&mut self, step: &Step) {
        let Trigger::At(at) = step.trigger else {
            self.count("steps of a prologue");
            return;
        };
        let Conn::Nth(conn) = step.conn else {
            self.of_the_engine(step);
            return;
        };
        let Some((by, text)) = self.text_of(conn, at, &step.action) else {
            return;
        };
        if self.bytes + text.len() > MAX_BYTES || self.messages == MAX_MESSAGES {
            self.count("messages beyond the first 64 MiB or 200,000");
            return;
        }
        self.bytes += text.len();
        self.messages += 1;
        if by == Side::Client && Request::new(&text).is_answer() {
            self.conversation(conn).answers = true;
            return;
        }
        let parts = records(&text);
        if parts.is_empty() {
            self.conversation(conn).said.push(Said { at, by, text });
            return;
        }
        // Each record is a message by itself, as it is for the engine that plays the tape.
        for part in parts {
            let text = part.trim_end_matches(['\n', '\r']).to_owned();
            self.conversation(conn).said.push(Said { at, by, text });
        }
    }

    /// How many binary messages clients sent.
    pub(super) fn binary_of_clients(&self) -> u64 {
        self.beside
            .get(BINARY_OF_CLIENTS)
            .copied()
            .unwrap_or_default()
    }

    fn count(&mut self, what: &'static str) {
        *self.beside.entry(what).or_default() += 1;
    }

    fn conversation(&mut self, conn: u64) -> &mut Conversation {
        self.conversations.entry(conn).or_default()
    }

    fn of_the_engine(&mut self, step: &Step) {
        match &step.action {
            Action::Http(answer) => {
                let mut from_the_start = step.clone();
                from_the_start.trigger = Trigger::At(Micros::ZERO);
                let key = format!("{} {:?}", answer.path, answer.method);
                self.answers.insert(key, from_the_start.to_line());
            }
            Action::Emit(_) | Action::Json(_) | Action::Text(_) => {
                self.count("messages to all connections");
            }
            Action::Mark(_) => self.count("marks"),
            _ => {}
        }
    }

    /// The text that an action sends; anything else is counted.
    fn text_of(&mut self, conn: u64, at: Micros, action: &Action) -> Option<(Side, String)> {
        let beside = match action {
            Action::Emit(json) | Action::Json(json) => {
                let text = String::from_utf8_lossy(json).into_owned();
                return Some((Side::Engine, text));
            }
            Action::Text(text) => {
                return Some((Side::Engine, stomp::without_length(text.clone())));
            }
            Action::Received(received) => match received.kind {
                ReceivedKind::Text => {
                    return received.text.clone().map(|text| (Side::Client, text));
                }
                ReceivedKind::Open => {
                    self.open(conn, received);
                    return None;
                }
                ReceivedKind::Close => {
                    self.conversation(conn).left = true;
                    return None;
                }
                // Frames after a Close mean nothing: Python's websocket-client sends a second
                // Close.
                ReceivedKind::Bytes if self.conversation(conn).left => return None,
                ReceivedKind::Frame => {
                    let frame = fragment_of_client(received);
                    return self.fragment(conn, Side::Client, frame);
                }
                ReceivedKind::Binary => BINARY_OF_CLIENTS,
                ReceivedKind::Bytes => RAW_OF_CLIENTS,
                _ => return None,
            },
            Action::Accept(accept) => {
                self.accept(conn, at, accept.as_ref());
                return None;
            }
            Action::Frame(frame) => {
                let frame = fragment_of_engine(frame);
                return self.fragment(conn, Side::Engine, frame);
            }
            Action::Binary(_) => BINARY_OF_THE_ENGINE,
            Action::Close(_) if self.conversation(conn).left => return None,
            Action::Close(_) => "Closes of the engine",
            Action::Drop(End::Reset) => "resets by the engine",
            Action::Refuse(_) => "refused handshakes",
            Action::Ping(_) => "Pings of the engine",
            Action::Bytes(_) => RAW_OF_THE_ENGINE,
            _ => return None,
        };
        self.count(beside);
        None
    }

    /// The text of the message that a frame completes; anything else is counted.
    fn fragment(
        &mut self,
        conn: u64,
        by: Side,
        frame: Option<Fragment<'_>>,
    ) -> Option<(Side, String)> {
        let completes = frame.map_or(Completes::NoMessage, |frame| {
            self.fragments.take(conn, by, frame)
        });
        match completes {
            Completes::Text(text) => return Some((by, text)),
            Completes::Binary => self.count(by.binary()),
            Completes::NoMessage => self.count(by.raw()),
            Completes::Nothing => {}
        }
        None
    }

    fn open(&mut self, conn: u64, received: &Received) {
        let asked = received.path.as_deref().unwrap_or_default();
        let path = asked.split(['?', '#']).next().unwrap_or_default();
        path.clone_into(&mut self.conversation(conn).path);
    }

    fn accept(&mut self, conn: u64, at: Micros, accept: Option<&Accept>) {
        let headers = accept.map_or(&[][..], |accept| &accept.headers);
        let mut chosen = headers.iter();
        let chosen = chosen.find(|(name, _)| name.eq_ignore_ascii_case(SUBPROTOCOL));
        let conversation = self.conversation(conn);
        conversation.accepted = Some(at);
        conversation.subprotocol = chosen.map(|(_, value)| value.clone());
    }
}

/// The frame if a client may send it, with its mask already removed by the recorder; otherwise
/// `None`.
fn fragment_of_client(received: &Received) -> Option<Fragment<'_>> {
    let text = received.text.as_deref().map(str::as_bytes);
    (received.rsv.unwrap_or_default() == 0).then_some(Fragment {
        fin: received.fin.unwrap_or(true),
        opcode: received.opcode?,
        payload: text.or(received.binary.as_deref()).unwrap_or_default(),
    })
}

/// The frame if an engine may send it; otherwise `None`.
fn fragment_of_engine(frame: &RawFrame) -> Option<Fragment<'_>> {
    let legal = frame.rsv == 0 && frame.mask.is_none() && frame.declared_len.is_none();
    legal.then_some(Fragment {
        fin: frame.fin,
        opcode: frame.opcode,
        payload: &frame.payload,
    })
}
