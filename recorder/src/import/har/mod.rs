//! Reads HTTP archives (HAR 1.2) with WebSocket messages, as Chrome's `DevTools`, mitmproxy, HTTP
//! Toolkit and Playwright write them.
//!
//! An archive is one JSON document, so its text is held in memory, but only once: what is read of
//! it are slices, and messages are parsed one at a time as they are needed. Messages that
//! Playwright put into files next to the archive are streamed from there.

mod answer;
mod attached;
mod clock;
mod ending;
mod entry;
mod foreign;
mod members;
mod message;
mod messages;
mod place;
mod wrapping;
mod writer;
mod zipped;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use wstape_tape::Micros;

use super::choice::Choice;
use super::kind;
use super::session::Session;
use super::wall::Wall;
use crate::error::ImportError;
use entry::{Entry, Outline};
use place::Place;
use writer::{FIREFOX, FIREFOXS, PLAYWRIGHT, Program, STANDING_IN, Times, Writer};

pub(super) use attached::Attached;
pub(super) use zipped::{is_zip, unzipped};

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    log: Log<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with entries")]
struct Log<'a> {
    #[serde(borrow)]
    creator: Option<&'a RawValue>,
    #[serde(borrow)]
    browser: Option<&'a RawValue>,
    #[serde(borrow)]
    entries: Entries<'a>,
}

/// How to get an archive.
const EXPORT: &str = "export one with Export HAR in the Network panel of the browser's DevTools";

/// The entries that are `WebSockets`, with their indices in the list, and the number of all
/// entries.
struct Entries<'a> {
    web_sockets: Vec<(usize, Entry<'a>)>,
    all: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Each(PhantomData))
    }
}

/// Collects [`Entries`]: only WebSocket entries are kept. The others may be anything.
struct Each<'a>(PhantomData<Entry<'a>>);

impl<'de: 'a, 'a> Visitor<'de> for Each<'a> {
    type Value = Entries<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut entries = Entries {
            web_sockets: Vec::new(),
            all: 0,
        };
        while let Some(entry) = seq.next_element::<&'a RawValue>()? {
            if let Some(entry) = Entry::of(entry).filter(Entry::is_web_socket) {
                entries.web_sockets.push((entries.all, entry));
            }
            entries.all += 1;
        }
        Ok(entries)
    }
}

/// The text of an archive, without the byte order mark that some tools write. Errors call it
/// `name`.
pub(super) fn text(name: &str, bytes: Vec<u8>) -> Result<String, ImportError> {
    let flaw = |message: String| ImportError::Flaw {
        name: name.to_owned(),
        place: String::new(),
        message,
    };
    if let Some(what) = kind::of(&bytes).filter(|what| *what != kind::HAR) {
        return Err(flaw(format!("expected a HAR, which is JSON, found {what}")));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        flaw(format!(
            "expected a HAR, which is UTF-8, but it is not at byte {at}"
        ))
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    let Some(first) = text.trim_start().chars().next() else {
        return Err(flaw("expected a HAR, found an empty file".to_owned()));
    };
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    if length > 0 && text.as_bytes().get(length) == Some(&b':') {
        let message = "expected a HAR, which is JSON, found what looks like mitmproxy's flows; \
                       import them with wstape import mitmproxy";
        return Err(flaw(message.to_owned()));
    }
    if first != '{' {
        let found = known(&text).unwrap_or_else(|| format!("something else; {EXPORT}"));
        return Err(flaw(format!(
            "expected a HAR, which is a JSON object with log.entries, found {found}"
        )));
    }
    Ok(text)
}

/// What a text that is not an archive is instead, and what to do about it, if known.
fn known(text: &str) -> Option<String> {
    let foreign = foreign::of(text).map(str::to_owned);
    foreign.or_else(|| wrapping::of(text))
}

/// The chosen connections of an archive, in the order they began, and sentences about what the
/// archive lacks. Files that it names are looked for in `beside`, which is `None` if the archive
/// came from standard input.
pub(super) fn sessions<'a>(
    name: &str,
    text: &'a str,
    beside: Option<&Attached>,
    choice: &Choice,
) -> Result<(Vec<Session<'a>>, Vec<String>), ImportError> {
    let document: Document<'a> =
        serde_json::from_str(text).map_err(|error| not_a_har(name, text, &error))?;
    let creator = document.log.creator.and_then(Program::of);
    let creator = creator.as_ref();
    let browser = document.log.browser.and_then(Program::of);
    let writer = Writer::of(creator, browser.as_ref());
    let Entries { web_sockets, all } = document.log.entries;
    if web_sockets.is_empty() {
        let message = format!(
            "expected an entry with _webSocketMessages, found none among {all}; {}",
            Program::advice(creator)
        );
        return Err(ImportError::Nothing {
            name: name.to_owned(),
            message,
        });
    }
    let place = |(index, entry): &(usize, Entry<'_>)| {
        let url = entry.url();
        Place::new(name, *index, url.as_deref())
    };
    let places: Vec<Place> = web_sockets.iter().map(place).collect();
    let outlines = web_sockets.iter().zip(&places);
    let outlines = outlines.map(|((_, entry), place)| entry.outline(place, beside, writer));
    let outlines: Vec<Outline> = outlines.collect();
    let begins = placed(&outlines);
    let listed: Vec<(Wall, Option<&str>)> = begins
        .iter()
        .zip(&outlines)
        .map(|(begin, outline)| (*begin, outline.url.as_deref()))
        .collect();
    let chosen = choice.of(name, &listed)?;
    let entries = web_sockets.into_iter().map(|(_, entry)| Some(entry));
    let mut entries: Vec<_> = entries.collect();
    let mut sessions = Vec::with_capacity(chosen.len());
    let (mut timeless, mut left_out) = (0, 0);
    for which in chosen {
        let entry = entries[which].take().expect("each is chosen once");
        // A connection without any time, in an archive that has none for it, is an error.
        let outline = &outlines[which];
        let dated = outline.monotonic.is_some() || outline.has_date;
        let begin = dated.then_some(begins[which]);
        let session = entry.session(&places[which], beside, begin, writer)?;
        let has_times = outline.earliest.is_some() || outline.monotonic.is_some();
        timeless += usize::from(session.talks && !has_times);
        left_out += outline.left_out;
        sessions.push(session);
    }
    let mut lacks = lacks(creator, &sessions);
    if timeless > 0 {
        lacks.push(format!(
            "the messages of {timeless} of {} connections have no times, so they are placed in \
             order where their connection begins (Playwright leaves times out with mode: \
             'minimal')",
            sessions.len()
        ));
    }
    if left_out > 0 {
        lacks.push(format!(
            "{left_out} messages are missing, each with a mark: {STANDING_IN} writes their length \
             for binary ones and cuts long ones off; record with HTTPCRABBER_BINARY_BODIES=1 and a \
             larger HTTPCRABBER_MAX_BODY"
        ));
    }
    if let Some(creator) = creator.filter(|_| writer.times == Times::Squeezed) {
        lacks.push(format!(
            "{} writes times divided by a thousand (microsoft/playwright#41360), which was undone; \
             the time from the start of a connection to its first message is only known to the \
             second",
            creator.shown()
        ));
    }
    Ok((sessions, lacks))
}

