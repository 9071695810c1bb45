//! Reads the files of feed recorders: one message per line, with or without its time.
//!
//! Such a file contains no handshake and nothing of a client: its tape is one connection, on which
//! the engine sends each line's message at its time. Tardis marks where its recorder lost the
//! connection: the connection ends there, and the next message begins another. cryptofeed writes
//! down each dial and what its client sent.
//!
//! `layout` says how to read a file, `rows` reads lines or CSV rows, `record` finds the time and
//! the message in one, `time` parses time formats, `cryptofeed` reads its own kind of line.

mod cryptofeed;
mod layout;
mod record;
mod rows;
mod time;

use std::io::BufRead;

use wstape_tape::{Accept, Action, End, Micros};

use super::session::{Moment, Sender, Session, TEXT, message};
use super::wall::Wall;
use crate::error::ImportError;
use cryptofeed::Line;
use record::Record;
use rows::Rows;

pub use layout::{LineForm, Lines};
pub use time::LineTime;

/// Reads the connections in such a file, one after the other. Errors call it `name`.
pub(super) fn session<'a>(
    name: &str,
    layout: &Lines,
    lines: impl BufRead + 'a,
) -> Result<Session<'a>, ImportError> {
    let mut messages = Messages {
        layout: layout.clone(),
        rows: Rows::new(name, layout.form, lines)?,
        said: 0,
        last: Wall::ZERO,
        connection: 0,
        dialled: None,
        waiting: Vec::new(),
        ended: false,
    };
    // The connection begins with its first message.
    let Some(first) = messages.next().transpose()? else {
        return Err(ImportError::Nothing {
            name: name.to_owned(),
            message: "expected one message per line, found none".to_owned(),
        });
    };
    let begin = first.at;
    Ok(Session {
        begin,
        until: begin,
        url: None,
        accepted: true,
        talks: true,
        ends: true,
        moments: Box::new(std::iter::once(Ok(first)).chain(messages)),
    })
}

struct Messages<'a> {
    layout: Lines,
    rows: Rows<'a>,
    /// How many lines with a message were read.
    said: u64,
    /// The time of the last message.
    last: Wall,
    /// The number of connections that were lost before this one.
    connection: u64,
    /// When the client dialled, if nothing has come since.
    dialled: Option<Wall>,
    /// Moments that come before the next line, in reverse order.
    waiting: Vec<Moment>,
    ended: bool,
}

impl Iterator for Messages<'_> {
    type Item = Result<Moment, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(moment) = self.waiting.pop() {
            return Some(Ok(moment));
        }
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl Messages<'_> {
    /// Reads the next message, preceded by the moments that follow from it.
    fn read(&mut self) -> Result<Option<Moment>, ImportError> {
        if self.layout.form == LineForm::Cryptofeed {
            return self.read_cryptofeed();
        }
        let mut lost = false;
        let (at, payload) = loop {
            let Some(record) = self.rows.next()? else {
                return Ok(None);
            };
            match record {
                Record::Empty => lost = true,
                record => {
                    let unsaid = self.layout.every.0.saturating_mul(self.said);
                    break record.read(&self.layout, Wall::ZERO.plus(Micros(unsaid)))?;
                }
            }
        };
        let again = lost && self.layout.form == LineForm::Tardis;
        let accepted = (again || self.said == 0).then_some(at);
        let said = message(Sender::Engine, TEXT, payload.into_bytes());
        Ok(self.say(at, said, accepted))
    }

    /// Reads the next message of a cryptofeed file, preceded by a dial if there was one. Dials
    /// without any message after them are left out.
    fn read_cryptofeed(&mut self) -> Result<Option<Moment>, ImportError> {
        loop {
            let line = match self.rows.next()? {
                None => return Ok(None),
                Some(Record::Line { place, text }) => Line::read(&place, text)?,
                Some(_) => Line::Beside,
            };
            match line {
                Line::Beside => {}
                Line::Dials(at) => self.dialled = Some(at),
                Line::Message {
                    at,
                    from,
                    opcode,
                    payload,
                } => {
                    let first = (self.said == 0).then_some(at);
                    let accepted = self.dialled.take().or(first);
                    return Ok(self.say(at, message(from, opcode, payload), accepted));
                }
            }
        }
    }

    /// Adds a message at its time. If a connection was accepted for it, the one before ends first.
    fn say(&mut self, at: Wall, said: Action, accepted: Option<Wall>) -> Option<Moment> {
        let again = accepted.is_some() && self.said > 0;
        let before = self.last;
        (self.said, self.last) = (self.said + 1, at);
        let mut moments = Vec::new();
        if again {
            // When it was lost was not recorded, so it ends right after its last message.
            let fin = Moment::new(before, Action::Drop(End::Fin));
            moments.push(fin.later(self.connection));
            self.connection += 1;
        }
        if let Some(accepted) = accepted {
            let accept = Action::Accept(Some(Accept::default()));
            moments.push(Moment::new(accepted, accept).later(self.connection));
        }
        moments.push(Moment::new(at, said).later(self.connection));
        moments.reverse();
        self.waiting = moments;
        self.waiting.pop()
    }
}
