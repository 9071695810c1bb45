//! The facts a case is judged by: what the engine's journal says about the client.

mod alike;
mod attempt;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use wstape_mock_engine::{ClientFrame, Entry, JournalKind, RequestHead};
use wstape_tape::{End, Micros};

pub(crate) use self::alike::Alike;
pub(crate) use self::attempt::{Answer, Attempt, Ended};

/// The mark that the engine passes whenever a client asks for a stream.
pub(crate) const SUBSCRIBES: &str = "subscribes";
/// The most attempts that are kept: a spinning client is stopped long before.
pub(crate) const MAX_ATTEMPTS: usize = 4_096;
/// Journal lines that are kept of its beginning, and of its end.
const MAX_LINES: usize = 200;

/// What has happened so far, in order.
pub(crate) struct Facts {
    token: String,
    attempts: Vec<Attempt>,
    /// Connections that were accepted.
    accepted: u64,
    /// Attempts beyond the limit.
    pub(crate) more_attempts: u64,
    marks: Vec<(Micros, String)>,
    up: Option<Micros>,
    head: Vec<String>,
    tail: VecDeque<String>,
    lines: u64,
}

impl fmt::Debug for Facts {
    /// Leaves out the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts")
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

impl Facts {
    /// Makes facts in which nothing has happened yet; requests are searched for this token.
    pub(crate) fn new(token: String) -> Self {
        Self {
            token,
            attempts: Vec::new(),
            accepted: 0,
            more_attempts: 0,
            marks: Vec::new(),
            up: None,
            head: Vec::new(),
            tail: VecDeque::new(),
            lines: 0,
        }
    }

    /// Takes in the next journal entry.
    pub(crate) fn observe(&mut self, entry: &Entry) {
        self.keep_line(entry);
        let at = entry.at;
        match &entry.kind {
            JournalKind::Accepted => self.accept(at),
            JournalKind::Requested(head) => self.request(at, entry.conn, head),
            JournalKind::Up => self.up = Some(at),
            JournalKind::Mark(name) if name == SUBSCRIBES => {
                if let Some(attempt) = entry.conn.and_then(|conn| self.attempt_mut(conn)) {
                    attempt.subscribe(at);
                }
            }
            JournalKind::Mark(name) => self.marks.push((at, name.clone())),
            JournalKind::Sent { what, .. } => self.sent(at, entry.conn, what),
            JournalKind::Received(frame) => self.received(at, entry.conn, frame),
            kind => {
                if let Some(attempt) = entry.conn.and_then(|conn| self.attempt_mut(conn)) {
                    happen(attempt, at, kind);
                }
            }
        }
    }

    /// Takes in a connection that was accepted.
    pub(crate) fn accept(&mut self, at: Micros) {
        self.accepted += 1;
        self.begin(self.accepted, at);
    }

    fn begin(&mut self, conn: u64, at: Micros) {
        if self.attempts.len() == MAX_ATTEMPTS {
            self.more_attempts += 1;
        } else {
            self.attempts.push(Attempt::new(conn, at));
        }
    }

    /// Takes in a request. One on a connection kept after a refusal is an attempt of its own.
    fn request(&mut self, at: Micros, conn: Option<u64>, head: &RequestHead) {
        if let Some(conn) = conn
            && self
                .attempt_mut(conn)
                .is_some_and(|it| matches!(it.answer, Some((_, Answer::Status(_)))))
        {
            self.begin(conn, at);
        }
        let brought = head.target.contains(&self.token)
            || head
                .headers
                .iter()
                .any(|(_, value)| value.contains(&self.token));
        let target = head.target.replace(&self.token, "TOKEN");
        if let Some(attempt) = conn.and_then(|conn| self.attempt_mut(conn)) {
            attempt.brought_token |= brought;
            attempt.target = target;
        }
    }

    /// Takes in a frame of the client. Many protocols log in by a message, not in the handshake.
    fn received(&mut self, at: Micros, conn: Option<u64>, frame: &ClientFrame) {
        let token = self.token.as_bytes();
        let mut windows = frame.payload.windows(token.len().max(1));
        let brought = windows.any(|it| it == token);
        if let Some(attempt) = conn.and_then(|conn| self.attempt_mut(conn)) {
            attempt.brought_token |= brought;
            attempt.receive(at, frame);
        }
    }

    /// Takes in what the engine sent; a broadcast goes to all open connections.
    fn sent(&mut self, at: Micros, conn: Option<u64>, what: &str) {
        let open = |attempt: &&mut Attempt| attempt.upgraded().is_some() && attempt.ended.is_none();
        let to: Vec<&mut Attempt> = match conn {
            Some(conn) => self.attempt_mut(conn).into_iter().collect(),
            None => self.attempts.iter_mut().filter(open).collect(),
        };
        for attempt in to {
            let first = attempt.sent.map_or(at, |(first, _)| first);
            attempt.sent = Some((first, at));
            if what.starts_with("close") {
                attempt.close_sent.get_or_insert(at);
            }
        }
    }

    fn keep_line(&mut self, entry: &Entry) {
        if !entry.kind.is_told() {
            return;
        }
        self.lines += 1;
        if self.head.len() < MAX_LINES {
            self.head.push(entry.to_string());
            return;
        }
        self.tail.push_back(entry.to_string());
        if self.tail.len() > MAX_LINES {
            self.tail.pop_front();
        }
    }

