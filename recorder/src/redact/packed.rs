//! Reads MessagePack and CBOR as the equivalent JSON, so that a login in them is recognized as in
//! any other message.
//!
//! SignalR puts the length before each MessagePack message, and may send several at once.

use std::fmt::Write;
use std::ops::Range;

use super::lookahead::scalar_length;
use super::walker::content_end;

/// How many levels of lists and maps are read. A message with more is not taken for one of these
/// formats.
const MAX_DEPTH: usize = 64;

/// A message in one of the two formats, and the equivalent JSON.
#[derive(Debug)]
pub(super) struct Packed<'p> {
    bytes: &'p [u8],
    form: Form,
    /// Where the message begins after its length; 0 if there is no length.
    begin: usize,
    /// The JSON. Each string, number and word in it stands for one of `parts` of the bytes.
    json: String,
    parts: Vec<Range<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    MessagePack,
    Cbor,
}

impl<'p> Packed<'p> {
    /// The messages in `bytes`, if these consist of maps and lists in one of the formats; `None`
    /// otherwise.
    pub(super) fn all(bytes: &'p [u8]) -> Option<Vec<Self>> {
        let each = |one: fn(&'p [u8]) -> Option<Self>| {
            let mut messages = Vec::new();
            let mut rest = bytes;
            while !rest.is_empty() {
                let message = one(rest)?;
                rest = &rest[message.bytes.len()..];
                messages.push(message);
            }
            (!messages.is_empty()).then_some(messages)
        };
        each(|rest| Self::first(rest, Form::MessagePack, 0))
            .or_else(|| each(|rest| Self::first(rest, Form::Cbor, 0)))
            .or_else(|| {
                each(|rest| {
                    let (at, length) = length_before(rest)?;
                    let whole = rest.get(..at.checked_add(length)?)?;
                    Self::first(whole, Form::MessagePack, at).filter(|one| one.bytes == whole)
                })
            })
    }

    /// The first message, which begins at `at`.
    fn first(bytes: &'p [u8], form: Form, at: usize) -> Option<Self> {
        let mut reader = Reader::new(bytes, form, at);
        reader.container()?;
        let end = reader.at;
        let mut packed = reader.packed;
        packed.bytes = &bytes[..end];
        packed.begin = at;
        Some(packed)
    }

    /// The whole message, including the length before it.
    pub(super) fn bytes(&self) -> &'p [u8] {
        self.bytes
    }

    pub(super) fn json(&self) -> &str {
        &self.json
    }

    /// The message after strings and numbers in its JSON were edited; everything else keeps its
    /// bytes. `None` if the edited JSON has another structure.
    pub(super) fn edited(&self, json: &[u8]) -> Option<Vec<u8>> {
        let before = tokens(self.json.as_bytes());
        let after = tokens(json);
        if before.len() != after.len() || before.len() != self.parts.len() {
            return None;
        }
        let mut out = Vec::with_capacity(self.bytes.len());
        let mut copied = 0;
        for ((before, after), part) in before.iter().zip(&after).zip(&self.parts) {
            let (before, after) = (&self.json.as_bytes()[before.clone()], &json[after.clone()]);
            if before == after {
                continue;
            }
            out.extend_from_slice(&self.bytes[copied..part.start]);
            copied = part.end;
            match serde_json::from_slice(after) {
                Ok(serde_json::Value::String(text)) => self.form.string(&text, &mut out),
                // Every number is replaced by 0, which is the same byte in both formats.
                _ => out.push(0),
            }
        }
        out.extend_from_slice(&self.bytes[copied..]);
        if self.begin > 0 {
            let rest = out.split_off(self.begin);
            out.clear();
            write_length(rest.len(), &mut out);
            out.extend(rest);
        }
        Some(out)
    }
}

impl Form {
    fn string(self, text: &str, out: &mut Vec<u8>) {
        let length = text.len().to_be_bytes();
        let [.., high, low] = length;
        match (self, text.len()) {
            (Self::MessagePack, 0..32) => out.push(0xa0 | low),
            (Self::MessagePack, 32..256) => out.extend([0xd9, low]),
            (Self::MessagePack, _) => out.extend([&[0xdb], &length[4..]].concat()),
            (Self::Cbor, 0..24) => out.push(0x60 | low),
            (Self::Cbor, 24..256) => out.extend([0x78, low]),
            (Self::Cbor, 256..65_536) => out.extend([0x79, high, low]),
            (Self::Cbor, _) => out.extend([&[0x7a], &length[4..]].concat()),
        }
        out.extend_from_slice(text.as_bytes());
    }
}

/// The offset of a message after its length, and the length: a number with seven bits in each byte.
fn length_before(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return (length > 0).then_some((at + 1, length));
        }
    }
    None
}

fn write_length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let low = length.to_le_bytes()[0] & 0x7f;
        length >>= 7;
        out.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            return;
        }
    }
}

