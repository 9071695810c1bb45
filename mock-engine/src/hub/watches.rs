//! Frames and messages of clients that somebody waits for.

use std::collections::BTreeMap;

use crate::dialogue::Message;
use crate::frame::ClientFrame;
use crate::sought::Sought;

/// What is watched for, by number, and whether it has come.
#[derive(Debug, Default)]
pub(super) struct Watches {
    numbers: u64,
    open: BTreeMap<u64, (Sought, bool)>,
}

impl Watches {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn add(&mut self, wanted: Sought) -> u64 {
        self.numbers += 1;
        self.open.insert(self.numbers, (wanted, false));
        self.numbers
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.open.remove(&number);
    }

    /// Whether what is watched for has come.
    pub(super) fn seen(&self, number: u64) -> bool {
        self.open.get(&number).is_some_and(|(_, seen)| *seen)
    }

    /// Whether a message is wanted, so that frames must be assembled.
    pub(super) fn seeks_message(&self) -> bool {
        self.open.values().any(|(wanted, _)| wanted.is_message())
    }

    /// Takes in a frame that a client sent, and the message that it completes, if it does.
    pub(super) fn received(&mut self, frame: &ClientFrame, message: Option<&Message>) {
        for (wanted, seen) in self.open.values_mut() {
            *seen = *seen || wanted.is(frame, message);
        }
    }
}
