//! The secrets of a tape: each gets its placeholder, and is remembered so that the scan finds it
//! where it still stands.

use super::known::Known;
use super::placeholder::{Placeholders, is_placeholder};

/// What is added to what a secret is called where it has been redacted in another place.
const ELSEWHERE: &str = ", redacted elsewhere";

/// The secrets of one tape.
#[derive(Debug)]
pub(super) struct SecretRegistry {
    placeholders: Placeholders,
    pub(super) known: Known,
}

impl SecretRegistry {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self {
            placeholders: Placeholders::new(key),
            known: Known::default(),
        }
    }

    /// The placeholder of a string's content; `what` is what an error calls the secret.
    pub(super) fn text(&mut self, value: &[u8], what: &str) -> String {
        if is_placeholder(value) {
            return self.placeholders.text(value);
        }
        let id = self.placeholders.identity(value);
        self.known.text(id, value, [what, ELSEWHERE]);
        self.placeholders.text(value)
    }

    /// The placeholder of a number as it stands in JSON.
    pub(super) fn number(&mut self, text: &str, what: &str) -> String {
        let id = self.placeholders.identity(text.as_bytes());
        self.known.number(id, text, [what, ELSEWHERE]);
        self.placeholders.number(text)
    }

    /// Remembers a secret that is to stand nowhere.
    pub(super) fn remember(&mut self, value: &[u8], what: &str) {
        if !is_placeholder(value) {
            let id = self.placeholders.identity(value);
            self.known.text(id, value, [what, ""]);
        }
    }
}
