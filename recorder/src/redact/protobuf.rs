//! Redacts protobuf without its schema: numbered fields, among which a text may tell what is next
//! to it.
//!
//! A field called `password` in a schema is only a number here, and stays. What can be recognized
//! is a pair of a name and its value, as maps and lists of headers are sent, and a message with a
//! word for a login as its first text.

use std::ops::Range;

use super::login::{LOGIN, is_login, is_secret_member};
use super::open_value::Value;
use super::places::{FILLING, are_filling};
use super::registry::SecretRegistry;

/// How many levels of messages are read.
const MAX_DEPTH: usize = 16;

/// A text, and the number of the message that contains it.
#[derive(Debug)]
struct Text {
    place: Range<usize>,
    message: usize,
}

/// The texts of a message, collected while it is read.
#[derive(Debug, Default)]
struct Texts {
    found: Vec<Text>,
    messages: usize,
}

/// Whether bytes are protobuf with at least one text.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let mut texts = Texts::default();
    texts.message(bytes, 0..bytes.len(), 0).is_some() && !texts.found.is_empty()
}

/// Replaces each secret in a message by as many bytes; `None` if there is none.
pub(super) fn redact(bytes: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let mut texts = Texts::default();
    texts.message(bytes, 0..bytes.len(), 0)?;
    let text = |text: &Text| std::str::from_utf8(&bytes[text.place.clone()]).unwrap_or_default();
    let login = texts
        .found
        .first()
        .is_some_and(|first| is_login(text(first)));
    let mut out = bytes.to_vec();
    let mut before: Option<&Text> = None;
    for one in &texts.found {
        let value = text(one);
        let named = before.filter(|before| before.message == one.message);
        let named = named.is_some_and(|name| {
            is_name(text(name)) && is_secret_member(text(name), Value::Text(value))
        });
        let secret = named || login && before.is_some();
        if secret && !are_filling(value.as_bytes()) {
            // From here on the value is also searched for elsewhere.
            if named {
                secrets.text(value.as_bytes(), LOGIN);
            } else {
                secrets.of_login(value.as_bytes(), value);
            }
            out[one.place.clone()].fill(FILLING);
        }
        // A value is not the name of what follows it.
        before = Some(one).filter(|_| !named).or(before.filter(|_| login));
    }
    (out != bytes).then_some(out)
}

fn is_name(text: &str) -> bool {
    const MAX_NAME_BYTES: usize = 48;
    let of_a_name = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    text.len() <= MAX_NAME_BYTES && text.bytes().all(of_a_name)
}

impl Texts {
    /// Reads the fields of the message at this position; `None` if it is not a message.
    fn message(&mut self, bytes: &[u8], place: Range<usize>, depth: usize) -> Option<()> {
        self.messages += 1;
        let number = self.messages;
        let mut at = place.start;
        if place.is_empty() || depth == MAX_DEPTH {
            return None;
        }
        while at < place.end {
            let tag = varint(bytes, &mut at, place.end)?;
            if tag >> 3 == 0 {
                return None;
            }
            match tag & 7 {
                0 => drop(varint(bytes, &mut at, place.end)?),
                1 => at += 8,
                5 => at += 4,
                2 => {
                    let length = usize::try_from(varint(bytes, &mut at, place.end)?).ok()?;
                    let end = at.checked_add(length).filter(|end| *end <= place.end)?;
                    self.field(bytes, at..end, number, depth);
                    at = end;
                }
                _ => return None,
            }
        }
        (at == place.end).then_some(())
    }

    /// Reads a field with a length: a text or a nested message.
    fn field(&mut self, bytes: &[u8], place: Range<usize>, message: usize, depth: usize) {
        let said = std::str::from_utf8(&bytes[place.clone()]).ok();
        let printable = |text: &&str| {
            text.chars()
                .all(|c| !c.is_control() || "\t\r\n".contains(c))
        };
        let text = said.filter(printable);
        // A message may look like a text: the tag of its first field may be a line break.
        let begins = bytes[place.clone()].first().is_some_and(|b| *b < b' ');
        if begins || text.is_none() {
            let found = self.found.len();
            if self.message(bytes, place.clone(), depth + 1).is_some() {
                return;
            }
            self.found.truncate(found);
        }
        if text.is_some_and(|text| !text.is_empty()) {
            self.found.push(Text { place, message });
        }
    }
}

/// Takes a number with seven bits in each byte, the lowest first.
fn varint(bytes: &[u8], at: &mut usize, end: usize) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes[..end].get(*at)?;
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field with a text or a message.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let head = [number << 3 | 2, u8::try_from(content.len()).unwrap()];
        [&head[..], content].concat()
    }

    #[test]
    fn a_value_behind_its_name_goes_and_all_lengths_stay() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let pair =
            |name: &[u8], value: &[u8]| field(3, &[field(1, name), field(2, value)].concat());
        let of = |value: &[u8]| {
            [
                b"\x08\x96\x01".to_vec(),
                pair(b"lang", b"en"),
                pair(b"password", value),
            ]
            .concat()
        };
        let clean = redact(&of(b"hunter2x"), &mut secrets).unwrap();
        assert_eq!(clean, of(b"--------"));
        assert_eq!(redact(&clean, &mut secrets), None);
    }

    #[test]
    fn what_stands_behind_a_word_that_says_login_goes() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let of = |user: &[u8], key: &[u8]| {
            [field(1, b"login"), field(2, &field(1, user)), field(4, key)].concat()
        };
        let clean = redact(
            &of(b"ada", b"CM78CPUeXjn8o3yroDHxUtKsZZgoy4GPkPPXfouKNH12"),
            &mut secrets,
        );
        assert_eq!(clean.unwrap(), of(b"---", &[b'-'; 44]));
    }

    #[test]
    fn texts_that_say_nothing_and_other_bytes_stay() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        for bytes in [
            [
                field(1, b"subscribe"),
                field(2, b"BTC-USD"),
                field(2, b"token"),
                field(2, b"USDT"),
            ]
            .concat(),
            field(1, b"login"),
            b"login\0hunter2x".to_vec(),
            b"\x0a\xff".to_vec(),
            Vec::new(),
            vec![0x0a; 1 << 16],
        ] {
            assert_eq!(
                redact(&bytes, &mut secrets),
                None,
                "{}",
                bytes.escape_ascii()
            );
        }
    }
}
