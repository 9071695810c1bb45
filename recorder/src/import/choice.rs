//! Chooses which connections of a recording become the tape.

use super::wall::Wall;
use crate::error::ImportError;

/// The maximum number of connections in a tape (`answers` in FORMAT.md).
const MAX_CONNECTIONS: usize = 4_096;

/// Chooses connections by number and by URL; by default all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Choice {
    /// Their numbers, from 1, in the order they began; empty for all.
    pub(super) entries: Vec<u64>,
    /// A text that the URL must contain.
    pub(super) url: Option<String>,
}

impl Choice {
    /// Returns the indices of the chosen connections in a list of start times and URLs, in the
    /// order they began. Errors call the recording `name`.
    pub(super) fn of(
        &self,
        name: &str,
        listed: &[(Wall, Option<&str>)],
    ) -> Result<Vec<usize>, ImportError> {
        let nothing = |message| ImportError::Nothing {
            name: name.to_owned(),
            message,
        };
        let all = listed.len();
        let missing = |number: &&u64| **number == 0 || **number > all as u64;
        if let Some(number) = self.entries.iter().find(missing) {
            return Err(nothing(format!(
                "expected --entry from 1 to {all}, the number of WebSocket connections, found \
                 {number}"
            )));
        }
        let mut order: Vec<usize> = (0..all).collect();
        // A stable sort: of connections with the same start, the first in the file comes first.
        order.sort_by_key(|at| listed[*at].0);
        let numbered = (1..).zip(order);
        let chosen: Vec<usize> = numbered
            .filter(|(number, _)| self.entries.is_empty() || self.entries.contains(number))
            .map(|(_, at)| at)
            .filter(|at| {
                let url = listed[*at].1.unwrap_or_default();
                self.url.as_ref().is_none_or(|part| url.contains(part))
            })
            .collect();
        if chosen.is_empty() {
            return Err(nothing(format!(
                "none of the {all} WebSocket connections has a URL that contains the text of --url"
            )));
        }
        if chosen.len() > MAX_CONNECTIONS {
            return Err(nothing(format!(
                "expected {MAX_CONNECTIONS} connections at most, found {}; select some with --url \
                 or --entry",
                chosen.len()
            )));
        }
        Ok(chosen)
    }
}
