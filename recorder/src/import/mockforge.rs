//! Reads `MockForge`'s replay files: JSON Lines of `{"ts", "dir", "text", "waitFor"}`.
//!
//! Such a file is a script for one connection, not a recording of one: it has no wall clock and no
//! handshake. `ts` counts from the connection's beginning. If it steps back, as in `MockForge`'s
//! own examples after a `waitFor`, it counts from the line before. A tape sends everything at a
//! fixed time, so what a line waits for is only kept in its step, as `x-wait-for`.

use std::io::{BufRead, Read};

use serde::Deserialize;
use serde_json::value::RawValue;
use wstape_tape::{Accept, Action, CloseFrame, MAX_LINE_BYTES};

use super::kind;
use super::session::{
    BINARY, Moment, Sender, Session, TEMPLATE, TEXT, WAIT_FOR, json_string, message,
};
use super::wall::{Wall, span_of_ms};
use crate::error::import::{ImportError, quoted};

/// The close code to send: a script that asks for a Close has none.
const NORMAL_CLOSURE: u16 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    /// In milliseconds.
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
    dir: Option<String>,
    text: String,
    #[serde(rename = "waitFor")]
    wait_for: Option<String>,
    binary: Option<bool>,
    close: Option<bool>,
}

/// Reads the connection that a script is for. Errors call the file `name`.
pub(super) fn session<'a>(name: &str, lines: impl BufRead + 'a) -> Session<'a> {
    let accept = Moment::new(Wall::ZERO, Action::Accept(Some(Accept::default())));
    let script = Script {
        name: name.to_owned(),
        lines,
        number: 0,
        said: 0,
        base: Wall::ZERO,
        last: Wall::ZERO,
        closes: false,
        ended: false,
    };
    Session {
        begin: Wall::ZERO,
        until: Wall::ZERO,
        url: None,
        accepted: true,
        talks: true,
        ends: true,
        moments: Box::new(std::iter::once(Ok(accept)).chain(script)),
    }
}

struct Script<R> {
    name: String,
    lines: R,
    /// The number of the line read last, from 1.
    number: u64,
    /// How many lines with a message were read.
    said: u64,
    /// The time that `ts` counts from.
    base: Wall,
    /// The time of the line read last.
    last: Wall,
    /// Whether the line read last closes the connection.
    closes: bool,
    ended: bool,
}

impl<R: BufRead> Iterator for Script<R> {
    type Item = Result<Moment, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if std::mem::take(&mut self.closes) {
            let close = CloseFrame {
                code: NORMAL_CLOSURE,
                reason: String::new(),
            };
            return Some(Ok(Moment::new(self.last, Action::Close(Some(close)))));
        }
        let next = self.step().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl<R: BufRead> Script<R> {
    fn step(&mut self) -> Result<Option<Moment>, ImportError> {
        if self.number == 0 {
            let begin = self.lines.fill_buf();
            let begin = begin.map_err(|error| ImportError::Read(self.name.clone(), error))?;
            if let Some(what) = kind::of(begin) {
                self.number = 1;
                let expected = "expected lines of {\"ts\", \"dir\", \"text\"}";
                return Err(self.flaw(format!("{expected}, found {what}")));
            }
        }
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut most = self.lines.by_ref().take(MAX_LINE_BYTES as u64 + 1);
            most.read_until(b'\n', &mut line)
                .map_err(|error| ImportError::Read(self.name.clone(), error))?;
            if line.is_empty() {
                return match self.said {
                    0 => Err(self.nothing()),
                    _ => Ok(None),
                };
            }
            self.number += 1;
            if line.len() > MAX_LINE_BYTES {
                let most = MAX_LINE_BYTES >> 20;
                return Err(self.flaw(format!("the line has more than {most} MiB")));
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                break;
            }
        }
        if !line.trim_ascii_start().starts_with(b"{") {
            return Err(self.not_a_line("not an object"));
        }
        let parsed: Line<'_> = serde_json::from_slice(&line).map_err(|error| {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            self.not_a_line(said)
        })?;
        self.said += 1;
        self.moment(parsed).map(Some)
    }

    fn moment(&mut self, line: Line<'_>) -> Result<Moment, ImportError> {
        if let Some(ts) = line.ts {
            let since = span_of_ms(ts.get()).ok_or_else(|| {
                let found = quoted(ts.get());
                self.flaw(format!(
                    "\"ts\" must be milliseconds since the connection began, found {found}"
                ))
            })?;
            if self.base.plus(since) < self.last {
                self.base = self.last;
            }
            self.last = self.base.plus(since);
        }
        let sender = match line.dir.as_deref() {
            None | Some("out") => Sender::Engine,
            Some("in") => Sender::Client,
            Some(other) => {
                let found = quoted(other);
                return Err(self.flaw(format!("\"dir\" must be \"out\" or \"in\", found {found}")));
            }
        };
        self.closes = line.close == Some(true);
        let opcode = if line.binary == Some(true) {
            BINARY
        } else {
            TEXT
        };
        let is_template = line.text.contains("{{");
        let action = message(sender, opcode, line.text.into_bytes());
        let mut moment = Moment::new(self.last, action);
        if let Some(pattern) = line.wait_for {
            moment = moment.with(WAIT_FOR, json_string(&pattern));
        }
        if is_template {
            moment = moment.with(TEMPLATE, "true");
        }
        Ok(moment)
    }

    fn flaw(&self, message: impl Into<String>) -> ImportError {
        ImportError::Flaw {
            name: self.name.clone(),
            place: format!(":{}", self.number),
            message: message.into(),
        }
    }

    fn not_a_line(&self, said: &str) -> ImportError {
        self.flaw(format!(
            "expected {{\"ts\", \"dir\", \"text\"}} and perhaps \"waitFor\", \"binary\", \"close\", \
             found something else: {said}"
        ))
    }

    fn nothing(&self) -> ImportError {
        ImportError::Nothing {
            name: self.name.clone(),
            message: "expected lines of {\"ts\", \"dir\", \"text\"}, found none".to_owned(),
        }
    }
}
