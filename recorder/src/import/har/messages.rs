//! The messages of an entry, parsed one at a time.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use wstape_tape::{MAX_LINE_BYTES, Micros};

use super::attached::{Attached, Opened};
use super::clock::{Counted, Squeezed};
use super::members::scalar;
use super::message::{First, Message, What, Written, stand_in};
use super::place::Place;
use super::writer::{Times, Writer};
use crate::error::import::{ImportError, quoted};
use crate::import::session::{Sender, TEXT};
use crate::import::wall::{Wall, span_of_s};

/// The longest line of a message file next to an archive, in bytes: what fits in a line of a tape,
/// and some room for the keys.
const MAX_MESSAGE_LINE_BYTES: usize = MAX_LINE_BYTES + 4096;

/// Base64, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDED_OR_NOT);

/// The URL-safe alphabet, which some exporters use.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDED_OR_NOT);

const PADDED_OR_NOT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The messages of an entry.
pub(super) struct Messages<'a> {
    place: Place,
    /// How many messages were read so far.
    count: u64,
    source: Source<'a>,
    writer: Writer,
    squeezed: Option<Squeezed>,
    counted: Option<Counted>,
}

enum Source<'a> {
    None,
    /// The rest of a list's text, after its bracket or a message.
    Embedded(&'a str),
    /// A file next to the archive. It is opened only when reached, because there may be more such
    /// files than can be open at once.
    Closed(Attached, String),
    Open {
        name: String,
        lines: Box<BufReader<Opened>>,
    },
}

impl<'a> Messages<'a> {
    pub(super) fn none(place: Place) -> Self {
        Self::new(place, Source::None)
    }

    /// The messages in a list of the archive.
    pub(super) fn embedded(place: Place, list: &'a str) -> Result<Self, ImportError> {
        match list.strip_prefix('[') {
            Some(rest) => Ok(Self::new(place, Source::Embedded(rest))),
            None => Err(place.flaw("._webSocketMessages", "expected a list")),
        }
    }

    /// The messages in a file next to the archive, one per line.
    pub(super) fn attached(
        place: Place,
        beside: Option<&Attached>,
        file: &str,
    ) -> Result<Self, ImportError> {
        // For an answer other than a 101, the file may be a page or an image.
        let extension = Path::new(file).extension();
        if extension.is_none_or(|extension| extension != "jsonl") {
            return Ok(Self::none(place));
        }
        let shown = quoted(file);
        let flaw = |message: String| place.flaw(".response.content._file", message);
        let Some(beside) = beside else {
            return Err(flaw(format!(
                "the messages are in {shown} beside the HAR; import the HAR by its path, not from \
                 standard input"
            )));
        };
        // An archive may come from anyone, so it may only name files in its own folder.
        let within = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(file).components().all(within) {
            return Err(flaw(format!(
                "expected a file in the HAR's own folder, found {shown}"
            )));
        }
        let file = file.to_owned();
        Ok(Self::new(place, Source::Closed(beside.clone(), file)))
    }

    fn new(place: Place, source: Source<'a>) -> Self {
        Self {
            place,
            count: 0,
            source,
            writer: Writer::default(),
            squeezed: None,
            counted: None,
        }
    }

    pub(super) const fn written_by(mut self, writer: Writer) -> Self {
        self.writer = writer;
        self
    }

    /// Marks the times as written by Playwright 1.61.0, for a connection that began at this time.
    pub(super) fn squeezed(mut self, begin: Option<Wall>) -> Self {
        self.squeezed = begin.map(Squeezed::from);
        self
    }

    /// Makes dates of times that count from the browser's start, for a connection that began at
    /// `begin` and whose last message came `until_last` after that.
    pub(super) fn counted(
        &mut self,
        begin: Wall,
        until_last: Option<Micros>,
    ) -> Result<(), ImportError> {
        let ends = self.ahead(|messages| {
            let mut ends: Option<(Micros, Micros)> = None;
            for message in messages {
                if let Some(shown) = message?.monotonic {
                    ends = Some((ends.map_or(shown, |(first, _)| first), shown));
                }
            }
            Ok(ends)
        })?;
        self.counted = ends.map(|ends| Counted::from(begin, ends, until_last));
        Ok(())
    }

