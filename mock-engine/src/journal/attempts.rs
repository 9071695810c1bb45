//! Attempts: what became of each connection, collected from a journal's lines.

use std::collections::BTreeMap;
use std::fmt;

use wstape_tape::{End, Micros};

use super::entry::JournalKind;
use super::line::{JournalLine, Said};
use super::request::RequestHead;
use crate::frame::FrameKind;

/// The most attempts kept one by one; later ones are only counted.
pub const MAX_ATTEMPTS: usize = 65_536;

/// The most marks with a name of their own that are kept; those with other names are left out.
pub const MAX_MARKS: usize = 64;

/// One connection, from its accept to its end. Times are the tape's.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// Its number.
    pub conn: u64,
    /// When it was accepted.
    pub accepted: Micros,
    /// What its client asked for, if it asked for anything.
    pub request: Option<RequestHead>,
    /// How it was answered, and when.
    pub answer: Option<(Micros, Answer)>,
    /// How it ended, and when; `None` if it was open at the journal's end.
    pub end: Option<(Micros, AttemptEnd)>,
    /// Messages and frames sent to it alone.
    pub sent: u64,
    /// Messages and frames that it sent.
    pub received: u64,
    /// The code of the Close that its client sent; 0 for one without a code.
    pub client_close: Option<u16>,
    /// Whether the engine sent it a Close.
    pub engine_close: bool,
}

/// How an attempt was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// With 101.
    Upgraded,
    /// With another status.
    Status(u16),
    /// With something that is not HTTP.
    Garbage,
    /// Never.
    Hung,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// The engine ended the transport.
    Engine(End),
    /// The client ended the transport.
    Client(End),
    /// After a Close of the client, which the engine answered.
    ClientClose,
    /// After a Close of the engine, which the client answered.
    EngineClose,
    /// Too much waited for it: reset.
    Overrun,
    /// The client broke the protocol.
    ProtocolError,
    /// Its TLS handshake failed.
    Tls,
    /// With its answer, which was not a 101.
    Answer,
}

impl fmt::Display for AttemptEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Engine(End::Fin) => "fin",
            Self::Engine(End::Reset) => "reset",
            Self::Client(End::Fin) => "client fin",
            Self::Client(End::Reset) => "client reset",
            Self::ClientClose => "client close",
            Self::EngineClose => "close",
            Self::Overrun => "overrun",
            Self::ProtocolError => "protocol error",
            Self::Tls => "tls failed",
            Self::Answer => "with its answer",
        })
    }
}

/// The attempts of a journal, and what it says that is about no connection.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Attempts {
    /// By number.
    pub by_conn: BTreeMap<u64, Attempt>,
    /// Connections that are only counted: those beyond [`MAX_ATTEMPTS`], and those folded into
    /// repeats.
    pub uncounted: u64,
    /// How often what was summed up happened, by the kind's name: no attempt has any of it.
    pub summed_up: BTreeMap<String, u64>,
    /// Dials that found the port down and were refused.
    pub dials_refused: u64,
    /// Dials that were accepted and reset before their answer.
    pub dials_reset: u64,
    /// The expectations that were not met, in words.
    pub unmet: Vec<String>,
    /// The number of entries that are missing.
    pub missing: u64,
    /// The tape's time of the last line.
    pub until: Micros,
    /// Events sent to all connections at once, each counted once however many took it.
    pub broadcasts: u64,
    /// Events and steps that were lost, mostly because nobody was there to take them.
    pub lost: u64,
    /// Whether the tape came to its `end`.
    pub ended: bool,
    /// The marks that were passed, each name once, in the order in which they were first passed; at
    /// most [`MAX_MARKS`].
    pub marks: Vec<PassedMark>,
}

/// A mark that was passed, once or more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassedMark {
    /// Its name.
    pub name: String,
    /// When it was first passed.
    pub at: Micros,
    /// On which connection it was first passed, if it is about one.
    pub conn: Option<u64>,
    /// How often it was passed, on any connection.
    pub times: u64,
}

/// What a note that an expectation was not met begins with.
const NOT_MET: &str = "not met: ";

impl Attempts {
    /// Collects the attempts of all these lines.
    ///
    /// # Errors
    /// The first error among the lines.
    pub fn of<E>(lines: impl IntoIterator<Item = Result<JournalLine, E>>) -> Result<Self, E> {
        let mut attempts = Self::default();
        for line in lines {
            attempts.see(&line?);
        }
        Ok(attempts)
    }

    /// Adds the next line.
    pub fn see(&mut self, line: &JournalLine) {
        let at = line.at.tape();
        self.until = self.until.max(at);
        match &line.said {
            Said::Once { conn, kind } => self.happened(at, *conn, kind),
            Said::Repeats(repeats) => {
                let kind = repeats.kind.as_str();
                let more = |count: &mut u64| *count = count.saturating_add(repeats.times);
                match kind {
                    "accepted" => more(&mut self.uncounted),
                    "dial_refused" => more(&mut self.dials_refused),
                    "dial_reset" => more(&mut self.dials_reset),
                    "lost" => more(&mut self.lost),
                    _ => {}
                }
                more(self.summed_up.entry(kind.to_owned()).or_default());
            }
            Said::Missing { entries } => self.missing = self.missing.saturating_add(*entries),
        }
    }

