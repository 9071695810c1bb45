//! Why there is no drawing.

use std::io;
use std::path::PathBuf;

use wstape_mock_engine::JournalError;
use wstape_tape::TapeError;

use crate::cmd::redaction::NoRandomBytes;
use crate::cmd::remedy;
use crate::cmd::same_file::Itself;

/// Why there is no drawing.
#[derive(Debug, thiserror::Error)]
pub(super) enum DrawError {
    #[error("{name}: {source}{}", remedy::to_read(source.kind()))]
    Read { name: String, source: io::Error },
    #[error(
        "{0}: neither a journal nor a tape; its first line must be {{\"journal\":1,…}} or \
         {{\"tape\":1,…}}"
    )]
    Neither(String),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("{}", .0.report())]
    Tape(#[from] TapeError),
    #[error(transparent)]
    Random(#[from] NoRandomBytes),
    #[error("{} exists; --force overwrites it", .0.display())]
    Exists(PathBuf),
    #[error(transparent)]
    Itself(#[from] Itself),
    #[error("{}: {}", path.display(), remedy::unwritten(source))]
    Write { path: PathBuf, source: io::Error },
}

impl DrawError {
    /// Whether the reader of the output has gone.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
