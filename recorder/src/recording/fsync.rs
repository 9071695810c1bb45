//! When what was written is forced to the disk.

use std::time::Duration;

/// How often [`Fsync::default`] forces what was written to the disk: what a lost machine costs at
/// most.
pub const FSYNC_INTERVAL: Duration = Duration::from_secs(1);

/// When what was written is forced to the disk.
///
/// A killed recorder loses nothing that was acknowledged, whatever this says: what was handed to
/// the operating system outlives the process. This is about a machine that loses its power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// Left to the operating system.
    Never,
    /// So long after a step was written at the latest, and at the end. A recording whose steps
    /// are written without a [`Clock`](engine_client::Clock), as an import's are, is forced at
    /// its end.
    Interval(Duration),
    /// Before a step is acknowledged. Steps that wait together are forced together.
    Always,
}

impl Default for Fsync {
    /// Each [`FSYNC_INTERVAL`].
    fn default() -> Self {
        Self::Interval(FSYNC_INTERVAL)
    }
}
