//! What a recording has seen and written so far, to show its progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// A handle on a recording's counters: cheap to clone, and readable while the recording runs.
#[derive(Debug, Clone, Default)]
pub struct Stats(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    frames: AtomicU64,
    bytes: AtomicU64,
    connections: AtomicU64,
    outages: AtomicU64,
    lost_frames: AtomicU64,
    lost_bytes: AtomicU64,
    disk_lost_bytes: AtomicU64,
    left_out_messages: AtomicU64,
    left_out_bytes: AtomicU64,
    failed_connections: AtomicU64,
    lines: AtomicU64,
    written_bytes: AtomicU64,
    /// Whether the writer is waiting for its output right now.
    at_output: AtomicBool,
}

/// A snapshot of a recording's counters. Each is exact, but they may be read a moment apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Messages and control frames that came, including those lost.
    pub frames: u64,
    /// Their bytes: their payloads, or everything on the wire for a recording of a relay.
    pub bytes: u64,
    /// Connections that were made.
    pub connections: u64,
    /// Outages: times when no connection could be made, however many attempts each took.
    pub outages: u64,
    /// Frames that were lost because they came faster than they could be written.
    pub lost_frames: u64,
    /// Their bytes.
    pub lost_bytes: u64,
    /// How many of these bytes were lost while the writer waited for the disk. The rest was lost
    /// while it was busy, or got no processor time.
    pub disk_lost_bytes: u64,
    /// Compressed messages that could not be recorded because they were too long, damaged, or
    /// referred to lost data.
    pub left_out_messages: u64,
    /// Their bytes as they came.
    pub left_out_bytes: u64,
    /// Connections that the recorder itself cut because of a panic.
    pub failed_connections: u64,
    /// Lines of the tape that were acknowledged, including the header.
    pub lines: u64,
    /// Their bytes.
    pub written_bytes: u64,
}

impl Stats {
    /// The current values of all counters.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let counters = &*self.0;
        Counts {
            frames: counters.frames.load(Relaxed),
            bytes: counters.bytes.load(Relaxed),
            connections: counters.connections.load(Relaxed),
            outages: counters.outages.load(Relaxed),
            lost_frames: counters.lost_frames.load(Relaxed),
            lost_bytes: counters.lost_bytes.load(Relaxed),
            disk_lost_bytes: counters.disk_lost_bytes.load(Relaxed),
            left_out_messages: counters.left_out_messages.load(Relaxed),
            left_out_bytes: counters.left_out_bytes.load(Relaxed),
            failed_connections: counters.failed_connections.load(Relaxed),
            lines: counters.lines.load(Relaxed),
            written_bytes: counters.written_bytes.load(Relaxed),
        }
    }

    /// Counts frames that came, and their bytes.
    pub(crate) fn came(&self, frames: u64, bytes: u64) {
        self.0.frames.fetch_add(frames, Relaxed);
        self.0.bytes.fetch_add(bytes, Relaxed);
    }

    /// Counts a connection that was made.
    pub(crate) fn connected(&self) {
        self.0.connections.fetch_add(1, Relaxed);
    }

    /// Counts an outage, which begins now.
    pub(crate) fn outage(&self) {
        self.0.outages.fetch_add(1, Relaxed);
    }

    /// Counts what was lost because it came faster than it could be written.
    pub(super) fn lost(&self, frames: u64, bytes: u64) {
        self.0.lost_frames.fetch_add(frames, Relaxed);
        self.0.lost_bytes.fetch_add(bytes, Relaxed);
        if self.is_at_output() {
            self.0.disk_lost_bytes.fetch_add(bytes, Relaxed);
        }
    }

    /// Counts messages that can't be recorded.
    pub(crate) fn left_out(&self, messages: u64, bytes: u64) {
        self.0.left_out_messages.fetch_add(messages, Relaxed);
        self.0.left_out_bytes.fetch_add(bytes, Relaxed);
    }

    /// Counts a connection that was cut by a panic.
    pub(crate) fn failed(&self) {
        self.0.failed_connections.fetch_add(1, Relaxed);
    }

    /// Whether the writer is waiting for its output.
    pub(super) fn is_at_output(&self) -> bool {
        self.0.at_output.load(Relaxed)
    }

    /// Notes that the writer starts or stops waiting for its output.
    pub(super) fn set_at_output(&self, at_output: bool) {
        self.0.at_output.store(at_output, Relaxed);
    }

    /// Counts lines that are now as safe as the output's [`Fsync`](super::Fsync) says.
    pub(super) fn acknowledged(&self, lines: u64, bytes: u64) {
        self.0.lines.fetch_add(lines, Relaxed);
        self.0.written_bytes.fetch_add(bytes, Relaxed);
    }
}
