//! One transport connection, as the engine keeps it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;
use wstape_tape::After;

use super::agenda::Slot;
use crate::link::LinkHandle;

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Accepted; no answer yet.
    Handshake,
    /// Taken and never answered.
    Hung,
    /// Answered with something other than 101.
    Answered,
    /// Answered by the tape with something that is not HTTP; more of it may follow.
    Raw,
    /// Upgraded.
    Open,
    /// The engine has sent a Close and waits for the client's.
    Closing,
}

/// A connection that is not over.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) link: LinkHandle,
    pub(super) phase: Phase,
    pub(super) triggers: Triggers,
    /// Prologue steps that wait for the 101.
    pub(super) waiting: Vec<usize>,
    /// What the agenda holds for this connection.
    pub(super) agenda: BTreeSet<Slot>,
    /// Pongs that are late on purpose.
    pub(super) late_pongs: usize,
    /// Told when its handshake, which waits for the tape's answer, may have one.
    pub(super) waits: Option<Arc<Notify>>,
    /// The client's Close has come and the tape is to answer it.
    pub(super) closed_by_client: bool,
    /// The tape has ended it, or is about to.
    pub(super) ended_by_tape: bool,
}

impl Conn {
    pub(super) fn new(link: LinkHandle) -> Self {
        Self {
            link,
            phase: Phase::Handshake,
            triggers: Triggers::default(),
            waiting: Vec::new(),
            agenda: BTreeSet::new(),
            late_pongs: 0,
            waits: None,
            closed_by_client: false,
            ended_by_tape: false,
        }
    }

    /// Whether frames can be sent on it at all.
    pub(super) fn upgraded(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Closing)
    }
}

/// Counts of what passed on a connection, and the prologue steps that wait for a count.
#[derive(Debug, Default)]
pub(super) struct Triggers {
    frames: Count,
    bytes: Count,
    received: Count,
}

#[derive(Debug, Default)]
struct Count {
    so_far: u64,
    /// Thresholds and the steps that wait for them, ascending.
    marks: VecDeque<(u64, usize)>,
}

impl Count {
    fn add(&mut self, mark: u64, index: usize) {
        let at = self.marks.partition_point(|&(other, _)| other <= mark);
        self.marks.insert(at, (mark, index));
    }

    /// Steps whose mark has been reached, in the order of their marks.
    fn reached(&mut self, into: &mut Vec<usize>) {
        while let Some(&(mark, index)) = self.marks.front() {
            if mark > self.so_far {
                break;
            }
            self.marks.pop_front();
            into.push(index);
        }
    }
}

impl Triggers {
    /// Lets the step `index` wait for `after`. Times are the agenda's.
    pub(super) fn add(&mut self, after: After, index: usize) {
        match after {
            After::Frames(mark) => self.frames.add(mark, index),
            After::Bytes(mark) => self.bytes.add(mark, index),
            After::Received(mark) => self.received.add(mark, index),
            After::Time(_) => {}
        }
    }

    /// Whether what is sent may reach a mark.
    pub(super) fn watch_sending(&self) -> bool {
        !self.frames.marks.is_empty() || !self.bytes.marks.is_empty()
    }

    /// How many of `len` bytes may be sent before a step that wants exactly that many.
    pub(super) fn before_mark(&self, len: usize) -> usize {
        let Some(&(mark, _)) = self.bytes.marks.front() else {
            return len;
        };
        let room = mark.saturating_sub(self.bytes.so_far);
        usize::try_from(room).map_or(len, |room| len.min(room))
    }

    /// Counts what was sent; returns the steps whose mark that reached.
    pub(super) fn sent(&mut self, bytes: usize, frames: u64) -> Vec<usize> {
        self.bytes.so_far += bytes as u64;
        self.frames.so_far += frames;
        let mut reached = Vec::new();
        self.bytes.reached(&mut reached);
        self.frames.reached(&mut reached);
        reached
    }

    /// Counts a frame from the client; returns the steps whose mark that reached.
    pub(super) fn received(&mut self) -> Vec<usize> {
        self.received.so_far += 1;
        let mut reached = Vec::new();
        self.received.reached(&mut reached);
        reached
    }
}