    fn happened(&mut self, at: Micros, conn: Option<u64>, kind: &JournalKind) {
        let more = |count: &mut u64| *count = count.saturating_add(1);
        match kind {
            JournalKind::DialRefused => more(&mut self.dials_refused),
            JournalKind::DialReset => more(&mut self.dials_reset),
            JournalKind::Sent { what, .. } if conn.is_none() => {
                self.broadcasts += 1;
                if what.starts_with("close") {
                    let open = self
                        .by_conn
                        .values_mut()
                        .filter(|attempt| attempt.is_open());
                    open.for_each(|attempt| attempt.engine_close = true);
                }
            }
            JournalKind::Lost { .. } => more(&mut self.lost),
            JournalKind::End => self.ended = true,
            JournalKind::Note(text) => {
                self.unmet
                    .extend(text.strip_prefix(NOT_MET).map(str::to_owned));
            }
            JournalKind::Mark(name) => self.passed(at, conn, name),
            JournalKind::Accepted => {
                let Some(conn) = conn else { return };
                if self.by_conn.len() >= MAX_ATTEMPTS {
                    more(&mut self.uncounted);
                } else {
                    self.by_conn.insert(conn, Attempt::new(conn, at));
                }
            }
            _ => {}
        }
        if let Some(attempt) = conn.and_then(|conn| self.by_conn.get_mut(&conn)) {
            attempt.happened(at, kind);
        }
    }

    fn passed(&mut self, at: Micros, conn: Option<u64>, name: &str) {
        if let Some(mark) = self.marks.iter_mut().find(|mark| mark.name == name) {
            mark.times += 1;
        } else if self.marks.len() < MAX_MARKS {
            self.marks.push(PassedMark {
                name: name.to_owned(),
                at,
                conn,
                times: 1,
            });
        }
    }

    /// How many connections were answered with 101.
    #[must_use]
    pub fn upgraded(&self) -> u64 {
        let listed = self.by_conn.values().filter(|attempt| attempt.upgraded());
        (listed.count() as u64).saturating_add(self.summed("upgraded"))
    }

    /// How many messages and frames were sent to one connection alone.
    #[must_use]
    pub fn sent(&self) -> u64 {
        let listed = self.by_conn.values().map(|attempt| attempt.sent);
        listed.sum::<u64>().saturating_add(self.summed("sent"))
    }

    /// How many messages and frames clients sent.
    #[must_use]
    pub fn received(&self) -> u64 {
        let listed = self.by_conn.values().map(|attempt| attempt.received);
        listed.sum::<u64>().saturating_add(self.summed("received"))
    }

    /// How often what has this kind's name was summed up.
    fn summed(&self, kind: &str) -> u64 {
        self.summed_up.get(kind).copied().unwrap_or_default()
    }

    /// The number of dials that reached the engine or were reported to it, whatever their outcome.
    #[must_use]
    pub fn dials(&self) -> u64 {
        let others = [self.uncounted, self.dials_refused, self.dials_reset];
        let listed = self.by_conn.len() as u64;
        others.into_iter().fold(listed, u64::saturating_add)
    }
}

impl Attempt {
    fn new(conn: u64, accepted: Micros) -> Self {
        Self {
            conn,
            accepted,
            request: None,
            answer: None,
            end: None,
            sent: 0,
            received: 0,
            client_close: None,
            engine_close: false,
        }
    }

    /// Whether it was answered with 101.
    #[must_use]
    pub fn upgraded(&self) -> bool {
        matches!(self.answer, Some((_, Answer::Upgraded)))
    }

    /// Whether it is upgraded and has not ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.upgraded() && self.end.is_none()
    }

    fn happened(&mut self, at: Micros, kind: &JournalKind) {
        let end = match kind {
            JournalKind::Requested(head) => {
                self.request = Some((**head).clone());
                None
            }
            JournalKind::Upgraded => {
                self.answer = Some((at, Answer::Upgraded));
                None
            }
            JournalKind::Refused { status } | JournalKind::HttpAnswered { status, .. } => {
                self.answer = Some((at, Answer::Status(*status)));
                Some(AttemptEnd::Answer)
            }
            JournalKind::Hung => {
                self.answer = Some((at, Answer::Hung));
                None
            }
            JournalKind::GarbageSent { .. } => {
                self.answer = Some((at, Answer::Garbage));
                None
            }
            JournalKind::Sent { what, .. } => {
                self.sent += 1;
                // The engine's Close in answer to the client's ends the connection.
                let close = what.starts_with("close");
                self.engine_close |= close;
                (close && self.client_close.is_some()).then_some(AttemptEnd::ClientClose)
            }
            JournalKind::Received(frame) => {
                self.received += 1;
                if frame.kind == FrameKind::Close {
                    self.client_close = Some(frame.close_code().unwrap_or(0));
                }
                let answers = self.client_close.is_some() && self.engine_close;
                answers.then_some(AttemptEnd::EngineClose)
            }
            JournalKind::Dropped(end) => Some(AttemptEnd::Engine(*end)),
            JournalKind::HalfClosed => Some(AttemptEnd::Engine(End::Fin)),
            JournalKind::ClientClosed => Some(AttemptEnd::Client(End::Fin)),
            JournalKind::ClientReset => Some(AttemptEnd::Client(End::Reset)),
            JournalKind::Overrun => Some(AttemptEnd::Overrun),
            JournalKind::ProtocolError(_) => Some(AttemptEnd::ProtocolError),
            JournalKind::TlsFailed(_) => Some(AttemptEnd::Tls),
            _ => None,
        };
        if let Some(end) = end {
            // What follows from an end is not a second one. A plain answer, though, is not an end
            // if the connection is kept.
            match self.end {
                None | Some((_, AttemptEnd::Answer)) => self.end = Some((at, end)),
                Some(_) => {}
            }
        }
    }
}
