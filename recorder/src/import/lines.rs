//! What feed recorders write: a message a line, with the time at which it came or without.
//!
//! Such a file knows of no handshake and of no client: its tape is one connection, on which the
//! engine sends each line's message at its time.

use std::io::{BufRead, Read};
use std::str::FromStr;

use serde_json::Value;
use serde_json::value::RawValue;
use wstape_tape::{Accept, Action, MAX_LINE_BYTES, Micros};

use super::session::{Moment, Sender, Session, TEXT, message};
use super::wall::Wall;
use crate::error::import::{ImportError, quoted};

/// How far apart messages are sent whose lines say no time.
const DEFAULT_EVERY: Micros = Micros::from_ms(100);

/// How the lines of a file are to be read.
///
/// ```
/// use wstape_recorder::{LineTime, Lines};
/// let lines = Lines { time: "/recv_ts".parse()?, message: Some("/msg".to_owned()), ..Lines::default() };
/// assert_eq!(lines.time, LineTime::At("/recv_ts".to_owned()));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// Where a line says when its message came.
    pub time: LineTime,
    /// The JSON pointer to the message in a line of JSON; `None` where the message is all of it,
    /// or all behind its time.
    pub message: Option<String>,
    /// How far apart the messages are sent where lines say no time.
    pub every: Micros,
}

/// Where a line says its time, and in which unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineTime {
    /// Nowhere.
    None,
    /// At this JSON pointer: a number whose magnitude tells its unit, or a date of RFC 3339.
    At(String),
    /// Before the message and a blank: nanoseconds since 1970, as hftbacktest's collectors write.
    Nanoseconds,
    /// Likewise: milliseconds.
    Milliseconds,
    /// Likewise: seconds.
    Seconds,
    /// Likewise: a date and time of RFC 3339.
    Date,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            time: LineTime::None,
            message: None,
            every: DEFAULT_EVERY,
        }
    }
}

impl FromStr for LineTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "none" => Self::None,
            "ns" => Self::Nanoseconds,
            "ms" => Self::Milliseconds,
            "s" => Self::Seconds,
            "iso" => Self::Date,
            pointer if pointer.starts_with('/') => Self::At(pointer.to_owned()),
            _ => {
                return Err(
                    "expected a JSON pointer such as /recv_ts, or ns, ms, s, iso for a time \
                     before the message, or none"
                        .to_owned(),
                );
            }
        })
    }
}

/// The connection that such a file is. `name` is what errors call it.
pub(super) fn session<'a>(
    name: &str,
    layout: &Lines,
    lines: impl BufRead + 'a,
) -> Result<Session<'a>, ImportError> {
    let mut messages = Messages {
        name: name.to_owned(),
        layout: layout.clone(),
        lines,
        number: 0,
        said: 0,
        ended: false,
    };
    // The connection begins with its first message.
    let Some(first) = messages.next().transpose()? else {
        return Err(ImportError::Nothing {
            name: name.to_owned(),
            message: "expected a message a line, found none".to_owned(),
        });
    };
    let begin = first.at;
    let accept = Moment::new(begin, Action::Accept(Some(Accept::default())));
    Ok(Session {
        begin,
        until: begin,
        url: None,
        accepted: true,
        talks: true,
        ends: true,
        moments: Box::new([Ok(accept), Ok(first)].into_iter().chain(messages)),
    })
}

struct Messages<R> {
    name: String,
    layout: Lines,
    lines: R,
    /// Of the line read last, from 1.
    number: u64,
    /// Lines that held a message.
    said: u64,
    ended: bool,
}

impl<R: BufRead> Iterator for Messages<R> {
    type Item = Result<Moment, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl<R: BufRead> Messages<R> {
    fn read(&mut self) -> Result<Option<Moment>, ImportError> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut most = self.lines.by_ref().take(MAX_LINE_BYTES as u64 + 1);
            most.read_until(b'\n', &mut line)
                .map_err(|error| ImportError::Read(self.name.clone(), error))?;
            if line.is_empty() {
                return Ok(None);
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
        let text = std::str::from_utf8(&line);
        let text = text.map_err(|_| self.flaw("expected UTF-8, found other bytes"))?;
        let (at, text) = self.dated(text.trim())?;
        self.said += 1;
        let payload = match &self.layout.message {
            Some(pointer) => self.at_pointer(pointer, text)?,
            None => text.to_owned(),
        };
        Ok(Some(Moment::new(
            at,
            message(Sender::Engine, TEXT, payload.into_bytes()),
        )))
    }

    /// A line's time, and what of it is not that.
    fn dated<'t>(&self, text: &'t str) -> Result<(Wall, &'t str), ImportError> {
        let (parse, unit): (fn(&str) -> Option<Wall>, _) = match &self.layout.time {
            LineTime::None => {
                let span = self.layout.every.0.saturating_mul(self.said);
                return Ok((Wall::ZERO.plus(Micros(span)), text));
            }
            LineTime::At(pointer) => {
                let found = self.at_pointer(pointer, text)?;
                let at = Wall::from_any_epoch(&found).or_else(|| Wall::from_date(&found));
                let at = at.ok_or_else(|| {
                    let found = quoted(&found);
                    self.flaw(format!(
                        "expected a time since 1970 or a date at {pointer}, found {found}"
                    ))
                })?;
                return Ok((at, text));
            }
            LineTime::Nanoseconds => (Wall::from_nanoseconds, "nanoseconds since 1970"),
            LineTime::Milliseconds => (Wall::from_milliseconds, "milliseconds since 1970"),
            LineTime::Seconds => (Wall::from_seconds, "seconds since 1970"),
            LineTime::Date => (Wall::from_date, "a date and time (RFC 3339)"),
        };
        let split = text.split_once([' ', '\t', ',']);
        let dated = split.and_then(|(time, rest)| Some((parse(time)?, rest.trim_start())));
        dated.ok_or_else(|| {
            let found = quoted(text);
            self.flaw(format!(
                "expected {unit}, a blank and a message, found {found}"
            ))
        })
    }

    /// What stands at a pointer in a line: a string's content, or the JSON itself as it stands.
    fn at_pointer(&self, pointer: &str, text: &str) -> Result<String, ImportError> {
        let mut rest: &RawValue = serde_json::from_str(text).map_err(|error| {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            self.flaw(format!("expected a line of JSON, found another: {said}"))
        })?;
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let next = member(rest, &token);
            rest = next
                .ok_or_else(|| self.flaw(format!("expected a value at {pointer}, found none")))?;
        }
        Ok(match serde_json::from_str(rest.get()) {
            Ok(Value::String(text)) => text,
            _ => rest.get().to_owned(),
        })
    }

    fn flaw(&self, message: impl Into<String>) -> ImportError {
        ImportError::Flaw {
            name: self.name.clone(),
            place: format!(":{}", self.number),
            message: message.into(),
        }
    }
}

/// A member of an object or a list, as it stands.
fn member<'t>(value: &'t RawValue, token: &str) -> Option<&'t RawValue> {
    use std::collections::BTreeMap;
    let text = value.get();
    if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        return items.get(token.parse::<usize>().ok()?).copied();
    }
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    members.remove(token)
}
