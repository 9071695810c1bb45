//! The messages of an entry, parsed one at a time.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::value::RawValue;
use wstape_tape::{MAX_LINE_BYTES, Micros};

use super::attached::{Attached, Opened};
use super::place::Place;
use crate::error::import::{ImportError, quoted};
use crate::import::session::{Sender, TEXT};
use crate::import::wall::{Wall, span_of_ms};

/// The longest line of a message file next to an archive, in bytes: what fits in a line of a tape,
/// and some room for the keys.
const MAX_MESSAGE_LINE_BYTES: usize = MAX_LINE_BYTES + 4096;

/// Base64, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDED_OR_NOT);

/// The URL-safe alphabet, which some exporters use.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDED_OR_NOT);

const PADDED_OR_NOT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// A message of an entry.
#[derive(Debug)]
pub(super) struct Message {
    /// When it was sent or received; `None` if the archive does not say.
    pub(super) at: Option<Wall>,
    /// For an error without such a time: the time since the browser started.
    pub(super) monotonic: Option<Micros>,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Frame {
        sender: Sender,
        opcode: u8,
        payload: Vec<u8>,
    },
    /// Why the connection failed, in the browser's words.
    Error(String),
}

/// A message as the archive writes it.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow)]
    opcode: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Cow<'a, str>,
}

/// What is known of an entry's first message.
#[derive(Debug)]
pub(super) struct First {
    pub(super) at: Option<Wall>,
    pub(super) monotonic: Option<Micros>,
    /// The text of the message, if it is an error.
    pub(super) error: Option<String>,
}

/// The messages of an entry.
pub(super) struct Messages<'a> {
    place: Place,
    /// How many messages were read so far.
    count: u64,
    source: Source<'a>,
    squeezed: Option<Squeezed>,
}

/// Restores times that Playwright 1.61.0 wrote wrongly: it added to the connection's start in
/// milliseconds the time since then in *seconds*, so that 500 ms come out as 0.5 ms.
#[derive(Debug, Clone, Copy)]
struct Squeezed {
    /// When the connection began, truncated to the millisecond in the archive.
    begin: Wall,
    /// The first message's time as written, in nanoseconds.
    first: Option<i64>,
}

impl Squeezed {
    /// Converts a written time to the true one. The millisecond that the start was truncated by
    /// stands for up to a second, so the first message is placed as early as is possible.
    fn stretched(&mut self, written: i64) -> Wall {
        const CUT_NS: i64 = 1_000_000;
        let first = *self.first.get_or_insert(written);
        let earliest = first
            .saturating_sub(self.begin.nanoseconds() + CUT_NS)
            .max(0);
        // A nanosecond in the file stands for a microsecond.
        let since = earliest.saturating_add(written.saturating_sub(first));
        self.begin
            .plus(Micros(u64::try_from(since).unwrap_or_default()))
    }
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
            squeezed: None,
        }
    }

    /// Marks the times as written by Playwright 1.61.0, for a connection that began at this time.
    pub(super) fn squeezed(mut self, begin: Option<Wall>) -> Self {
        self.squeezed = begin.map(|begin| Squeezed { begin, first: None });
        self
    }

    /// Looks at the first message without consuming it; none may have been read before.
    pub(super) fn first(&mut self) -> Result<Option<First>, ImportError> {
        let start = match &self.source {
            Source::Embedded(text) => Source::Embedded(text),
            Source::Closed(beside, file) => Source::Closed(beside.clone(), file.clone()),
            Source::None | Source::Open { .. } => return Ok(None),
        };
        let first = self.next().transpose()?;
        self.source = start;
        self.count = 0;
        Ok(first.map(|message| First {
            at: message.at,
            monotonic: message.monotonic,
            error: match message.what {
                What::Error(text) => Some(text),
                What::Frame { .. } => None,
            },
        }))
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
        let is_error = written.kind == "error";
        // Some exporters write the time as a string or as a date.
        let time = written.time.map(|time| time.get().trim_matches('"'));
        let at = match time {
            None | Some("-1") => None,
            // For a dial that failed at once, Chrome writes a time on a clock that counts from its
            // own start.
            Some(text) if is_error && Wall::from_epoch(text).is_none() => {
                let since = span_of_ms(text).ok_or_else(|| {
                    let found = quoted(text);
                    self.flaw(
                        ".time",
                        format!("expected a time in seconds, found {found}"),
                    )
                })?;
                return Ok(Message {
                    at: None,
                    // The number is in seconds, but was read as milliseconds.
                    monotonic: Some(Micros(since.0.saturating_mul(1_000))),
                    what: What::Error(written.data.into_owned()),
                });
            }
            Some(text) => {
                let at = Wall::from_epoch(text).or_else(|| Wall::from_date(text));
                let at = at.ok_or_else(|| {
                    let found = quoted(text);
                    let expected = "seconds or milliseconds since 1970";
                    self.flaw(".time", format!("expected {expected}, found {found}"))
                })?;
                let squeezed = self.squeezed.as_mut().zip(Wall::nanoseconds_of_ms(text));
                Some(squeezed.map_or(at, |(squeezed, written)| squeezed.stretched(written)))
            }
        };
        let sender = match &*written.kind {
            "send" => Sender::Client,
            "receive" => Sender::Engine,
            "error" => {
                let text = written.data.into_owned();
                return Ok(Message {
                    at,
                    monotonic: None,
                    what: What::Error(text),
                });
            }
            other => {
                let found = quoted(other);
                let message = format!("expected \"send\", \"receive\" or \"error\", found {found}");
                return Err(self.flaw(".type", message));
            }
        };
        let opcode = written.opcode.map_or("none", RawValue::get);
        let opcode = opcode.trim_matches('"');
        let opcode = opcode
            .parse()
            .ok()
            .filter(|opcode| *opcode < 16)
            .ok_or_else(|| {
                let found = quoted(opcode);
                self.flaw(".opcode", format!("expected 0 to 15, found {found}"))
            })?;
        let payload = if opcode == TEXT {
            written.data.into_owned().into_bytes()
        } else {
            let decoded = BASE64.decode(&*written.data);
            let decoded = decoded.or_else(|_| URL_SAFE.decode(&*written.data));
            decoded.map_err(|_| {
                let message = format!(
                    "expected base64, as for opcode {opcode}, found something \
                                       else"
                );
                self.flaw(".data", message)
            })?
        };
        let what = What::Frame {
            sender,
            opcode,
            payload,
        };
        Ok(Message {
            at,
            monotonic: None,
            what,
        })
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
