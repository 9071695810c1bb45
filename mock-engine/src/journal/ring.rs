//! The newest lines of a journal, numbered, for readers that follow it while it is written.

use std::collections::VecDeque;
use std::sync::Arc;

use super::line::JournalLine;

/// Roughly the most memory for a journal's newest lines. A reader slower than they come is told how
/// many it missed.
pub const MAX_SHOWN_BYTES: usize = 16 << 20;

/// The newest lines, numbered from 1 after the header.
#[derive(Debug, Default)]
pub(super) struct Ring {
    lines: VecDeque<Arc<JournalLine>>,
    bytes: usize,
    /// The number of the newest line.
    newest: u64,
}

/// Lines of a journal for one reader.
#[derive(Debug, Default)]
pub struct Shown {
    /// The number of lines after `had` that are already gone.
    pub missed: u64,
    /// The number of the first of `lines`.
    pub first: u64,
    /// The lines, in order.
    pub lines: Vec<Arc<JournalLine>>,
}

impl Ring {
    pub(super) fn push(&mut self, line: Arc<JournalLine>) {
        self.newest += 1;
        self.bytes += line.cost();
        self.lines.push_back(line);
        while self.bytes > MAX_SHOWN_BYTES && self.lines.len() > 1 {
            if let Some(oldest) = self.lines.pop_front() {
                self.bytes -= oldest.cost();
            }
        }
    }

    /// The number of the newest line.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// The lines after number `had`, at most `most` of them.
    pub(super) fn since(&self, had: u64, most: usize) -> Shown {
        let oldest = self.newest + 1 - self.lines.len() as u64;
        let first = had.saturating_add(1).max(oldest);
        let skip = usize::try_from(first - oldest).unwrap_or(usize::MAX);
        let lines = self.lines.iter().skip(skip).take(most);
        Shown {
            // A number beyond the newest is from another run: the reader missed nothing of this
            // one.
            missed: first - had.saturating_add(1).min(first),
            first,
            lines: lines.cloned().collect(),
        }
    }

    /// All lines that are kept, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<JournalLine>> {
        self.lines.iter()
    }
}