/// When each connection began. One without a date is placed by its position in the list: after the
/// connection before it, and not later than the next one with a date. Between several such
/// connections the differences of their own clock are kept.
fn placed(outlines: &[Outline]) -> Vec<Wall> {
    let dated = |outline: &Outline| match (outline.begin, outline.earliest) {
        (Some(begin), Some(earliest)) => Some(begin.min(earliest)),
        (begin, earliest) => begin.or(earliest),
    };
    let mut begins = Vec::with_capacity(outlines.len());
    // The end of the last dated connection, and the first monotonic time after it.
    let mut before: Option<(Wall, Option<Micros>)> = None;
    for (at, outline) in outlines.iter().enumerate() {
        if let Some(begin) = dated(outline) {
            before = Some((begin.plus(outline.lasted), None));
            begins.push(begin);
            continue;
        }
        let next = outlines[at..].iter().find_map(dated);
        let (base, first) = before.unwrap_or((next.unwrap_or(Wall::ZERO), None));
        let clock = outline.monotonic.unwrap_or_default();
        let first = first.unwrap_or(clock);
        before = Some((base, Some(first)));
        let begin = base.plus(Micros(clock.0.saturating_sub(first.0)));
        begins.push(next.map_or(begin, |next| begin.min(next)));
    }
    begins
}

/// What the archive's writer evidently never records.
fn lacks(creator: Option<&Program>, sessions: &[Session<'_>]) -> Vec<String> {
    let is = |name| creator.is_some_and(|creator| creator.is(name));
    let count = |is: fn(&Session<'_>) -> bool| sessions.iter().filter(|s| is(s)).count();
    let accepted = count(|session| session.accepted);
    let silent = count(|session| session.accepted && !session.talks);
    let endless = count(|session| session.accepted && !session.ends);
    let mut lacks = Vec::new();
    if accepted > 0 && silent == accepted {
        let why = if is(FIREFOX) {
            FIREFOXS
        } else if is(PLAYWRIGHT) {
            "Playwright leaves them out with content: 'omit'; record with content: 'embed'"
        } else {
            "Firefox and Safari export none, and Playwright leaves them out with content: 'omit'; \
             record with Chrome's DevTools, or with content: 'embed'"
        };
        lacks.push(format!(
            "none of the {accepted} accepted connections has a message: {why}"
        ));
    }
    // Playwright records a single kind of end: the browser failed the connection.
    if endless > 0 && (endless == accepted || is(PLAYWRIGHT)) {
        let creator = creator.and_then(|creator| creator.name.as_deref());
        let creator = creator.unwrap_or("its writer");
        lacks.push(format!(
            "{endless} of {accepted} connections have no end, because {creator} does not record \
             it: they stay open to the end of the tape; --ends next-dial ends each when the next \
             one to its URL is dialed"
        ));
    }
    lacks
}

fn not_a_har(name: &str, text: &str, error: &serde_json::Error) -> ImportError {
    let said = error.to_string();
    let said = said
        .rsplit_once(" at line ")
        .map_or(said.as_str(), |(what, _)| what);
    let message = if error.is_eof() {
        "the HAR is cut off here: it was not completely written; export it again (Playwright \
         writes it when its context is closed)"
            .to_owned()
    } else if let Some(found) = known(text) {
        format!("expected a HAR (an object with log.entries), found {found}")
    } else {
        format!(
            "expected a HAR (an object with log.entries), found something else: {said}; \
                 {EXPORT}"
        )
    };
    ImportError::Flaw {
        name: name.to_owned(),
        place: format!(":{}:{}", error.line(), error.column()),
        message,
    }
}
