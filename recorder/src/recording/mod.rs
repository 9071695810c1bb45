//! A tape being recorded: each step is redacted, written, and acknowledged.
//!
//! `tape` is the recording itself; `output` is where it goes, through a `sink`, and is forced to
//! the disk as `fsync` says. `queue` is between a live source and the `writer`, which never delays
//! the source and writes on a separate `thread`; `stats` shows progress.

mod fsync;
mod output;
mod priority;
mod queue;
mod sink;
mod stats;
mod tape;
mod thread;
mod time;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use fsync::{FSYNC_INTERVAL, Fsync};
pub use output::{Output, UNSAFE_SUFFIX};
pub use sink::Sink;
pub use stats::{Counts, Stats};
pub use tape::{Finished, Recording};

pub use queue::LossCause;
#[cfg(test)]
use queue::Overflow;
pub(crate) use queue::{Bounds, Gap, Sender};
pub(crate) use time::TapeTime;
pub(crate) use writer::{Encoder, Writer};