    /// How many messages the archive replaced by a placeholder, up to the first flaw.
    pub(super) fn left_out(&mut self) -> usize {
        self.ahead(|messages| {
            let whole = messages.map_while(Result::ok);
            whole
                .filter(|message| matches!(message.what, What::LeftOut(_)))
                .count()
        })
    }

    /// Looks at the first message without consuming it; none may have been read before.
    pub(super) fn first(&mut self) -> Result<Option<First>, ImportError> {
        let first = self.ahead(|messages| messages.next().transpose())?;
        Ok(first.map(|message| First {
            at: message.at,
            monotonic: message.monotonic,
            error: match message.what {
                What::Error(text) => Some(text),
                What::Frame { .. } | What::LeftOut(_) => None,
            },
        }))
    }

    /// Passes the messages to `look` without consuming them; none may have been read before.
    fn ahead<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        let start = match &self.source {
            Source::Embedded(text) => Source::Embedded(text),
            Source::Closed(beside, file) => Source::Closed(beside.clone(), file.clone()),
            Source::None | Source::Open { .. } => Source::None,
        };
        let seen = look(self);
        self.source = start;
        self.count = 0;
        seen
    }

    fn read(&mut self) -> Result<Option<Message>, ImportError> {
        loop {
            match &mut self.source {
                Source::None => return Ok(None),
                Source::Embedded(text) => {
                    let rest = text.trim_start_matches([' ', '\t', '\r', '\n', ',']);
                    if rest.starts_with(']') {
                        return Ok(None);
                    }
                    if !rest.starts_with('{') {
                        self.count += 1;
                        return Err(self.no_message("not an object"));
                    }
                    // The list is known to be JSON; whether its elements are messages is checked
                    // here.
                    let mut values = serde_json::Deserializer::from_str(rest).into_iter();
                    let Some(written) = values.next() else {
                        return Ok(None);
                    };
                    let end = values.byte_offset();
                    *text = rest.get(end..).unwrap_or_default();
                    self.count += 1;
                    return self.message(written).map(Some);
                }
                Source::Closed(beside, file) => {
                    let name = beside.name_of(file);
                    let opened = beside.open(file);
                    let opened = opened.map_err(|error| self.unreadable(&name, &error))?;
                    let lines = Box::new(BufReader::new(opened));
                    self.source = Source::Open { name, lines };
                }
                Source::Open { name, lines } => {
                    let mut line = Vec::new();
                    let mut most = lines.take(MAX_MESSAGE_LINE_BYTES as u64 + 1);
                    if let Err(error) = most.read_until(b'\n', &mut line) {
                        let name = name.clone();
                        return Err(self.unreadable(&name, &error));
                    }
                    if line.is_empty() {
                        return Ok(None);
                    }
                    self.count += 1;
                    if line.len() > MAX_MESSAGE_LINE_BYTES {
                        let most = MAX_MESSAGE_LINE_BYTES >> 20;
                        return Err(self.flaw("", format!("the line has more than {most} MiB")));
                    }
                    if line.iter().all(u8::is_ascii_whitespace) {
                        continue;
                    }
                    if !line.trim_ascii_start().starts_with(b"{") {
                        return Err(self.no_message("not an object"));
                    }
                    return self.message(serde_json::from_slice(&line)).map(Some);
                }
            }
        }
    }

    fn message(
        &mut self,
        written: Result<Written<'_>, serde_json::Error>,
    ) -> Result<Message, ImportError> {
        let written = written.map_err(|error| {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            self.no_message(said)
        })?;
        let is_error = written.kind.is_some_and(|kind| kind.get() == "\"error\"");
        // Some exporters write the time as a string or as a date.
        let time = written.time.map(|time| time.get().trim_matches('"'));
        let (at, monotonic) = match time {
            None | Some("-1") => (None, None),
            Some(text) => self.when(text, is_error)?,
        };
        let what = self.what(&written)?;
        Ok(Message {
            at,
            monotonic,
            what,
        })
    }

    fn what(&self, written: &Written<'_>) -> Result<What, ImportError> {
        let kind = written
            .kind
            .map(|kind| scalar(kind).unwrap_or_else(|| kind.get().to_owned()));
        let data = match written.data {
            Some(data) => serde_json::from_str(data.get()).map_err(|_| {
                let found = quoted(data.get());
                self.flaw(".data", format!("expected a text, found {found}"))
            })?,
            None => String::new(),
        };
        let sender = match kind.as_deref() {
            // Cypress's recorder has other words than all other writers.
            Some("send" | "request") => Sender::Client,
            Some("receive" | "response") => Sender::Engine,
            Some("error") => return Ok(What::Error(data)),
            other => {
                let found = other.map_or("none".to_owned(), quoted);
                let message = format!("expected \"send\", \"receive\" or \"error\", found {found}");
                return Err(self.flaw(".type", message));
            }
        };
        let Some(opcode) = written.opcode else {
            return Err(self.flaw(".opcode", "expected 0 to 15, found none"));
        };
        let opcode = opcode.get().trim_matches('"');
        let opcode = opcode
            .parse()
            .ok()
            .filter(|opcode| *opcode < 16)
            .ok_or_else(|| {
                let found = quoted(opcode);
                self.flaw(".opcode", format!("expected 0 to 15, found {found}"))
            })?;
        let stand_in = self
            .writer
            .stands_in
            .then(|| stand_in(sender, opcode, &data));
        if let Some(left_out) = stand_in.flatten() {
            return Ok(left_out);
        }
        let payload = if opcode == TEXT {
            data.into_bytes()
        } else {
            let decoded = BASE64.decode(&data);
            let decoded = decoded.or_else(|_| URL_SAFE.decode(&data));
            decoded.map_err(|_| {
                let message = format!(
                    "expected base64, as for opcode {opcode}, found something \
                                       else"
                );
                self.flaw(".data", message)
            })?
        };
        Ok(What::Frame {
            sender,
            opcode,
            payload,
        })
    }

    /// A message's time: as a date, and as the time since the browser's start if that is what the
    /// archive has.
    fn when(
        &mut self,
        text: &str,
        is_error: bool,
    ) -> Result<(Option<Wall>, Option<Micros>), ImportError> {
        let found = || quoted(text);
        let date = Wall::from_epoch(text);
        // For a dial that failed at once, Chrome writes a time on a clock that counts from its own
        // start.
        if date.is_none() && (is_error || self.writer.times == Times::Counted) {
            let shown = span_of_s(text).ok_or_else(|| {
                let message = format!("expected a time in seconds, found {}", found());
                self.flaw(".time", message)
            })?;
            return Ok((self.counted.map(|clock| clock.date(shown)), Some(shown)));
        }
        let date = date.or_else(|| Wall::from_date(text)).ok_or_else(|| {
            let expected = "seconds or milliseconds since 1970";
            self.flaw(".time", format!("expected {expected}, found {}", found()))
        })?;
        let squeezed = self.squeezed.as_mut().zip(Wall::nanoseconds_of_ms(text));
        let date = squeezed.map_or(date, |(squeezed, written)| squeezed.stretched(written));
        Ok((Some(date), None))
    }

    fn no_message(&self, said: &str) -> ImportError {
        let expected = "expected {\"type\", \"time\", \"opcode\", \"data\"}";
        self.flaw("", format!("{expected}, found something else: {said}"))
    }

    /// A flaw in a part of the message read last, such as `.opcode`.
    fn flaw(&self, part: &str, message: impl Into<String>) -> ImportError {
        if let Source::Open { name, .. } = &self.source {
            let part = part.strip_prefix('.');
            let part = part.map_or(String::new(), |part| format!(": {part}"));
            return ImportError::Flaw {
                name: name.clone(),
                place: format!(":{}{part}", self.count),
                message: message.into(),
            };
        }
        let index = self.count.saturating_sub(1);
        let part = format!("._webSocketMessages[{index}]{part}");
        self.place.flaw(&part, message)
    }

    fn unreadable(&self, name: &str, error: &io::Error) -> ImportError {
        let message = format!("the messages are in {name}, which can't be read: {error}");
        self.place.flaw(".response.content._file", message)
    }
}

impl Iterator for Messages<'_> {
    type Item = Result<Message, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let message = self.read();
        if !matches!(message, Ok(Some(_))) {
            self.source = Source::None;
        }
        message.transpose()
    }
}
