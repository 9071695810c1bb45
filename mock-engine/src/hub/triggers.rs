//! Prologue steps that wait for a count of what passes on a connection.

use std::collections::VecDeque;

use wstape_tape::After;

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
    /// Thresholds and the steps that wait for them, in ascending order.
    marks: VecDeque<(u64, usize)>,
}

impl Count {
    fn add(&mut self, mark: u64, index: usize) {
        let at = self.marks.partition_point(|&(other, _)| other <= mark);
        self.marks.insert(at, (mark, index));
    }

    /// Takes the steps whose mark has been reached, in the order of their marks.
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
    /// Makes the step `index` wait for `after`. The schedule handles times.
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

    /// How many of `len` bytes may be sent before the next step that wants an exact number sent.
    pub(super) fn before_mark(&self, len: usize) -> usize {
        let Some(&(mark, _)) = self.bytes.marks.front() else {
            return len;
        };
        let room = mark.saturating_sub(self.bytes.so_far);
        usize::try_from(room).map_or(len, |room| len.min(room))
    }

    /// Counts what was sent; returns the steps whose mark this reached.
    pub(super) fn sent(&mut self, bytes: usize, frames: u64) -> Vec<usize> {
        self.bytes.so_far += bytes as u64;
        self.frames.so_far += frames;
        let mut reached = Vec::new();
        self.bytes.reached(&mut reached);
        self.frames.reached(&mut reached);
        reached
    }

    /// Counts a frame from the client; returns the steps whose mark this reached.
    pub(super) fn received(&mut self) -> Vec<usize> {
        self.received.so_far += 1;
        let mut reached = Vec::new();
        self.received.reached(&mut reached);
        reached
    }
}
