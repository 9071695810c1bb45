//! Looks through a tape's text for secrets that stand in it.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use wstape_tape::{Action, Step};

use super::client;
use super::escape::{percent_decode, unescape};
use super::known::{Form, Known};
use super::shapes;

/// How often escapes within escapes are undone: JSON in a string of JSON in a string.
const MAX_ESCAPES: usize = 4;

/// Most bytes of a line that are looked at as one; what is longer is looked at in pieces that
/// overlap.
const MAX_PIECE_BYTES: usize = 1 << 20;

/// By so much pieces overlap: more than the longest form of the longest value that is looked for.
const OVERLAP_BYTES: usize = 8 << 10;

/// What is wrong with one line.
pub(super) fn line(text: &[u8], known: &Known) -> Option<String> {
    if let Some(what) = login(text) {
        return Some(what);
    }
    if text.len() <= MAX_PIECE_BYTES {
        return piece(text, known);
    }
    let mut start = 0;
    loop {
        let end = text.len().min(start + MAX_PIECE_BYTES);
        let hit = piece(&text[start..end], known);
        if hit.is_some() || end == text.len() {
            return hit;
        }
        start = end - OVERLAP_BYTES;
    }
}

/// What a client logs in with in a step that says what one sent.
fn login(line: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"received\"";
    memchr::memmem::find(line, KEY)?;
    let line = std::str::from_utf8(line).ok()?;
    let step = Step::parse("scanned", 0, line.trim_end()).ok()?;
    let Action::Received(received) = &step.action else {
        return None;
    };
    let text = received.text.as_deref().map(str::as_bytes);
    client::find(text.or(received.binary.as_deref())?)
}

fn piece(text: &[u8], known: &Known) -> Option<String> {
    let mut text = Cow::Borrowed(text);
    for level in 0..=MAX_ESCAPES {
        if let Some(found) = view(&text, known, level > 0, false) {
            return Some(found);
        }
        let mut decoded = percent_decode(&text);
        for _ in 0..MAX_ESCAPES {
            if matches!(decoded, Cow::Borrowed(_)) {
                break;
            }
            if let Some(found) = view(&decoded, known, level > 0, true) {
                return Some(found);
            }
            let again = percent_decode(&decoded);
            if *again == *decoded {
                break;
            }
            decoded = Cow::Owned(again.into_owned());
        }
        let plain = unescape(&text);
        if matches!(plain, Cow::Borrowed(_)) || *plain == *text {
            break;
        }
        text = Cow::Owned(plain.into_owned());
    }
    None
}

/// What stands in a text with escapes undone as far as they are.
fn view(text: &[u8], known: &Known, escaped: bool, percent: bool) -> Option<String> {
    let (what, form) = match known.find(text) {
        Some((what, form)) => (what.to_owned(), form),
        None => shapes::find(text).map(|found| (found.what.to_owned(), found.form))?,
    };
    let mut said = what;
    if form == Form::Base64 {
        said.push_str(", in base64");
    }
    if percent {
        said.push_str(", percent-encoded");
    } else if escaped {
        said.push_str(", JSON-escaped");
    }
    Some(said)
}

/// A line's number, what stands there, and its text, or the piece of it that was looked at.
pub(super) type Place = (u64, String, Vec<u8>);

/// The first secret in a whole tape. One line of it is in memory at a time.
pub(super) fn read(mut reader: impl BufRead, known: &Known) -> io::Result<Option<Place>> {
    let mut buffer = Vec::new();
    let mut number = 1;
    loop {
        buffer.clear();
        let mut piece = reader.by_ref().take(MAX_PIECE_BYTES as u64);
        // A line longer than that comes in pieces, each with the end of the one before.
        let mut read = piece.read_until(b'\n', &mut buffer)?;
        while read > 0 {
            if let Some(what) = line(&buffer, known) {
                return Ok(Some((number, what, buffer)));
            }
            if buffer.ends_with(b"\n") {
                break;
            }
            let kept = buffer.len().saturating_sub(OVERLAP_BYTES);
            buffer.drain(..kept);
            let mut piece = reader
                .by_ref()
                .take((MAX_PIECE_BYTES - OVERLAP_BYTES) as u64);
            read = piece.read_until(b'\n', &mut buffer)?;
        }
        if read == 0 {
            return Ok(None);
        }
        number += 1;
    }
}
