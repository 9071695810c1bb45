//! What was said in a recorded session, connection by connection.

use std::collections::BTreeMap;
use std::io::BufRead;

use wstape_tape::{
    Accept, Action, Conn, End, Micros, Received, ReceivedKind, Step, TapeError, TapeReader, Trigger,
};
use wstape_wire::framed::records;

use super::request::Request;
use super::stomp;

/// Most bytes of messages to learn from, which stay in memory meanwhile, and most messages.
/// Anything beyond that is reported.
const MAX_BYTES: usize = 64 << 20;
const MAX_MESSAGES: usize = 200_000;

/// The name for clients' binary messages, which are not learnt.
pub(super) const BINARY_OF_CLIENTS: &str = "binary messages of clients";

/// The header in which an engine chooses a subprotocol.
const SUBPROTOCOL: &str = "sec-websocket-protocol";

/// The two sides of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Engine,
}

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) at: Micros,
    pub(super) by: Side,
    pub(super) text: String,
}

/// One connection in the session.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// The path it requested, without the query.
    pub(super) path: String,
    /// When its handshake was accepted.
    pub(super) accepted: Option<Micros>,
    /// The subprotocol chosen then.
    pub(super) subprotocol: Option<String>,
    pub(super) said: Vec<Said>,
    /// Whether its client has answered a question from the engine.
    pub(super) answers: bool,
    /// Whether its client has sent a Close: an engine answers that by itself.
    left: bool,
}

/// The part of a session that can be learnt from.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// When the recording began, in milliseconds since 1970.
    pub(super) began_ms: Option<i64>,
    pub(super) conversations: BTreeMap<u64, Conversation>,
    /// Lines of the tape that hold whatever is asked: HTTP answers, by path and method.
    pub(super) answers: BTreeMap<String, String>,
    /// What there was besides texts, by name, and how often.
    pub(super) beside: BTreeMap<&'static str, u64>,
    bytes: usize,
    messages: usize,
}

impl Session {
    /// From a tape recorded by a proxy, or any tape with numbered connections.
    pub(super) fn read(reader: &mut TapeReader<impl BufRead>) -> Result<Self, TapeError> {
        let began = reader.header().recorded_at;
        let mut session = Self {
            began_ms: began.map(|began| began.timestamp_millis()),
            ..Self::default()
        };
        for step in reader {
            session.step(&step?);
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
        // Each is a message by itself, as it is for the engine that plays the tape.
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

    /// The text that a step sends; anything else is counted.
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
                // What comes after a Close means nothing: Python's websocket-client sends a second
                // one.
                ReceivedKind::Bytes if self.conversation(conn).left => return None,
                ReceivedKind::Binary => BINARY_OF_CLIENTS,
                ReceivedKind::Frame | ReceivedKind::Bytes => "fragments and raw frames of clients",
                _ => return None,
            },
            Action::Accept(accept) => {
                self.accept(conn, at, accept.as_ref());
                return None;
            }
            Action::Binary(_) => "binary messages of the engine",
            Action::Close(_) if self.conversation(conn).left => return None,
            Action::Close(_) => "Closes of the engine",
            Action::Drop(End::Reset) => "resets by the engine",
            Action::Refuse(_) => "refused handshakes",
            Action::Ping(_) => "Pings of the engine",
            Action::Frame(_) | Action::Bytes(_) => "fragments and raw frames of the engine",
            _ => return None,
        };
        self.count(beside);
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
