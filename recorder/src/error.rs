//! What can go wrong with a recording.

use std::io;
use std::path::PathBuf;

use engine_client::WsError;

/// Why nothing, or not everything, was recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TapError {
    /// The URL or the token is none.
    #[error(transparent)]
    Subscriber(#[from] WsError),
    /// The file is there already.
    #[error("{} exists; --force overwrites it", .0.display())]
    Exists(PathBuf),
    /// The file can't be created or written.
    #[error("{}: {}", .0.display(), .1)]
    Output(PathBuf, #[source] io::Error),
}