    /// Returns this connection's current attempt.
    fn attempt_mut(&mut self, conn: u64) -> Option<&mut Attempt> {
        self.attempts.iter_mut().rev().find(|it| it.conn == conn)
    }

    /// The attempts, in order of their accepts.
    pub(crate) fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// When this mark of the tape was first passed.
    pub(crate) fn mark(&self, name: &str) -> Option<Micros> {
        self.marks
            .iter()
            .find(|(_, it)| it == name)
            .map(|(at, _)| *at)
    }

    /// When the port last came up.
    pub(crate) fn up(&self) -> Option<Micros> {
        self.up
    }

    /// Gaps from the end of each attempt to the next accept, in seconds. An attempt that had not
    /// ended when the next one came has no gap after it.
    pub(crate) fn gaps(&self) -> Vec<f64> {
        gaps(&self.attempts)
    }

    /// The journal's lines; if there are many, only those at its beginning and its end.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.head.clone();
        let kept = (self.head.len() + self.tail.len()) as u64;
        if self.lines > kept {
            lines.push(format!("… {} lines left out …", self.lines - kept));
        }
        lines.extend(self.tail.iter().cloned());
        lines
    }
}

/// Gaps from the end of each attempt to the next one's accept, in seconds.
pub(crate) fn gaps(attempts: &[Attempt]) -> Vec<f64> {
    attempts
        .windows(2)
        .filter_map(|pair| {
            let over = pair[0].over()?;
            Some(seconds(pair[1].accepted.0.saturating_sub(over.0)))
        })
        .collect()
}

/// Seconds of this many microseconds.
pub(crate) fn seconds(us: u64) -> f64 {
    Micros(us).duration().as_secs_f64()
}

/// Microseconds of this many seconds.
pub(crate) fn micros(seconds: f64) -> Micros {
    let us = Duration::from_secs_f64(seconds).as_micros();
    Micros(u64::try_from(us).unwrap_or(u64::MAX))
}

/// A count as a float: counts never get large enough to lose precision.
pub(crate) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Takes in what a journal entry means for its attempt.
fn happen(attempt: &mut Attempt, at: Micros, kind: &JournalKind) {
    let answer = match kind {
        JournalKind::Upgraded => Some(Answer::Upgraded),
        JournalKind::Refused { status } | JournalKind::HttpAnswered { status, .. } => {
            Some(Answer::Status(*status))
        }
        JournalKind::GarbageSent { .. } => Some(Answer::Garbage),
        JournalKind::Hung => Some(Answer::Nothing),
        _ => None,
    };
    if let Some(answer) = answer {
        attempt.answer.get_or_insert((at, answer));
    }
    if let JournalKind::ProtocolError(text) = kind {
        attempt.errors.push((at, text.clone()));
    }
    let ended = match kind {
        JournalKind::Dropped(end) => Some(Ended::ByEngine(*end)),
        JournalKind::HalfClosed => Some(Ended::ByEngine(End::Fin)),
        JournalKind::ClientClosed => Some(Ended::ClientFin),
        JournalKind::ClientReset => Some(Ended::ClientReset),
        _ => None,
    };
    if matches!(ended, Some(Ended::ClientFin | Ended::ClientReset)) {
        attempt.left.get_or_insert(at);
    }
    if let Some(ended) = ended {
        attempt.ended.get_or_insert((at, ended));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use wstape_mock_engine::FrameKind;

    use super::*;

    #[test]
    fn a_token_that_comes_in_a_message_counts_as_sent() {
        let mut facts = Facts::new("token".to_owned());
        facts.accept(Micros(0));
        let mut say = |text: &'static str| {
            let payload = Bytes::from_static(text.as_bytes());
            let frame = ClientFrame {
                kind: FrameKind::Text,
                fin: true,
                len: payload.len(),
                payload,
            };
            facts.received(Micros(1), Some(1), &frame);
            facts.attempts()[0].brought_token
        };
        assert!(!say("hello"));
        assert!(say("CONNECT\nAuthorization:Bearer token\n\n\0"));
    }

    #[test]
    fn a_second_request_on_a_connection_that_was_kept_is_an_attempt_of_its_own() {
        let mut facts = Facts::new("token".to_owned());
        let head = RequestHead::default();
        let answer = |facts: &mut Facts, at, kind| {
            happen(facts.attempt_mut(1).expect("an attempt"), Micros(at), &kind);
        };
        facts.accept(Micros(0));
        facts.request(Micros(1), Some(1), &head);
        answer(&mut facts, 2, JournalKind::Refused { status: 503 });
        facts.request(Micros(1_000_002), Some(1), &head);
        answer(&mut facts, 1_000_003, JournalKind::Upgraded);
        let attempts = facts.attempts();
        assert_eq!(attempts.len(), 2);
        assert_eq!(attempts[0].answer, Some((Micros(2), Answer::Status(503))));
        assert_eq!(attempts[1].upgraded(), Some(Micros(1_000_003)));
        assert_eq!(facts.gaps(), [1.0]);
    }
}
