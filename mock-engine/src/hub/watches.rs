//! Frames of clients that somebody waits for.

use std::collections::BTreeMap;

use wstape_tape::Received;

use crate::expect::Wanted;
use crate::frame::ClientFrame;

/// What is looked out for, by number, and whether it has come.
#[derive(Debug, Default)]
pub(super) struct Watches {
    numbers: u64,
    open: BTreeMap<u64, (Received, bool)>,
}

impl Watches {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn add(&mut self, wanted: Received) -> u64 {
        self.numbers += 1;
        self.open.insert(self.numbers, (wanted, false));
        self.numbers
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.open.remove(&number);
    }

    /// Whether it has come.
    pub(super) fn seen(&self, number: u64) -> bool {
        self.open.get(&number).is_some_and(|(_, seen)| *seen)
    }

    /// A client sent a frame.
    pub(super) fn received(&mut self, frame: &ClientFrame) {
        for (wanted, seen) in self.open.values_mut() {
            *seen = *seen || Wanted(wanted).is(frame);
        }
    }
}
