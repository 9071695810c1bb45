//! The secrets of a tape: each gets its placeholder, and is remembered so that a scan finds
//! remaining copies.

use std::collections::BTreeMap;

use super::known::Known;
use super::login::LOGIN;
use super::names::is_token_like;
use super::placeholder::{Placeholders, is_placeholder};

/// The addition to a secret's name if it was redacted in another place.
const ELSEWHERE: &str = ", redacted elsewhere";

/// A value that is redacted only because it is in a login is also searched for elsewhere if it
/// looks like a token and has at least this length, in bytes: shorter values are words that may be
/// anywhere.
const MIN_KNOWN_TOKEN_BYTES: usize = 16;

/// The secrets of one tape.
#[derive(Debug)]
pub(super) struct SecretRegistry {
    placeholders: Placeholders,
    pub(super) known: Known,
    /// How often each rule matched, by its number.
    matches: BTreeMap<usize, u64>,
    /// How many values were replaced, and what errors call the first one.
    replaced: u64,
    first: Option<String>,
}

impl SecretRegistry {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self {
            placeholders: Placeholders::new(key),
            known: Known::default(),
            matches: BTreeMap::new(),
            replaced: 0,
            first: None,
        }
    }

    /// Counts a match of a rule.
    pub(super) fn matched(&mut self, rule: usize) {
        *self.matches.entry(rule).or_default() += 1;
    }

    /// How often a rule has matched.
    pub(super) fn matches(&self, rule: usize) -> u64 {
        self.matches.get(&rule).copied().unwrap_or_default()
    }

    /// How many values have been replaced, not counting those that already were placeholders.
    pub(super) fn replaced(&self) -> u64 {
        self.replaced
    }

    /// What errors call the first string that was replaced.
    pub(super) fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// Returns the placeholder of a string's content, and remembers the value. `what` is what an
    /// error calls the secret.
    pub(super) fn text(&mut self, value: &[u8], what: &str) -> String {
        if is_placeholder(value) {
            return self.placeholders.text(value);
        }
        let id = self.placeholders.identity(value);
        self.known.text(id, value, [what, ELSEWHERE]);
        self.hide(value, what)
    }

    /// Like [`text`](Self::text), for a value that is not a secret elsewhere: it is not remembered.
    pub(super) fn hide(&mut self, value: &[u8], what: &str) -> String {
        if !is_placeholder(value) && !value.is_empty() {
            self.replaced += 1;
            self.first.get_or_insert_with(|| what.to_owned());
        }
        self.placeholders.text(value)
    }

    /// Returns the placeholder of something that is a secret only because it is in a login: `said`
    /// as the message writes it, `value` after decoding.
    pub(super) fn of_login(&mut self, said: &[u8], value: &str) -> String {
        if is_token_like(value, MIN_KNOWN_TOKEN_BYTES) {
            self.text(said, LOGIN)
        } else {
            self.hide(said, LOGIN)
        }
    }

    /// Returns the placeholder of a number as it is written in JSON, and remembers the number.
    pub(super) fn number(&mut self, text: &str, what: &str) -> String {
        let id = self.placeholders.identity(text.as_bytes());
        self.known.number(id, text, [what, ELSEWHERE]);
        self.replaced += 1;
        self.placeholders.number(text)
    }

    /// Replaces strings in the text that were redacted elsewhere by their placeholders; `None` if
    /// there are none.
    pub(super) fn again(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        let places = self.known.places(text);
        let last = places.last()?.end;
        let mut out = Vec::with_capacity(text.len());
        let mut copied = 0;
        for place in places {
            out.extend_from_slice(&text[copied..place.start]);
            copied = place.end;
            let placeholder = self.hide(&text[place], "a value that was redacted elsewhere");
            out.extend_from_slice(placeholder.as_bytes());
        }
        out.extend_from_slice(&text[last..]);
        Some(out)
    }

    /// Remembers a secret that must not appear anywhere.
    pub(super) fn remember(&mut self, value: &[u8], what: &str) {
        if !is_placeholder(value) {
            let id = self.placeholders.identity(value);
            self.known.text(id, value, [what, ""]);
        }
    }
}
