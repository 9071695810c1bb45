//! Places in an archive, for errors.

use crate::error::import::{ImportError, quoted};

/// An entry of an archive, for errors.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) name: String,
    /// The entry's index from 0, as in `log.entries[0]`.
    pub(super) entry: usize,
}

impl Place {
    /// A flaw in a part of the entry, such as `.startedDateTime`.
    pub(super) fn flaw(&self, part: &str, message: impl Into<String>) -> ImportError {
        ImportError::Flaw {
            name: self.name.clone(),
            place: format!(": log.entries[{}]{part}", self.entry),
            message: message.into(),
        }
    }

    /// The flaw of a value that is not a time.
    pub(super) fn no_epoch(&self, part: &str, found: &str) -> ImportError {
        let found = quoted(found);
        self.flaw(
            part,
            format!("expected seconds or milliseconds since 1970, found {found}"),
        )
    }
}
