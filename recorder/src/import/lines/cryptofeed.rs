//! Reads lines of cryptofeed's raw files, as its `AsyncFileCallback` writes them.
//!
//! | line | meaning |
//! | --- | --- |
//! | `1795750690.25: {…}` | the engine sent this message |
//! | `wss://… <- 1795750690.1: {…}` | the client sent this message |
//! | `wss://… <-> 1795750690.0` | the client dials |
//! | `https://… -> 1795750689.5: {…}`, `configuration: {…}` | not part of the connection |
//!
//! A binary message is written as Python writes bytes, `b'\x1f…'`.

use super::record::Place;
use crate::error::import::{ImportError, quoted};
use crate::import::session::{BINARY, Sender, TEXT};
use crate::import::wall::Wall;

/// The meaning of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The client dials.
    Dials(Wall),
    Message {
        at: Wall,
        from: Sender,
        opcode: u8,
        payload: Vec<u8>,
    },
    /// Not part of the connection: an HTTP answer, or the recorder's own settings.
    Beside,
}

impl Line {
    pub(super) fn read(place: &Place, text: &str) -> Result<Self, ImportError> {
        const SETTINGS: &str = "configuration: ";
        let is_url = text
            .split(' ')
            .next()
            .is_some_and(|first| first.contains("://"));
        if text.starts_with(SETTINGS) || is_url && text.starts_with("http") {
            return Ok(Self::Beside);
        }
        if !is_url {
            return message(place, Sender::Engine, text);
        }
        let Some((_, behind)) = text.split_once(" <") else {
            return Ok(Self::Beside);
        };
        if let Some(time) = behind.strip_prefix("-> ") {
            return Ok(Self::Dials(moment(place, time)?));
        }
        message(place, Sender::Client, behind.trim_start_matches("- "))
    }
}

fn moment(place: &Place, found: &str) -> Result<Wall, ImportError> {
    Wall::from_epoch(found).ok_or_else(|| {
        let found = quoted(found);
        place.flaw(format!("expected seconds since 1970, found {found}"))
    })
}

fn message(place: &Place, from: Sender, text: &str) -> Result<Line, ImportError> {
    let (time, said) = text.split_once(": ").ok_or_else(|| {
        let found = quoted(text);
        place.flaw(format!(
            "expected seconds, a colon and a message, as cryptofeed has them, found {found}"
        ))
    })?;
    let at = moment(place, time)?;
    let (opcode, payload) = match bytes(said) {
        Some(payload) => (BINARY, payload),
        None => (TEXT, said.as_bytes().to_vec()),
    };
    Ok(Line::Message {
        at,
        from,
        opcode,
        payload,
    })
}

/// Decodes bytes as Python writes them; `None` for any other text.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let quote = text
        .strip_prefix('b')?
        .chars()
        .next()
        .filter(|c| "'\"".contains(*c))?;
    let inside = text[2..].strip_suffix(quote)?;
    let mut out = Vec::with_capacity(inside.len());
    let mut rest = inside.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match rest.next()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Line, String> {
        let place = Place {
            name: "f".to_owned(),
            line: 1,
        };
        Line::read(&place, text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_is_told_by_its_arrow() {
        let at = |ms: i64| Wall::from_micros(1_795_750_690_000_000 + ms * 1_000);
        let said = |ms, from, opcode, payload: &[u8]| {
            let payload = payload.to_vec();
            Ok(Line::Message {
                at: at(ms),
                from,
                opcode,
                payload,
            })
        };
        for (text, line) in [
            ("wss://h/ws <-> 1795750690.0", Ok(Line::Dials(at(0)))),
            (
                "wss://h/ws <- 1795750690.1: {\"op\":\"a <- b\"}",
                said(100, Sender::Client, TEXT, b"{\"op\":\"a <- b\"}"),
            ),
            (
                "1795750690.25: {\"u\":\"wss://h <-> x\"}",
                said(250, Sender::Engine, TEXT, b"{\"u\":\"wss://h <-> x\"}"),
            ),
            (
                r"1795750690.5: b'\x1f\x8b\n\'a\\'",
                said(500, Sender::Engine, BINARY, b"\x1f\x8b\n'a\\"),
            ),
            (
                "https://h/v1 -> 1795750689.0: {} header: {}",
                Ok(Line::Beside),
            ),
            ("https://h/v1 <- 1795750689.0: {}", Ok(Line::Beside)),
            (
                "configuration: {\"trades\": [\"BTC-USD\"]}",
                Ok(Line::Beside),
            ),
        ] {
            assert_eq!(read(text), line, "{text}");
        }
        let error = read("{\"a\":1}").unwrap_err();
        assert!(error.contains("as cryptofeed has them"), "{error}");
        let error = read("soon: {\"a\":1}").unwrap_err();
        assert!(
            error.contains("expected seconds since 1970, found \"soon\""),
            "{error}"
        );
    }
}
