//! Places in an archive, for errors.

use crate::error::import::{ImportError, quoted};
use crate::import::session::bare;

/// An entry of an archive, for errors.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) name: String,
    /// The entry's index from 0, as in `log.entries[0]`.
    pub(super) entry: usize,
    /// Where it connects to, without what may be secret: a path may hold a key too.
    origin: Option<String>,
}

impl Place {
    pub(super) fn new(name: &str, entry: usize, url: Option<&str>) -> Self {
        let origin = url.map(|url| {
            let url = bare(url);
            let after_scheme = url.find("://").map_or(0, |at| at + 3);
            let path = url[after_scheme..].find('/');
            quoted(&url[..path.map_or(url.len(), |at| after_scheme + at)])
        });
        Self {
            name: name.to_owned(),
            entry,
            origin,
        }
    }

    /// A flaw in a part of the entry, such as `.startedDateTime`.
    pub(super) fn flaw(&self, part: &str, message: impl Into<String>) -> ImportError {
        let mut message = message.into();
        if let Some(origin) = &self.origin {
            message = format!("{message}; the entry is a connection to {origin}");
        }
        ImportError::Flaw {
            name: self.name.clone(),
            place: format!(": log.entries[{}]{part}", self.entry),
            message,
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
