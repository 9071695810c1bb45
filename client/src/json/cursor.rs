//! A place in a text that is being read.

/// Most levels of lists and objects followed. It is far below the general decoder's own limit,
/// which alone decides what is too deep.
const MAX_LEVELS: u32 = 16;

/// How many bytes of a string are searched at a time.
const WORD: usize = size_of::<u64>();
/// A one in each byte of a word.
const ONES: u64 = u64::MAX / 0xff;
/// The highest bit of each byte of a word.
const HIGHS: u64 = ONES << 7;

/// A place in the text of one JSON value. Whatever it can't read gives `None`; its position then
/// means nothing.
#[derive(Clone)]
pub(crate) struct Cursor<'t> {
    text: &'t str,
    /// Index of the next byte.
    at: usize,
    /// Levels of lists and objects that may still be opened.
    levels: u32,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            levels: MAX_LEVELS,
        }
    }

    /// Levels that may still be opened.
    #[inline]
    pub(super) fn levels(&self) -> u32 {
        self.levels
    }

    /// The next byte, if there is one.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The text from here on.
    #[inline]
    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Skips this many bytes, which must be there.
    #[inline]
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        debug_assert!(self.at <= self.text.len(), "there are bytes to go past");
    }

    #[cfg(test)]
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The text of the next bytes.
    pub(super) fn ahead(&self, bytes: usize) -> Option<&'t str> {
        self.text.get(self.at..self.at + bytes)
    }

    /// Skips white space: usually one space, or none.
    #[inline]
    pub(crate) fn space(&mut self) {
        if self.peek() > Some(b' ') {
            return;
        }
        if self.peek() == Some(b' ') {
            self.at += 1;
            if self.peek() > Some(b' ') {
                return;
            }
        }
        self.more_space();
    }

    #[cold]
    fn more_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes this byte, which must come next.
    #[inline]
    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Takes the opening of a list or an object; if it closes at once, takes that too and returns
    /// `false`.
    #[inline]
    pub(crate) fn open(&mut self, opening: u8, closing: u8) -> Option<bool> {
        self.byte(opening)?;
        self.levels = self.levels.checked_sub(1)?;
        self.space();
        let closes = self.byte(closing).is_some();
        self.levels += u32::from(closes);
        Some(!closes)
    }

    /// After an element, takes the comma (`true`) or the closing character (`false`).
    #[inline]
    pub(crate) fn more(&mut self, closing: u8) -> Option<bool> {
        self.space();
        let byte = self.peek()?;
        if byte == b',' {
            self.at += 1;
            self.space();
            return Some(true);
        }
        (byte == closing).then(|| {
            self.at += 1;
            self.levels += 1;
            false
        })
    }

    /// Takes this literal, which must come next.
    #[inline]
    pub(super) fn literal(&mut self, literal: &str) -> Option<()> {
        self.rest()
            .starts_with(literal.as_bytes())
            .then(|| self.at += literal.len())
    }

    /// Takes `null` if that comes next.
    #[inline]
    pub(super) fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.literal("null").is_some()
    }

    /// Takes a string without escapes.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<&'t str> {
        // Most are shorter than a word.
        if let Some([b'"', word @ ..]) = self.rest().first_chunk::<{ 1 + WORD }>() {
            let word = u64::from_le_bytes(*word);
            let found = special(word);
            if found != 0 {
                let length = found.trailing_zeros() as usize / 8;
                if (word >> (8 * length)) & 0xff != u64::from(b'"') {
                    return None;
                }
                let start = self.at + 1;
                self.at = start + length + 1;
                return self.text.get(start..start + length);
            }
        }
        self.long_string()
    }

    #[inline(never)]
    fn long_string(&mut self) -> Option<&'t str> {
        let [b'"', rest @ ..] = self.rest() else {
            return None;
        };
        let mut length = 0;
        let mut tail = rest;
        while let Some((word, next)) = tail.split_first_chunk::<WORD>() {
            let found = special(u64::from_le_bytes(*word));
            if found != 0 {
                length += found.trailing_zeros() as usize / 8;
                return self.end_of_string(rest, length);
            }
            length += WORD;
            tail = next;
        }
        length += tail
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        self.end_of_string(rest, length)
    }

    /// Takes a string of this many bytes after its opening quote, if a quote follows them.
    #[inline]
    fn end_of_string(&mut self, rest: &'t [u8], length: usize) -> Option<&'t str> {
        if *rest.get(length)? != b'"' {
            return None;
        }
        let start = self.at + 1;
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    /// Takes a key and its colon, both as in `"key":`, if that comes next.
    #[inline]
    pub(crate) fn guessed_key(&mut self, quoted: &str) -> bool {
        let hit = begins_with(self.rest(), quoted.as_bytes());
        if hit {
            self.at += quoted.len();
            self.space();
        }
        hit
    }

    /// The next `bytes` bytes, if they begin and end with a quote; what lies between is unchecked.
    #[inline]
    pub(crate) fn quoted(&self, bytes: usize) -> Option<&'t [u8]> {
        match self.rest().get(..bytes)? {
            [b'"', within @ .., b'"'] => Some(within),
            _ => None,
        }
    }

    /// Takes a key and its colon.
    #[inline]
    pub(crate) fn key(&mut self) -> Option<&'t str> {
        let key = self.string()?;
        self.space();
        self.byte(b':')?;
        self.space();
        Some(key)
    }

    /// Skips a value of any shape.
    pub(crate) fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' => {
                let mut more = self.open(b'{', b'}')?;
                while more {
                    self.key()?;
                    self.skip()?;
                    more = self.more(b'}')?;
                }
                Some(())
            }
            b'[' => {
                let mut more = self.open(b'[', b']')?;
                while more {
                    self.skip()?;
                    more = self.more(b']')?;
                }
                Some(())
            }
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number().map(|_| ()),
        }
    }

    /// `Some` at the end of the text.
    pub(crate) fn end(&mut self) -> Option<()> {
        self.space();
        self.peek().is_none().then_some(())
    }
}

