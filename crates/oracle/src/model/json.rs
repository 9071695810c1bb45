//! A JSON reader (RFC 8259) that loses nothing: it keeps duplicate keys, and numbers as written.

use std::borrow::Cow;

/// Levels of nesting that a value may have; anything deeper is not read.
pub(super) const MAX_DEPTH: usize = 127;

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'t> {
    Null,
    Bool(bool),
    /// Well-formed digits; the number may not fit any type.
    Number(&'t str),
    Text(Text<'t>),
    List(Vec<Node<'t>>),
    /// Every key with its value, in order.
    Object(Vec<(Text<'t>, Node<'t>)>),
    /// A list or object nested deeper than [`MAX_DEPTH`] levels.
    TooDeep,
}

/// The text between two quotes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Text<'t> {
    raw: &'t str,
    escaped: bool,
}

impl<'t> Text<'t> {
    /// The decoded text; `None` if it holds half a surrogate pair.
    pub(super) fn decode(self) -> Option<Cow<'t, str>> {
        if !self.escaped {
            return Some(Cow::Borrowed(self.raw));
        }
        let mut out = String::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            let escape = *rest.as_bytes().get(at + 1)?;
            rest = &rest[at + 2..];
            out.push(match escape {
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => {
                    let mut unit = hex(&mut rest)?;
                    if (0xd800..0xdc00).contains(&unit) {
                        rest = rest.strip_prefix("\\u")?;
                        let low = hex(&mut rest)?
                            .checked_sub(0xdc00)
                            .filter(|low| *low < 0x400)?;
                        unit = 0x1_0000 + (unit - 0xd800) * 0x400 + low;
                    }
                    char::from_u32(unit)?
                }
                same => char::from(same),
            });
        }
        out.push_str(rest);
        Some(Cow::Owned(out))
    }
}

/// Four hexadecimal digits.
fn hex(rest: &mut &str) -> Option<u32> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    u32::from_str_radix(digits, 16).ok()
}

/// Reads a text from front to back. `None` always means that the text is not JSON.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The current byte.
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space, then `byte` if it is next.
    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Succeeds if only white space is left.
    pub(super) fn end(&mut self) -> Option<()> {
        self.space();
        (self.at == self.text.len()).then_some(())
    }

    /// Reads an object, calling `entry` for each key to read its value.
    pub(super) fn object(
        &mut self,
        mut entry: impl FnMut(Text<'t>, &mut Self) -> Option<()>,
    ) -> Option<()> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Some(());
        }
        loop {
            self.space();
            let key = self.string()?;
            self.expect(b':')?;
            entry(key, self)?;
            if self.take(b'}') {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    /// Reads a value.
    pub(super) fn tree(&mut self) -> Option<Node<'t>> {
        self.node(MAX_DEPTH)
    }

    fn node(&mut self, depth: usize) -> Option<Node<'t>> {
        self.space();
        Some(match self.peek()? {
            b'{' | b'[' if depth == 0 => {
                self.skip()?;
                Node::TooDeep
            }
            b'{' => {
                let mut entries = Vec::new();
                self.object(|key, reader| {
                    entries.push((key, reader.node(depth - 1)?));
                    Some(())
                })?;
                Node::Object(entries)
            }
            b'[' => {
                self.at += 1;
                let mut list = Vec::new();
                if !self.take(b']') {
                    loop {
                        list.push(self.node(depth - 1)?);
                        if self.take(b']') {
                            break;
                        }
                        self.expect(b',')?;
                    }
                }
                Node::List(list)
            }
            _ => self.scalar()?,
        })
    }

    fn scalar(&mut self) -> Option<Node<'t>> {
        Some(match self.peek()? {
            b'"' => Node::Text(self.string()?),
            b'n' => self.word("null", Node::Null)?,
            b't' => self.word("true", Node::Bool(true))?,
            b'f' => self.word("false", Node::Bool(false))?,
            _ => Node::Number(self.number()?),
        })
    }

    fn word(&mut self, word: &str, node: Node<'t>) -> Option<Node<'t>> {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(node)
    }

    /// Skips a value of any depth, in constant memory except for a byte per level.
    pub(super) fn skip(&mut self) -> Option<()> {
        // The closing character of each open list or object, outermost first.
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.space();
            match self.peek()? {
                b'[' => {
                    self.at += 1;
                    if !self.take(b']') {
                        open.push(b']');
                        continue;
                    }
                }
                b'{' => {
                    self.at += 1;
                    if !self.take(b'}') {
                        open.push(b'}');
                        self.key()?;
                        continue;
                    }
                }
                _ => {
                    self.scalar()?;
                }
            }
            // A value is over, and what contains it may be too.
            loop {
                let Some(&end) = open.last() else {
                    return Some(());
                };
                if self.take(end) {
                    open.pop();
                    continue;
                }
                self.expect(b',')?;
                if end == b'}' {
                    self.key()?;
                }
                break;
            }
        }
    }

    /// Skips a key and its colon.
    fn key(&mut self) -> Option<()> {
        self.space();
        self.string()?;
        self.expect(b':')
    }

    fn string(&mut self) -> Option<Text<'t>> {
        let bytes = self.text.as_bytes();
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            match bytes.get(at)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    match bytes.get(at + 1)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                        b'u' => {
                            let digits = bytes.get(at + 2..at + 6)?;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return None;
                            }
                            at += 6;
                        }
                        _ => return None,
                    }
                }
                0..0x20 => return None,
                _ => at += 1,
            }
        }
        self.at = at + 1;
        Some(Text {
            raw: &self.text[start..at],
            escaped,
        })
    }

    /// A number's text (RFC 8259, 6).
    fn number(&mut self) -> Option<&'t str> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(&self.text[start..self.at])
    }

    /// One or more digits.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}
