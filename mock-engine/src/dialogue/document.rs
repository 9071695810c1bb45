//! A message that is JSON, scanned once: every value with its text.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// The most values in a message that is looked at as JSON.
pub const MAX_MESSAGE_VALUES: usize = 1 << 20;

/// JSON text, and where each value in it is.
#[derive(Debug)]
pub(super) struct Document {
    text: Box<str>,
    nodes: Vec<Node>,
    /// The most containers nested in one another, the outermost included.
    depth: usize,
}

/// A value: where its text is, and which node comes after everything inside it.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// Where its key is, with the quotes; an empty range if it has none.
    key: (u32, u32),
    text: (u32, u32),
    next: u32,
}

/// Type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// A value of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    document: &'a Document,
    at: usize,
}

impl Document {
    /// Parses a text; `None` if it is not JSON, or too much to look at.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // Validated as a whole first; the code below relies on it.
        serde_json::from_str::<&RawValue>(text).ok()?;
        if u32::try_from(text.len()).is_err() {
            return None;
        }
        let mut builder = Builder::default();
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at = match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => at + 1,
                b'}' | b']' => {
                    builder.close(at + 1);
                    at + 1
                }
                b'{' | b'[' => {
                    builder.open(at, byte == b'{')?;
                    at + 1
                }
                b'"' => {
                    let end = string_end(bytes, at);
                    builder.string(at, end)?;
                    end
                }
                _ => {
                    let delimiter =
                        |b: &u8| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
                    let end = bytes[at..]
                        .iter()
                        .position(delimiter)
                        .map_or(bytes.len(), |len| at + len);
                    builder.put(at, end)?;
                    end
                }
            };
        }
        let Builder { nodes, depth, .. } = builder;
        Some(Self {
            text: text.into(),
            nodes,
            depth,
        })
    }

    pub(super) fn root(&self) -> Value<'_> {
        Value {
            document: self,
            at: 0,
        }
    }

    /// The number of values in it.
    pub(super) fn values(&self) -> usize {
        self.nodes.len()
    }

    /// How deep its containers are nested.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    fn slice(&self, (start, end): (u32, u32)) -> &str {
        // Every range is a token's, so it begins and ends at a character boundary.
        self.text
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }
}

/// Offset just after the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Builds the nodes of valid JSON, token by token.
#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    /// The containers that are open, and whether each is an object.
    open: Vec<(usize, bool)>,
    /// The key of the next member.
    key: Option<(u32, u32)>,
    depth: usize,
}

/// A place in a text that is known to fit 32 bits.
fn place(start: usize, end: usize) -> (u32, u32) {
    let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    (narrow(start), narrow(end))
}

impl Builder {
    fn put(&mut self, start: usize, end: usize) -> Option<()> {
        if self.nodes.len() >= MAX_MESSAGE_VALUES {
            return None;
        }
        let next = u32::try_from(self.nodes.len() + 1).ok()?;
        self.nodes.push(Node {
            key: self.key.take().unwrap_or_default(),
            text: place(start, end),
            next,
        });
        Some(())
    }

    fn string(&mut self, start: usize, end: usize) -> Option<()> {
        if self.key.is_none() && self.open.last().is_some_and(|(_, object)| *object) {
            self.key = Some(place(start, end));
            return Some(());
        }
        self.put(start, end)
    }

    fn open(&mut self, start: usize, object: bool) -> Option<()> {
        self.put(start, start)?;
        self.open.push((self.nodes.len() - 1, object));
        self.depth = self.depth.max(self.open.len());
        Some(())
    }

    fn close(&mut self, end: usize) {
        let behind = self.nodes.len();
        if let Some((at, _)) = self.open.pop() {
            let node = &mut self.nodes[at];
            (node.text.1, node.next) = place(end, behind);
        }
    }
}

impl<'a> Value<'a> {
    fn node(self) -> Node {
        self.document.nodes[self.at]
    }

    /// Its JSON text, as written in the message.
    pub(super) fn raw(self) -> &'a str {
        self.document.slice(self.node().text)
    }

    pub(super) fn kind(self) -> Kind {
        match self.document.text.as_bytes()[self.node().text.0 as usize] {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The content of a string; `None` for anything else.
    pub(super) fn string(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| content(self.raw()))
    }

    /// The members or elements of a container, in order.
    pub(super) fn children(self) -> impl Iterator<Item = Value<'a>> {
        let end = match self.kind() {
            Kind::Object | Kind::Array => self.node().next as usize,
            _ => self.at + 1,
        };
        let document = self.document;
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let value = Value { document, at };
            at = document.nodes[at].next as usize;
            Some(value)
        })
    }

    /// Its key; empty if it is not a member.
    pub(super) fn key(self) -> Cow<'a, str> {
        content(self.document.slice(self.node().key))
    }

    /// The member of an object with this key; the last if there are several.
    pub(super) fn member(self, key: &str) -> Option<Value<'a>> {
        if self.kind() != Kind::Object {
            return None;
        }
        self.children().filter(|member| member.key() == key).last()
    }

    /// The value that a JSON Pointer leads to (RFC 6901).
    pub(super) fn pointer(self, keys: &[String]) -> Option<Value<'a>> {
        keys.iter().try_fold(self, |value, key| match value.kind() {
            Kind::Object => value.member(key),
            Kind::Array if key == "0" || !key.starts_with('0') => {
                let index: usize = key.parse().ok()?;
                value.children().nth(index)
            }
            _ => None,
        })
    }
}

/// The content of a quoted string. If it has an unpaired surrogate, the content is the text as
/// written.
fn content(quoted: &str) -> Cow<'_, str> {
    let inside = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default();
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    serde_json::from_str(quoted).map_or(Cow::Borrowed(inside), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(text).unwrap()
    }

    #[test]
    fn a_pointer_leads_to_the_text_as_it_stands() {
        let document = document(
            r#" {"a":{"b":[1.50, {"c" : "\u0041\"" }, []]},"a/b":true,"~":null,"twice":1,"twice":2} "#,
        );
        let found = |pointer: &[&str]| {
            let keys: Vec<String> = pointer.iter().map(|&key| key.to_owned()).collect();
            document
                .root()
                .pointer(&keys)
                .map(|value| value.raw().to_owned())
        };
        for (pointer, raw) in [
            (&["a", "b", "0"][..], Some("1.50")),
            (&["a", "b", "1"], Some(r#"{"c" : "\u0041\"" }"#)),
            (&["a", "b", "1", "c"], Some(r#""\u0041\"""#)),
            (&["a", "b", "2"], Some("[]")),
            (&["a", "b", "3"], None),
            (&["a", "b", "00"], None),
            (&["a/b"], Some("true")),
            (&["~"], Some("null")),
            (&["twice"], Some("2")),
            (&["a", "b", "0", "x"], None),
        ] {
            assert_eq!(found(pointer).as_deref(), raw, "{pointer:?}");
        }
        let string = document
            .root()
            .pointer(&["a".into(), "b".into(), "1".into(), "c".into()]);
        assert_eq!(string.unwrap().string().unwrap(), "A\"");
        assert_eq!(document.depth(), 4);
    }

    #[test]
    fn what_is_no_json_or_too_much_of_it_is_no_document() {
        for text in ["", "{", "{\"a\":}", "1 2", "nul"] {
            assert!(Document::parse(text).is_none(), "{text}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(document(&deep).depth(), 100_000);
        let many = format!("[{}1]", "1,".repeat(MAX_MESSAGE_VALUES));
        assert!(Document::parse(&many).is_none());
    }
}
