//! When written data is forced to the disk.

use std::time::Duration;

/// How often [`Fsync::default`] forces written data to the disk: a power loss costs at most what
/// was written in this time.
pub const FSYNC_INTERVAL: Duration = Duration::from_secs(1);

/// When written data is forced to the disk.
///
/// Data handed to the operating system outlives the process: a recorder that is killed loses
/// nothing that was acknowledged, whatever the setting. The setting matters if the machine loses
/// power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// Left to the operating system.
    Never,
    /// At most this long after a step was written, and at the end. A recording whose steps are
    /// written without a [`Clock`](engine_client::Clock), such as an import's, is forced at its
    /// end.
    Interval(Duration),
    /// Before a step is acknowledged. Steps that wait together are forced together.
    Always,
}

impl Default for Fsync {
    /// Every [`FSYNC_INTERVAL`].
    fn default() -> Self {
        Self::Interval(FSYNC_INTERVAL)
    }
}
