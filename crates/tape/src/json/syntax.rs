//! Whether a text is a JSON object: a fast check that builds nothing.
//!
//! What a recorder writes as JSON must be JSON, and checking that would be most of a message's
//! cost. A text that fails goes to `node`, which says what is wrong.

use super::node;
use super::special::{behind_digits, next_special};

/// How many nested containers one word can track; a deeper text is left to `node`.
const MAX_DEPTH: u32 = u64::BITS;

/// Whether `text` is one JSON object (RFC 8259), with or without space around it.
pub(crate) fn is_object(text: &str) -> bool {
    match Walk::new(text.as_bytes()).object() {
        Ok(()) => true,
        Err(Stopped::Wrong) => false,
        Err(Stopped::Deep) => node::parse(text).is_ok(),
    }
}

/// Why a walk did not reach the end.
enum Stopped {
    Wrong,
    /// Containers are nested deeper than can be tracked.
    Deep,
}

/// What the innermost open container is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    Object,
    Array,
}

struct Walk<'t> {
    text: &'t [u8],
    at: usize,
    /// A bit for each open container, the innermost lowest: set for an object.
    open: u64,
    depth: u32,
}

impl<'t> Walk<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self {
            text,
            at: 0,
            open: 0,
            depth: 0,
        }
    }

    fn object(mut self) -> Result<(), Stopped> {
        self.space();
        if self.peek() != Some(b'{') {
            return Err(Stopped::Wrong);
        }
        loop {
            if self.value()? {
                // A container was opened, and it is not empty.
                continue;
            }
            if !self.behind_value()? {
                return Ok(());
            }
        }
    }

    /// Skips a value, or the beginning of one; returns true if the next value is inside it.
    fn value(&mut self) -> Result<bool, Stopped> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string()?;
            }
            Some(b'{') => return self.open(Within::Object),
            Some(b'[') => return self.open(Within::Array),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            _ => return Err(Stopped::Wrong),
        }
        Ok(false)
    }

    fn open(&mut self, container: Within) -> Result<bool, Stopped> {
        self.at += 1;
        self.space();
        let close = if container == Within::Object {
            b'}'
        } else {
            b']'
        };
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        if self.depth == MAX_DEPTH {
            return Err(Stopped::Deep);
        }
        self.depth += 1;
        self.open = self.open << 1 | u64::from(container == Within::Object);
        if container == Within::Object {
            self.key()?;
        }
        Ok(true)
    }

    fn within(&self) -> Within {
        match (self.depth, self.open & 1) {
            (0, _) => Within::Nothing,
            (_, 1) => Within::Object,
            _ => Within::Array,
        }
    }

    /// Skips what is between a value and the next; returns false if that was the last.
    fn behind_value(&mut self) -> Result<bool, Stopped> {
        loop {
            self.space();
            let next = self.peek();
            match (self.within(), next) {
                (Within::Nothing, None) => return Ok(false),
                (Within::Object, Some(b',')) => {
                    self.at += 1;
                    self.space();
                    self.key()?;
                    return Ok(true);
                }
                (Within::Array, Some(b',')) => {
                    self.at += 1;
                    self.space();
                    return Ok(true);
                }
                (Within::Object, Some(b'}')) | (Within::Array, Some(b']')) => {
                    self.at += 1;
                    self.depth -= 1;
                    self.open >>= 1;
                }
                _ => return Err(Stopped::Wrong),
            }
        }
    }

    /// Skips a key, its colon, and the space after that.
    fn key(&mut self) -> Result<(), Stopped> {
        self.take(b'"')?;
        self.string()?;
        self.space();
        self.take(b':')?;
        self.space();
        Ok(())
    }

    /// Skips the rest of a string, including its closing quote.
    fn string(&mut self) -> Result<(), Stopped> {
        loop {
            self.at = next_special(self.text, self.at);
            self.at += 1;
            match self.text.get(self.at - 1) {
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.escape()?,
                _ => return Err(Stopped::Wrong),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Stopped> {
        let escape = self.peek();
        self.at += 1;
        match escape {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => {
                let digits = self.text.get(self.at..self.at + 4);
                self.at += 4;
                match digits {
                    Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(()),
                    _ => Err(Stopped::Wrong),
                }
            }
            _ => Err(Stopped::Wrong),
        }
    }

    fn number(&mut self) -> Result<(), Stopped> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Skips digits, at least one.
    fn digits(&mut self) -> Result<(), Stopped> {
        let from = self.at;
        self.at = behind_digits(self.text, from);
        if self.at > from {
            Ok(())
        } else {
            Err(Stopped::Wrong)
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Stopped> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(Stopped::Wrong)
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Stopped> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Stopped::Wrong)
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::is_object;

    /// What `serde_json` says.
    fn expected(text: &str) -> bool {
        text.trim_start_matches([' ', '\t', '\n', '\r'])
            .starts_with('{')
            && serde_json::from_str::<&RawValue>(text).is_ok()
    }

    /// Values of every kind, nested or not.
    fn json() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            r#""([ -!#-\[\]-~äß€]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){0,12}""#,
            "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
            "true|false|null",
        ];
        scalar.prop_recursive(5, 60, 6, |inner| {
            let space = "[ \t]{0,2}";
            let member = (space, "[a-z\\\\\"]{0,3}", space, inner.clone(), space).prop_map(
                |(a, key, b, value, c)| {
                    let key = serde_json::to_string(&key).unwrap();
                    format!("{a}{key}{b}:{b}{value}{c}")
                },
            );
            prop_oneof![
                proptest::collection::vec(inner, 0..5).prop_map(|of| format!("[{}]", of.join(","))),
                proptest::collection::vec(member, 0..5)
                    .prop_map(|of| format!("{{{}}}", of.join(","))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn it_is_an_object_where_another_reader_says_so(text in json()) {
            prop_assert_eq!(is_object(&text), expected(&text), "{}", text);
            let within = format!(" {{\"a\":{text}}} ");
            prop_assert!(is_object(&within), "{}", within);
        }

        #[test]
        fn a_text_with_something_changed_in_it_is_one_where_another_reader_says_so(
            text in json(),
            at in any::<prop::sample::Index>(),
            removed in 0_usize..3,
            put in "[\\[\\]{}:,\"0-9eE.+\\- \n\u{1}tu\\\\]{0,2}",
        ) {
            let text = format!("{{\"a\":{text}}}");
            let at = text.floor_char_boundary(at.index(text.len()));
            let end = text.ceil_char_boundary((at + removed).min(text.len()));
            let changed = format!("{}{put}{}", &text[..at], &text[end..]);
            prop_assert_eq!(is_object(&changed), expected(&changed), "{}", changed);
        }
    }

    #[test]
    fn what_is_deeper_than_is_kept_is_read_all_the_same() {
        for depth in [63, 64, 65, 66, 200, 10_000] {
            let text = format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
            assert!(is_object(&text), "{depth}");
            assert!(!is_object(&text.replace("1]", "1")), "{depth}");
        }
    }

    #[test]
    fn other_values_and_torn_objects_are_none() {
        for text in [
            "",
            " ",
            "1",
            "[]",
            "\"{}\"",
            "{",
            "{}{}",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1,}",
        ] {
            assert!(!is_object(text), "{text}");
        }
        assert!(is_object("\r\n{}\t"));
    }
}
