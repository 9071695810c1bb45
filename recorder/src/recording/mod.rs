//! A tape being made: each step is redacted, written, and acknowledged.
//!
//! `tape` is the recording itself, `output` where it goes, through a `sink`, forced to the disk as
//! `fsync` says; `queue` lies between a live source and the `writer`, which never holds the source
//! up; `stats` is what progress is read off.

mod fsync;
mod output;
mod queue;
mod sink;
mod stats;
mod tape;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use fsync::{FSYNC_INTERVAL, Fsync};
pub use output::{Output, UNSAFE_SUFFIX};
pub use sink::Sink;
pub use stats::{Counts, Stats};
pub use tape::{Finished, Recording};

pub(crate) use queue::{Bounds, Sender};
pub(crate) use writer::{Encoder, Writer};