/// The positions of the strings, numbers and words in valid JSON.
fn tokens(json: &[u8]) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let end = match byte {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => {
                at += 1;
                continue;
            }
            b'"' => json.len().min(content_end(json, at + 1) + 1),
            _ => at + scalar_length(&json[at..]),
        };
        tokens.push(at..end);
        at = end;
    }
    tokens
}

struct Reader<'p> {
    packed: Packed<'p>,
    at: usize,
    depth: usize,
}

impl<'p> Reader<'p> {
    fn new(bytes: &'p [u8], form: Form, at: usize) -> Self {
        let packed = Packed {
            bytes,
            form,
            begin: 0,
            json: String::new(),
            parts: Vec::new(),
        };
        Self {
            packed,
            at,
            depth: 0,
        }
    }

    fn take(&mut self, count: usize) -> Option<&'p [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.packed.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    /// Takes a big-endian number of this many bytes.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        let taken = self.take(bytes)?;
        Some(taken.iter().fold(0, |n, byte| (n << 8) | u64::from(*byte)))
    }

    fn length(&mut self, bytes: usize) -> Option<usize> {
        self.number(bytes)?.try_into().ok()
    }

    /// Reads a whole message, which must be a map or a list.
    fn container(&mut self) -> Option<()> {
        self.value()?;
        self.packed.json.starts_with(['{', '[']).then_some(())
    }

    fn value(&mut self) -> Option<()> {
        let start = self.at;
        match self.packed.form {
            Form::MessagePack => self.message_pack(start),
            Form::Cbor => self.cbor(start),
        }
    }

    fn message_pack(&mut self, start: usize) -> Option<()> {
        let byte = self.byte()?;
        let width = |low: u8| 1_usize << low;
        match byte {
            0..=0x7f => self.scalar(start, byte),
            0x80..=0x8f => self.map(Some(usize::from(byte & 0xf))),
            0x90..=0x9f => self.list(Some(usize::from(byte & 0xf))),
            0xa0..=0xbf => self.text(start, usize::from(byte & 0x1f)),
            0xc0 | 0xc1 => self.scalar(start, "null"),
            0xc2 | 0xc3 => self.scalar(start, byte == 0xc3),
            0xc4..=0xc6 => {
                let length = self.length(width(byte - 0xc4))?;
                self.text(start, length)
            }
            0xc7..=0xc9 => {
                let length = self.length(width(byte - 0xc7))?;
                self.take(length.checked_add(1)?)?;
                self.scalar(start, "null")
            }
            0xca | 0xcb => {
                self.take(width(byte - 0xca + 2))?;
                self.scalar(start, "0.5")
            }
            0xcc..=0xcf => {
                let number = self.number(width(byte - 0xcc))?;
                self.scalar(start, number)
            }
            0xd0..=0xd3 => {
                let number = self.number(width(byte - 0xd0))?;
                self.scalar(start, number)
            }
            0xd4..=0xd8 => {
                self.take(width(byte - 0xd4) + 1)?;
                self.scalar(start, "null")
            }
            0xd9..=0xdb => {
                let length = self.length(width(byte - 0xd9))?;
                self.text(start, length)
            }
            0xdc | 0xdd => {
                let items = self.length(width(byte - 0xdc + 1))?;
                self.list(Some(items))
            }
            0xde | 0xdf => {
                let members = self.length(width(byte - 0xde + 1))?;
                self.map(Some(members))
            }
            0xe0..=0xff => self.scalar(start, byte.cast_signed()),
        }
    }

    fn cbor(&mut self, start: usize) -> Option<()> {
        let byte = self.byte()?;
        let (major, low) = (byte >> 5, byte & 0x1f);
        let number = match low {
            0..24 => Some(u64::from(low)),
            24..28 => Some(self.number(1 << (low - 24))?),
            31 => None,
            _ => return None,
        };
        let length = number.map(usize::try_from).transpose().ok()?;
        match major {
            0 | 1 => self.scalar(start, number?),
            2 | 3 => self.text(start, length?),
            4 => self.list(length),
            5 => self.map(length),
            // A tag, followed by its value.
            6 => self.nested(Self::value),
            _ => match low {
                20 | 21 => self.scalar(start, low == 21),
                25..28 => self.scalar(start, "0.5"),
                31 => None,
                _ => self.scalar(start, "null"),
            },
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        self.depth += 1;
        let read = (self.depth <= MAX_DEPTH).then(|| read(self)).flatten();
        self.depth -= 1;
        read
    }

    /// Reads this many items, or for CBOR without a length, those before its break.
    fn each(&mut self, many: Option<usize>, item: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        /// Ends a CBOR container without a length.
        const BREAK: u8 = 0xff;
        let mut count = 0;
        while many.is_none_or(|many| count < many) {
            if many.is_none() && self.packed.bytes.get(self.at) == Some(&BREAK) {
                self.at += 1;
                break;
            }
            if count > 0 {
                self.packed.json.push(',');
            }
            item(self)?;
            count += 1;
        }
        Some(())
    }

    fn list(&mut self, items: Option<usize>) -> Option<()> {
        self.packed.json.push('[');
        self.nested(|reader| reader.each(items, Self::value))?;
        self.packed.json.push(']');
        Some(())
    }

    fn map(&mut self, members: Option<usize>) -> Option<()> {
        self.packed.json.push('{');
        let member = |reader: &mut Self| {
            let start = reader.packed.json.len();
            reader.value()?;
            // JSON has no numbers as names.
            if !reader.packed.json[start..].starts_with('"') {
                let name = reader.packed.json.split_off(start);
                let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), " ");
                write!(reader.packed.json, "\"{name}\"").ok()?;
            }
            reader.packed.json.push(':');
            reader.value()
        };
        self.nested(|reader| reader.each(members, member))?;
        self.packed.json.push('}');
        Some(())
    }

    fn scalar(&mut self, start: usize, value: impl std::fmt::Display) -> Option<()> {
        self.packed.parts.push(start..self.at);
        write!(self.packed.json, "{value}").ok()
    }

    /// Reads a string, or bytes; only the length is kept of bytes that are not text.
    fn text(&mut self, start: usize, length: usize) -> Option<()> {
        let bytes = self.take(length)?;
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => serde_json::to_string(text).ok()?,
            Err(_) => format!("\"{length} bytes\""),
        };
        self.scalar(start, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: &[u8]) -> Option<Packed<'_>> {
        Packed::all(bytes)?.pop()
    }

    /// `{"op":"auth","args":["k",1,true,null],"n":-1}` and a byte string.
    fn message_pack() -> Vec<u8> {
        let mut bytes = b"\x84\xa2op\xa4auth\xa4args\x94\xa1k\x01\xc3\xc0\xa1n\xff".to_vec();
        bytes.extend(b"\xa1b\xc4\x02\xfe\xff");
        bytes
    }

    fn cbor() -> Vec<u8> {
        let mut bytes = b"\xa4\x62op\x64auth\x64args\x84\x61k\x01\xf5\xf6\x61n\x00".to_vec();
        bytes.extend(b"\x61b\x42\xfe\xff");
        bytes
    }

    #[test]
    fn both_forms_are_read_as_json_and_keep_every_byte_that_is_not_edited() {
        for (bytes, n) in [(message_pack(), "-1"), (cbor(), "0")] {
            let packed = one(&bytes).unwrap();
            let json = format!(r#"{{"op":"auth","args":["k",1,true,null],"n":{n},"b":"2 bytes"}}"#);
            assert_eq!(packed.json(), json);
            assert_eq!(packed.edited(json.as_bytes()), Some(bytes.clone()));
            let edited = json
                .replace("\"k\"", "\"longer\"")
                .replace("[\"longer\",1", "[\"longer\",0");
            let edited = packed.edited(edited.as_bytes()).unwrap();
            let again = one(&edited).unwrap();
            assert!(
                again.json().contains(r#"["longer",0,true,null]"#),
                "{}",
                again.json()
            );
            assert!(edited.ends_with(&bytes[bytes.len() - 4..]));
        }
    }

    #[test]
    fn a_message_behind_its_length_keeps_one_that_is_right() {
        let body = message_pack();
        let mut bytes = vec![u8::try_from(body.len()).unwrap()];
        bytes.extend(&body);
        let packed = one(&bytes).unwrap();
        let edited = packed
            .json()
            .replace("\"k\"", &format!("{:?}", "x".repeat(200)));
        let edited = packed.edited(edited.as_bytes()).unwrap();
        assert_eq!(length_before(&edited), Some((2, edited.len() - 2)));
        assert!(one(&edited).is_some());
    }

    #[test]
    fn several_messages_one_behind_the_other_are_read_each() {
        let framed = [
            &[u8::try_from(message_pack().len()).unwrap()][..],
            &message_pack(),
        ]
        .concat();
        for one in [message_pack(), cbor(), framed] {
            let all = one.repeat(3);
            let read = Packed::all(&all).unwrap();
            assert_eq!(read.len(), 3);
            assert!(read.iter().all(|message| message.bytes() == one));
        }
    }

    #[test]
    fn what_is_torn_or_another_is_none() {
        for whole in [message_pack(), cbor()] {
            for length in 0..whole.len() {
                assert!(one(&whole[..length]).is_none(), "{length}");
            }
        }
        let deep = vec![0x91; 1 << 20];
        assert!(Packed::all(&deep).is_none());
        assert!(Packed::all(&[0xdd, 0xff, 0xff, 0xff, 0xff]).is_none());
        assert!(Packed::all(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_none());
        assert!(Packed::all(b"{\"a\":1}").is_none());
    }
}
