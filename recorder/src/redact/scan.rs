//! Searches a tape's text for remaining secrets.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use wstape_tape::{Action, Step};

use super::client;
use super::escape::{percent_decode, unescape};
use super::known::{Form, Known};
use super::shapes;

/// How many levels of escapes are undone: JSON in a string of JSON in a string.
const MAX_ESCAPES: usize = 4;

/// The longest line that is searched in one piece, in bytes. A longer line is searched in
/// overlapping pieces.
const MAX_PIECE_BYTES: usize = 1 << 20;

/// How many bytes pieces overlap: more than the longest form of the longest value searched for.
const OVERLAP_BYTES: usize = 8 << 10;

/// The key of a step with what a client sent.
static RECEIVED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"\"received\""));

/// Whether a text of one or more lines may contain anything that [`line`] finds. A cheap check that
/// says no for most messages of feeds.
///
/// The words that a secret must contain are visible in the text unless an escape hides them. They
/// consist of letters, digits and slashes, which only the escapes checked here can stand for.
pub(super) fn may_hold(text: &[u8], known: &Known) -> bool {
    shapes::may_stand_in(text)
        || has_received(text)
        || may_hide(text, !known.is_empty())
        || !known.is_empty() && known.find(text).is_some()
}

/// Whether a text has escapes that may hide something.
fn may_hide(text: &[u8], anything: bool) -> bool {
    // Most texts have neither character, which one search shows.
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'%', b'\\', rest) {
        // A value that was redacted may contain any character.
        if anything || rest[at] == b'%' {
            return true;
        }
        match rest.get(at + 1) {
            // These escapes may stand for a letter, a digit or a slash.
            Some(b'u' | b'/') => return true,
            _ => rest = &rest[at + 1..],
        }
    }
    false
}

/// Whether a line has the key for what a client sent. The same word as a value means nothing: every
/// second line of a journal has it, but is not a step.
fn has_received(text: &[u8]) -> bool {
    RECEIVED.find_iter(text).any(|at| {
        let behind = &text[at + RECEIVED.needle().len()..];
        let next = behind.iter().find(|byte| !byte.is_ascii_whitespace());
        next == Some(&b':')
    })
}

/// The secret in a line, if there is one.
pub(super) fn line(text: &[u8], known: &Known) -> Option<String> {
    if may_hold(text, known) {
        suspect_line(text, known)
    } else {
        None
    }
}

/// The offset of the first line with a secret, and what the secret is.
pub(super) fn lines(text: &[u8], known: &Known) -> Option<(usize, String)> {
    /// How many bytes are checked at once. If anything in them looks suspicious, their lines are
    /// checked one by one.
    const MAX_TOGETHER_BYTES: usize = 16 << 10;
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let cut = rest.get(..MAX_TOGETHER_BYTES).unwrap_or(rest);
        let whole = memchr::memrchr(b'\n', cut).or_else(|| memchr::memchr(b'\n', rest));
        let together = &rest[..whole.map_or(rest.len(), |at| at + 1)];
        if may_hold(together, known) {
            let mut at = start;
            for one in together.split_inclusive(|b| *b == b'\n') {
                if let Some(what) = line(one, known) {
                    return Some((at, what));
                }
                at += one.len();
            }
        }
        start += together.len();
    }
    None
}

/// The secret in a line that looks suspicious, if there is one.
fn suspect_line(text: &[u8], known: &Known) -> Option<String> {
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

/// What a client logs in with, if the line is a step with what a client sent.
fn login(line: &[u8]) -> Option<String> {
    if !has_received(line) {
        return None;
    }
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

/// The secret in a text after some unescaping. `escaped` and `percent` tell what was undone.
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

/// The number of a line, the secret in it, and its text, or the piece of it that was searched.
pub(super) type Place = (u64, String, Vec<u8>);

/// The first secret in a whole tape, with one line of it in memory at a time.
pub(super) fn read(mut reader: impl BufRead, known: &Known) -> io::Result<Option<Place>> {
    let mut buffer = Vec::new();
    let mut number = 1;
    loop {
        buffer.clear();
        let mut piece = reader.by_ref().take(MAX_PIECE_BYTES as u64);
        // A longer line comes in pieces, each preceded by the end of the one before.
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

#[cfg(test)]
mod tests {
    use proptest::collection;
    use proptest::prelude::*;

    use super::super::escape::percent_encode;
    use super::super::generator::piece;
    use super::*;

    /// A piece of text as it may occur in a line: unchanged, in strings of JSON, percent-encoded,
    /// or with escaped characters.
    fn written() -> impl Strategy<Value = Vec<u8>> {
        let quoted = |text: Vec<u8>| {
            let text = String::from_utf8_lossy(&text).into_owned();
            serde_json::to_string(&text).unwrap().into_bytes()
        };
        let numbered = |text: Vec<u8>| {
            let text = String::from_utf8_lossy(&text).into_owned();
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            units.collect::<String>().into_bytes()
        };
        let slashed = |text: Vec<u8>| {
            let text = String::from_utf8_lossy(&text).replace('/', "\\/");
            text.into_bytes()
        };
        prop_oneof![
            3 => piece(),
            2 => piece().prop_map(quoted),
            1 => piece().prop_map(quoted).prop_map(quoted),
            1 => piece().prop_map(slashed),
            1 => piece().prop_map(numbered),
            1 => piece().prop_map(|text| percent_encode(&text)),
        ]
    }

    /// A text of several lines.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let received = Just(
            br#"{"at_ms":1,"received":{"kind":"text","text":"{\"op\":\"login\",\"k\":\"x\"}"}}"#,
        );
        let received = received.prop_map(|line| line.to_vec());
        let line = collection::vec(written(), 1..4).prop_map(|parts| parts.concat());
        let line = line.prop_map(|mut line| {
            line.retain(|b| *b != b'\n');
            line
        });
        let lines = collection::vec(prop_oneof![9 => line, 1 => received], 1..5);
        lines.prop_map(|lines| lines.join(&b'\n'))
    }

    fn known(values: &[Vec<u8>]) -> Known {
        let mut known = Known::default();
        for (id, value) in (0..).zip(values) {
            known.text(id, value, ["a value", ""]);
        }
        known
    }

    #[test]
    fn a_login_is_found_under_the_key_and_the_word_as_a_value_is_not_looked_at() {
        let login = r#"{"at_ms":1,"received" : {"kind":"text","text":"{\"op\":\"login\",\"args\":[\"hunter2hunter2\"]}"}}"#;
        let known = Known::default();
        assert!(line(login.as_bytes(), &known).is_some());
        let journal = br#"{"at_ms":1,"conn":1,"kind":"received","frame":"text","text":"a"}"#;
        assert!(!may_hold(journal, &known));
    }

    proptest! {
        #[test]
        fn no_line_is_passed_over_that_a_look_at_each_finds_something_in(
            text in text(),
            values in collection::vec(piece(), 0..2),
        ) {
            let known = known(&values);
            let mut at = 0;
            let mut expected = None;
            for line in text.split_inclusive(|b| *b == b'\n') {
                if let Some(what) = suspect_line(line, &known) {
                    expected = Some((at, what));
                    break;
                }
                at += line.len();
            }
            prop_assert_eq!(lines(&text, &known), expected, "{}", text.escape_ascii());
        }
    }
}
