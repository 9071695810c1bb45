//! Merges several connections into the steps of one tape.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde_json::value::RawValue;
use wstape_tape::{Action, Answers, Conn, MAX_LINE_BYTES, Micros, Step};

use super::imported::Imported;
use super::session::{Moment, Session, TEMPLATE, WAIT_FOR};
use super::wall::Wall;
use crate::error::ImportError;

/// The maximum number of bytes that one byte of a text needs in a line: `\u0000`.
const MAX_ESCAPED_BYTES: usize = 6;

/// The longest time in which nothing happens in a recording. If it is longer, two clocks or two
/// recordings are mixed, and a tape of them would play for years.
const MAX_GAP: Micros = Micros(366 * 24 * 60 * 60 * 1_000_000);

/// The steps of connections that are sorted by their start, merged by time. The steps of each
/// connection keep their order.
pub(super) struct Merged<'a> {
    /// What errors call the recording.
    name: String,
    sessions: Vec<Session<'a>>,
    /// The next moment of each connection, once it has begun.
    waiting: Vec<Option<Moment>>,
    /// The time of each next moment and the index of its connection: at equal times, the connection
    /// that began first comes first.
    next: BinaryHeap<Reverse<(Wall, usize)>>,
    start: Wall,
    last: Micros,
    imported: Imported,
}

impl<'a> Merged<'a> {
    pub(super) fn new(name: &str, sessions: Vec<Session<'a>>) -> Self {
        let begins = sessions.iter().map(|session| session.begin);
        let next = begins.enumerate().map(|(at, begin)| Reverse((begin, at)));
        Self {
            name: name.to_owned(),
            next: next.collect(),
            waiting: sessions.iter().map(|_| None).collect(),
            start: sessions.first().map_or(Wall::ZERO, |first| first.begin),
            last: Micros::ZERO,
            imported: Imported {
                connections: sessions.len() as u64,
                ..Imported::default()
            },
            sessions,
        }
    }

    /// The steps that the tape begins with. None is needed for Pings: the engine answers them by
    /// itself unless a later step withholds Pongs.
    pub(super) fn first_steps() -> [Step; 1] {
        [Step::at(Micros::ZERO, Action::Answers(Answers::Held))]
    }

    /// The tape's last step, its `end`: not before the last connection was last known to be open. A
    /// connection that is said to have been open for years after the last step was not.
    pub(super) fn last_step(&mut self) -> Step {
        let untils = self
            .sessions
            .iter()
            .map(|session| session.until.since(self.start));
        let most = self.last.0.saturating_add(MAX_GAP.0);
        let end = untils
            .filter(|until| until.0 <= most)
            .fold(self.last, Micros::max);
        self.imported.duration = end;
        Step::at(end, Action::End)
    }

    /// Returns what was imported.
    pub(super) fn imported(self) -> Imported {
        self.imported
    }

    /// The next step; `None` at the end of all connections.
    pub(super) fn next(&mut self) -> Option<Result<Step, ImportError>> {
        loop {
            let Reverse((at, which)) = self.next.pop()?;
            let waiting = self.waiting[which].take();
            let following = match self.sessions[which].moments.next() {
                None => None,
                Some(Ok(moment)) => Some(moment),
                Some(Err(error)) => {
                    self.next.clear();
                    return Some(Err(error));
                }
            };
            if let Some(moment) = following {
                self.imported.note_back(at.since(moment.at));
                self.next.push(Reverse((moment.at.max(at), which)));
                self.waiting[which] = Some(moment);
            } else {
                // Frees its buffers and closes its file.
                self.sessions[which].moments = Box::new(std::iter::empty());
            }
            let since = at.since(self.start);
            if since.0 > self.last.0.saturating_add(MAX_GAP.0) {
                self.next.clear();
                return Some(Err(self.gap(self.start.plus(self.last), at)));
            }
            if let Some(moment) = waiting {
                return Some(Ok(self.step(at, which, moment)));
            }
        }
    }

    fn gap(&self, before: Wall, at: Wall) -> ImportError {
        let date = |at: Wall| {
            at.date().map_or("a time out of range".to_owned(), |date| {
                date.format("%Y-%m-%dT%H:%M:%SZ").to_string()
            })
        };
        let what = if self.sessions.len() > 1 {
            "--entry and --url choose connections"
        } else {
            "take out what is dated wrongly"
        };
        ImportError::Flaw {
            name: self.name.clone(),
            place: String::new(),
            message: format!(
                "expected no step more than a year after the one before it, found {} after \
                 {}; {what}",
                date(at),
                date(before)
            ),
        }
    }

    fn step(&mut self, at: Wall, which: usize, moment: Moment) -> Step {
        self.last = self.last.max(at.since(self.start));
        let mut step = Step::at(self.last, moment.action);
        let conn = which as u64 + 1 + moment.later;
        self.imported.connections = self.imported.connections.max(conn);
        step.conn = Conn::Nth(conn);
        for (key, json) in moment.extensions {
            match key {
                WAIT_FOR => self.imported.waits += 1,
                TEMPLATE => self.imported.templates += 1,
                _ => {}
            }
            if let Ok(json) = RawValue::from_string(json) {
                step.extensions.push((key.to_owned(), json));
            }
        }
        if is_message(&step.action) {
            self.imported.messages += 1;
        }
        step
    }
}

/// Whether an action is a message or a control frame of either peer.
pub(super) fn is_message(action: &Action) -> bool {
    use wstape_tape::ReceivedKind as Kind;
    match action {
        Action::Received(received) => !matches!(received.kind, Kind::Open | Kind::Fin),
        // Raw bytes are not a message.
        Action::Bytes(_) => false,
        action => action.is_sent(),
    }
}

/// Checks that a step fits in a line of a tape.
pub(super) fn bounded(name: &str, step: &Step) -> Result<(), ImportError> {
    let payload = match &step.action {
        Action::Emit(bytes) | Action::Binary(bytes) => bytes.len(),
        Action::Text(text) => text.len(),
        Action::Frame(frame) => frame.payload.len(),
        Action::Received(received) => {
            let text = received.text.as_ref().map_or(0, String::len);
            text + received.binary.as_ref().map_or(0, bytes::Bytes::len)
        }
        _ => 0,
    };
    if payload < MAX_LINE_BYTES / MAX_ESCAPED_BYTES / 2 {
        return Ok(());
    }
    let line = step.to_line().len();
    if line <= MAX_LINE_BYTES {
        return Ok(());
    }
    Err(ImportError::Flaw {
        name: name.to_owned(),
        place: String::new(),
        message: format!(
            "expected messages that fit a line of a tape ({} MiB), found one of {payload} bytes",
            MAX_LINE_BYTES >> 20
        ),
    })
}
