//! The user's redaction rules.

use std::fmt;
use std::str::FromStr;

use wstape_tape::{is_pointer_token, pointer_key};

/// The maximum number of JSON pointers in one set of rules.
const MAX_POINTERS: usize = 64;

/// What to redact besides what is always redacted.
///
/// ```
/// use wstape_recorder::Rules;
/// let rules = Rules::default().pointer("/data/account_value")?.key("wallet").header("x-desk");
/// assert_eq!(rules.to_string(), "/data/account_value, key wallet, header x-desk");
/// # Ok::<(), wstape_recorder::RuleError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    pub(super) pointers: Vec<Pointer>,
    pub(super) keys: Vec<String>,
    pub(super) headers: Vec<String>,
    pub(super) shapes: bool,
}

/// Why a rule is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A JSON pointer begins with a slash.
    #[error("a JSON pointer begins with \"/\", as in /data/account_value; found {0:?}")]
    NoSlash(String),
    /// A tilde stands for itself only as `~0`.
    #[error("in a JSON pointer \"~\" is written ~0 and \"/\" in a name ~1 (RFC 6901); found {0:?}")]
    Escape(String),
    /// There are too many pointers.
    #[error("expected at most {MAX_POINTERS} JSON pointers; keys (--redact-key) have no bound")]
    TooMany,
}

impl Rules {
    /// Redacts the value at this JSON pointer (RFC 6901) in a message, such as
    /// `/data/account_value`. In the body of an HTTP answer, which is only an event's `data`, the
    /// pointer also applies without its `/data`.
    ///
    /// # Errors
    /// The text is not a pointer, or there are already 64.
    pub fn pointer(mut self, pointer: &str) -> Result<Self, RuleError> {
        if self.pointers.len() == MAX_POINTERS {
            return Err(RuleError::TooMany);
        }
        self.pointers.push(pointer.parse()?);
        Ok(self)
    }

    /// Redacts the value of every member with this name, at any depth in any JSON. ASCII letters
    /// match in either case.
    #[must_use]
    pub fn key(mut self, name: impl Into<String>) -> Self {
        self.keys.push(name.into());
        self
    }

    /// Redacts the value of this HTTP header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.headers.push(name.into());
        self
    }

    /// Redacts everything in the format of a well-known secret, in messages too, and other
    /// occurrences in them of what other rules redacted before.
    #[must_use]
    pub fn shapes(mut self) -> Self {
        self.shapes = true;
        self
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.said().next().is_none()
    }

    /// Whether any rule applies to the content of messages.
    pub(super) fn touch_messages(&self) -> bool {
        self.shapes || self.name_values()
    }

    /// The number of a key's rule, in the order of [`said`](Self::said). The number of a pointer's
    /// rule is its index.
    pub(super) fn key_number(&self, at: usize) -> usize {
        self.pointers.len() + at
    }

    /// The number of a header's rule.
    pub(super) fn header_number(&self, at: usize) -> usize {
        self.key_number(self.keys.len()) + at
    }

    /// The number of the rule about well-known secrets.
    pub(super) fn shapes_number(&self) -> usize {
        self.header_number(self.headers.len())
    }

    /// Whether any rule is about values in JSON.
    pub(super) fn name_values(&self) -> bool {
        !self.pointers.is_empty() || !self.keys.is_empty()
    }

    /// The rules, one line each, as in a header's `redacted`.
    pub(super) fn said(&self) -> impl Iterator<Item = String> {
        let pointers = self.pointers.iter().map(ToString::to_string);
        let keys = self.keys.iter().map(|key| format!("key {key}"));
        let headers = self.headers.iter().map(|name| format!("header {name}"));
        let shapes = self.shapes.then(|| "well-known secrets".to_owned());
        pointers.chain(keys).chain(headers).chain(shapes)
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, rule) in self.said().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{rule}")?;
        }
        Ok(())
    }
}

/// A parsed JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    text: String,
    pub(super) tokens: Vec<String>,
}

impl Pointer {
    /// The pointer relative to an event's `data`; `None` if it leads elsewhere.
    pub(super) fn within_data(&self) -> Option<Self> {
        let text = self.text.strip_prefix("/data")?;
        text.starts_with('/').then(|| Self {
            text: text.to_owned(),
            tokens: self.tokens[1..].to_vec(),
        })
    }

    /// A word that a text must contain for the pointer to lead anywhere in it: its last token that
    /// is not an array index.
    pub(super) fn word(&self) -> Option<&str> {
        let index = |token: &&String| token.bytes().all(|b| b.is_ascii_digit());
        self.tokens.iter().rfind(|t| !index(t)).map(String::as_str)
    }
}

impl FromStr for Pointer {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let mut tokens = text.split('/');
        if tokens.next() != Some("") {
            return Err(RuleError::NoSlash(text.to_owned()));
        }
        let token = |token: &str| is_pointer_token(token).then(|| pointer_key(token));
        Ok(Self {
            text: text.to_owned(),
            tokens: tokens
                .map(token)
                .collect::<Option<_>>()
                .ok_or_else(|| RuleError::Escape(text.to_owned()))?,
        })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() {
            "whole messages"
        } else {
            &self.text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_taken_apart_by_rfc_6901() {
        // The RFC's own examples (5), and the empty token.
        for (text, tokens) in [
            ("", &[][..]),
            ("/foo/0", &["foo", "0"]),
            ("/", &[""]),
            ("/a~1b", &["a/b"]),
            ("/m~0n", &["m~n"]),
            ("/~01", &["~1"]),
            ("/i\\j", &["i\\j"]),
        ] {
            assert_eq!(text.parse::<Pointer>().unwrap().tokens, tokens, "{text}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_said_with_what_is_one() {
        for (text, said) in [
            (
                "data/x",
                "a JSON pointer begins with \"/\", as in /data/account_value; found \"data/x\"",
            ),
            (
                "/a~2",
                "in a JSON pointer \"~\" is written ~0 and \"/\" in a name ~1 (RFC 6901); found \"/a~2\"",
            ),
            (
                "/a~",
                "in a JSON pointer \"~\" is written ~0 and \"/\" in a name ~1 (RFC 6901); found \"/a~\"",
            ),
        ] {
            assert_eq!(
                Rules::default().pointer(text).unwrap_err().to_string(),
                said
            );
        }
    }

    #[test]
    fn pointers_are_bounded() {
        let full = (0..MAX_POINTERS).try_fold(Rules::default(), |rules, _| rules.pointer("/a"));
        assert_eq!(full.unwrap().pointer("/a"), Err(RuleError::TooMany));
    }
}
