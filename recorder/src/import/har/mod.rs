//! HTTP archives (HAR 1.2) with WebSocket messages, as Chrome's `DevTools`, mitmproxy, HTTP Toolkit
//! and Playwright write them.
//!
//! An archive is one JSON document, so its text is held in memory, once: what is read of it are
//! slices, and messages are parsed one at a time as the tape asks for them. Those that Playwright
//! has put into files beside the archive are streamed from there.

mod entry;
mod messages;
mod place;

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::ImportError;
use super::session::Session;
use entry::Entry;
use place::Place;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    log: Log<'a>,
}

#[derive(Deserialize)]
struct Log<'a> {
    creator: Option<Creator>,
    #[serde(borrow)]
    entries: Entries<'a>,
}

#[derive(Deserialize)]
struct Creator {
    name: Option<String>,
}

/// What Chrome and what is built on it (Edge, Brave) call themselves.
const CHROME: &str = "WebInspector";

/// The entries that are `WebSockets`, by their place in the list, and how many there are in all.
struct Entries<'a> {
    web_sockets: Vec<(usize, Entry<'a>)>,
    all: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Each(PhantomData))
    }
}

/// Collects [`Entries`]: of an entry that is no WebSocket nothing is kept.
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
        while let Some(entry) = seq.next_element::<Entry<'a>>()? {
            if entry.is_web_socket() {
                entries.web_sockets.push((entries.all, entry));
            }
            entries.all += 1;
        }
        Ok(entries)
    }
}

/// What a file is whose bytes begin so, and what to do about it.
const DISGUISES: [(&[u8], &str); 4] = [
    (
        b"PK\x03\x04",
        "a zip archive; unpack it (unzip FILE -d FOLDER) and import the .har in it",
    ),
    (b"\x1f\x8b", "gzip; unpack it first (gunzip FILE)"),
    (
        b"\x78\xda",
        "zlib, as mitmproxy's .zhar is; export it as .har instead",
    ),
    (b"\xff\xfe", "UTF-16; save it as UTF-8"),
];

/// The text of an archive, without the byte order mark that some tools put before it. `name` is
/// what errors call it.
pub(super) fn text(name: &str, bytes: Vec<u8>) -> Result<String, ImportError> {
    let flaw = |message: String| ImportError::Flaw {
        name: name.to_owned(),
        place: String::new(),
        message,
    };
    for (magic, what) in DISGUISES {
        if bytes.starts_with(magic) {
            return Err(flaw(format!("expected a HAR, which is JSON, found {what}")));
        }
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        flaw(format!(
            "expected a HAR, which is UTF-8, found other bytes at byte {at}"
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
                       for those: recorder import mitmproxy";
        return Err(flaw(message.to_owned()));
    }
    if first != '{' {
        let message = "expected a HAR, which is a JSON object with log.entries, found another";
        return Err(flaw(message.to_owned()));
    }
    Ok(text)
}

/// The connections of an archive, in its order. `folder` is where it stands, and where files that
/// it names are looked for; `None` where it came by standard input.
pub(super) fn sessions<'a>(
    name: &str,
    text: &'a str,
    folder: Option<&Path>,
) -> Result<Vec<Session<'a>>, ImportError> {
    let document: Document<'a> =
        serde_json::from_str(text).map_err(|error| not_a_har(name, &error))?;
    let Entries { web_sockets, all } = document.log.entries;
    let creator = document.log.creator.and_then(|creator| creator.name);
    let is_chromes = creator.is_some_and(|name| name == CHROME);
    if web_sockets.is_empty() {
        let message = format!(
            "expected an entry with _webSocketMessages, found none among {all}; record with the \
             DevTools open before the page connects, or with Playwright's recordHar"
        );
        return Err(ImportError::Nothing {
            name: name.to_owned(),
            message,
        });
    }
    let session = |(index, entry): (usize, Entry<'a>)| {
        let place = Place {
            name: name.to_owned(),
            entry: index,
        };
        entry.session(&place, folder, is_chromes)
    };
    web_sockets.into_iter().map(session).collect()
}

fn not_a_har(name: &str, error: &serde_json::Error) -> ImportError {
    let said = error.to_string();
    let said = said
        .rsplit_once(" at line ")
        .map_or(said.as_str(), |(what, _)| what);
    let message = if error.is_eof() {
        "the HAR breaks off here; it was not written to its end".to_owned()
    } else {
        format!("expected a HAR (an object with log.entries), found another: {said}")
    };
    ImportError::Flaw {
        name: name.to_owned(),
        place: format!(":{}:{}", error.line(), error.column()),
        message,
    }
}
