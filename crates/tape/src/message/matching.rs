//! The match of an `on_message` step: what a client must say.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::pattern::{BadPattern, MessagePath, MessageRegex};
use crate::error::{Flaw, TapeErrorKind};
use crate::json::{Field, Pen, words};

/// Kind of what a client says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MessageKind {
    /// A Text message, however many frames it came in.
    Text,
    /// A Binary message, however many frames it came in.
    Binary,
    /// A Ping.
    Ping,
    /// A Pong.
    Pong,
    /// A Close; its text is the reason.
    Close,
}

words!(MessageKind {
    Text = "text",
    Binary = "binary",
    Ping = "ping",
    Pong = "pong",
    Close = "close",
});

impl MessageKind {
    /// Whether it is a control frame.
    #[must_use]
    pub fn is_control(self) -> bool {
        matches!(self, Self::Ping | Self::Pong | Self::Close)
    }
}

/// JSON that a message must contain.
///
/// Two are equal if their texts are.
#[derive(Debug, Clone)]
pub struct Subset(Box<RawValue>);

impl Subset {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Subset {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

/// What a client's message must be. A message matches if it meets all members; without any, every
/// Text or Binary message matches.
///
/// ```
/// use wstape_tape::Match;
/// let subscription = Match::new().json(r#"{"op":"subscribe","channel":"trades"}"#)?;
/// let second_login = Match::new().regex("(?i)^login (?<user>[a-z]+)$")?.nth(2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Match {
    /// `text`: its whole text.
    pub text: Option<String>,
    /// `contains`: a part of its text.
    pub contains: Option<String>,
    /// `regex`: a regular expression that matches somewhere in its text.
    pub regex: Option<MessageRegex>,
    /// `json`: what the message must contain, read as JSON. Objects are compared by the members
    /// given, arrays as a whole, numbers as exact decimals.
    pub json: Option<Subset>,
    /// `jsonpath`: a path that selects something in the message, read as JSON.
    pub jsonpath: Option<MessagePath>,
    /// `binary`: the whole payload.
    pub binary: Option<Bytes>,
    /// `kind`: Text or Binary if not given.
    pub kind: Option<MessageKind>,
    /// `nth`: the n-th message of the connection, from 1, that meets all the rest.
    pub nth: Option<u64>,
    /// `unmatched`: a message that no other step of the same tape matches.
    pub unmatched: bool,
}

impl Match {
    /// Matches every Text or Binary message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires that it is this text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Requires that its text contains this.
    #[must_use]
    pub fn contains(mut self, text: impl Into<String>) -> Self {
        self.contains = Some(text.into());
        self
    }

    /// Requires that this regular expression matches somewhere in its text.
    ///
    /// # Errors
    /// If it is not a regular expression.
    pub fn regex(mut self, regex: &str) -> Result<Self, BadPattern> {
        self.regex = Some(MessageRegex::new(regex)?);
        Ok(self)
    }

    /// Requires that it contains this JSON.
    ///
    /// # Errors
    /// If this is not JSON.
    pub fn json(mut self, json: impl Into<String>) -> serde_json::Result<Self> {
        self.json = Some(Subset(RawValue::from_string(json.into())?));
        Ok(self)
    }

    /// Requires that this JSON path (RFC 9535) selects something in it.
    ///
    /// # Errors
    /// If it is not a JSON path.
    pub fn jsonpath(mut self, path: &str) -> Result<Self, BadPattern> {
        self.jsonpath = Some(MessagePath::new(path)?);
        Ok(self)
    }

    /// Requires that its payload is this.
    #[must_use]
    pub fn binary(mut self, bytes: impl Into<Bytes>) -> Self {
        self.binary = Some(bytes.into());
        self
    }

    /// Requires that it is of that kind.
    #[must_use]
    pub fn kind(mut self, kind: MessageKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Requires that it is the connection's n-th message, from 1, that meets all the rest.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Requires that no other step of the tape matches it.
    #[must_use]
    pub fn unmatched(mut self) -> Self {
        self.unmatched = true;
        self
    }
}

const KEYS: [&str; 9] = [
    "text",
    "contains",
    "regex",
    "json",
    "jsonpath",
    "binary",
    "kind",
    "nth",
    "unmatched",
];

/// Reads a match.
pub(crate) fn read_match(field: &Field<'_>) -> Result<Match, Flaw> {
    if !field.value.text.starts_with('{') {
        return Err(field.wrong("an object such as {\"json\":{\"op\":\"subscribe\"}}"));
    }
    let object = field.object(&KEYS)?;
    let text = |key| object.get(key).map(Field::owned_string).transpose();
    let unmatched = object.get("unmatched").map(|unmatched| {
        if unmatched.value.text == "true" {
            Ok(true)
        } else {
            Err(unmatched.wrong("true"))
        }
    });
    Ok(Match {
        text: text("text")?,
        contains: text("contains")?,
        regex: object
            .get("regex")
            .map(|field| pattern(field, MessageRegex::new))
            .transpose()?,
        json: object.get("json").map(|field| Subset(field.raw())),
        jsonpath: object
            .get("jsonpath")
            .map(|field| pattern(field, MessagePath::new))
            .transpose()?,
        binary: object.get("binary").map(Field::base64).transpose()?,
        kind: object.get("kind").map(Field::word).transpose()?,
        nth: object
            .get("nth")
            .map(|nth| nth.whole(1..=u64::MAX))
            .transpose()?,
        unmatched: unmatched.transpose()?.unwrap_or_default(),
    })
}

/// Compiles a pattern from its text. A flaw points into the text.
fn pattern<P>(field: &Field<'_>, new: fn(&str) -> Result<P, BadPattern>) -> Result<P, Flaw> {
    let text = field.string()?;
    new(&text).map_err(|bad| {
        let message = format!("{:?} is not valid: {bad}", field.name);
        let mut flaw = field.value_flaw(TapeErrorKind::Value, message);
        if let Some(at) = bad.at() {
            (flaw.at, flaw.len) = (field.value.offset_of_char(at), 1);
        }
        flaw
    })
}

/// Writes a match as the value of `key`.
pub(crate) fn write_match(pen: &mut Pen, key: &str, wanted: &Match) {
    pen.object(key);
    for (key, text) in [("text", &wanted.text), ("contains", &wanted.contains)] {
        if let Some(text) = text {
            pen.string(key, text);
        }
    }
    if let Some(regex) = &wanted.regex {
        pen.string("regex", regex.text());
    }
    if let Some(json) = &wanted.json {
        pen.json("json", json.text());
    }
    if let Some(path) = &wanted.jsonpath {
        pen.string("jsonpath", path.text());
    }
    if let Some(binary) = &wanted.binary {
        pen.base64("binary", binary);
    }
    if let Some(kind) = wanted.kind {
        pen.string("kind", kind.word());
    }
    if let Some(nth) = wanted.nth {
        pen.json("nth", nth);
    }
    if wanted.unmatched {
        pen.json("unmatched", true);
    }
    pen.close();
}