/// As [`starts_with`](slice::starts_with), for a `start` of usually one to two words: they are
/// compared in place, the second from its end, which is quicker than a call that compares text of
/// any length.
#[inline]
fn begins_with(text: &[u8], start: &[u8]) -> bool {
    let Some(text) = text.get(..start.len()) else {
        return false;
    };
    match (text.first_chunk::<WORD>(), start.first_chunk::<WORD>()) {
        (Some(left), Some(right)) if start.len() <= 2 * WORD => {
            left == right && text.last_chunk::<WORD>() == start.last_chunk::<WORD>()
        }
        _ => text == start,
    }
}

/// Finds what can't be part of a plain string: sets the highest bit of the word's first byte that
/// is a quote, a backslash or a control character, and of none before it (later ones may be set for
/// no reason).
#[inline]
fn special(word: u64) -> u64 {
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let quotes = zeros(word ^ (ONES * u64::from(b'"')));
    let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & HIGHS
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn a_plain_string_ends_at_its_quote_wherever_that_stands() {
        for length in 0..40 {
            for padding in 0..10 {
                let plain = "é~\u{7f}a".repeat(length);
                let text = format!("\"{plain}\"{}", " ".repeat(padding));
                assert_eq!(Cursor::new(&text).string(), Some(&*plain));
            }
        }
    }

    #[test]
    fn a_string_with_an_escape_a_control_character_or_no_end_is_not_plain() {
        for before in 0..20 {
            for bad in ["\\n", "\\\"", "\u{0}", "\u{1f}", "\n", ""] {
                for after in ["", "\"", "a\"", "abcdefghijkl\""] {
                    if bad.is_empty() && !after.is_empty() {
                        continue;
                    }
                    let text = format!("\"{}{bad}{after}", "x".repeat(before));
                    assert_eq!(Cursor::new(&text).string(), None, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_skipped_is_one_whole_value() {
        for (text, rest) in [
            (r#"{"a": [1, {"b": null}], "c": "d"} x"#, " x"),
            ("[ ] ]", " ]"),
            ("{ }", ""),
            ("-1.5e3,", ","),
            ("true1", "1"),
        ] {
            let mut cursor = Cursor::new(text);
            assert_eq!(cursor.skip(), Some(()), "{text}");
            assert_eq!(&text[cursor.position()..], rest);
        }
        let deep = "[".repeat(40) + &"]".repeat(40);
        for text in ["[1,]", "[,]", r#"{"a"}"#, r#"{"a":1,}"#, "nul", "", &deep] {
            assert_eq!(Cursor::new(text).skip(), None, "{text}");
        }
    }
}
