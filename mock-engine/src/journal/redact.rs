//! Keeps secrets out of what a journal shows.

use std::fmt;

use super::entry::Entry;

/// Takes the secrets out of entries before they are written or shown. What is secret is decided
/// elsewhere: an engine knows only what happened.
pub trait Redact: Send {
    /// Replaces the secrets in what a client sent (a request's target and headers, the payload of
    /// a frame) and in texts.
    fn redact(&mut self, entry: &mut Entry);
}

/// The redactor of a journal, if it has one.
#[derive(Default)]
pub(super) struct Redaction(pub(super) Option<Box<dyn Redact>>);

impl Redaction {
    /// An entry without its secrets, as it may be shown.
    pub(super) fn clean(&mut self, mut entry: Entry) -> Entry {
        if let Some(redact) = &mut self.0 {
            redact.redact(&mut entry);
        }
        entry
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Redaction(on)"
        } else {
            "Redaction(none)"
        })
    }
}
