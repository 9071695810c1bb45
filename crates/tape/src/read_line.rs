//! The line that a header or a step was read from.

use bytes::Bytes;

/// The line that something was read from, without its newline; empty if it was made in Rust.
///
/// Any two are equal: how a line was spelt has no bearing on what it says.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadLine(Option<Bytes>);

impl ReadLine {
    pub(crate) fn of(line: &Bytes) -> Self {
        Self(Some(line.clone()))
    }

    pub(crate) fn get(&self) -> Option<&Bytes> {
        self.0.as_ref()
    }

    /// Returns the line's text, or what `canonical` makes if there is none.
    pub(crate) fn text_or(&self, canonical: impl FnOnce() -> String) -> String {
        match &self.0 {
            Some(line) => String::from_utf8_lossy(line).into_owned(),
            None => canonical(),
        }
    }
}

impl PartialEq for ReadLine {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}
