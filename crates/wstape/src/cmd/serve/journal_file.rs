//! The file that `serve --journal` names.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::ServeError;

/// Where the journal goes.
#[derive(Debug, Args)]
pub(super) struct JournalFileArgs {
    /// Write what happens to this file, as JSON lines; `wstape journal FILE` summarises it
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,
    /// Overwrite the journal's file if it exists
    #[arg(long, requires = "journal")]
    pub(super) force: bool,
}

/// The journal's file. An old one is emptied by the first write, not before: a run that never
/// begins leaves it unchanged.
pub(super) struct JournalFile {
    file: File,
    stale: bool,
}

impl JournalFile {
    /// Opens it; an old one only with `force`.
    pub(super) fn open(path: &Path, force: bool) -> Result<Self, ServeError> {
        let mut options = OpenOptions::new();
        options.write(true);
        if force {
            options.create(true).truncate(false);
        } else {
            options.create_new(true);
        }
        match options.open(path) {
            Ok(file) => Self::locked(file, force, path),
            Err(source) => {
                let path = path.to_owned();
                Err(match source.kind() {
                    io::ErrorKind::AlreadyExists if path.is_dir() => ServeError::JournalOpen {
                        path,
                        source: io::ErrorKind::IsADirectory.into(),
                    },
                    io::ErrorKind::AlreadyExists => ServeError::JournalExists(path),
                    _ => ServeError::JournalOpen { path, source },
                })
            }
        }
    }

    /// Locks it, if it is a file: two engines would overwrite each other's lines.
    fn locked(file: File, stale: bool, path: &Path) -> Result<Self, ServeError> {
        let is_file = file.metadata().is_ok_and(|there| there.is_file());
        // Not every file system has locks; without one, carry on.
        if is_file && matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(ServeError::JournalTaken(path.to_owned()));
        }
        Ok(Self { file, stale })
    }

    fn freshen(&mut self) -> io::Result<()> {
        // A device or a pipe can't be emptied.
        if std::mem::take(&mut self.stale) && self.file.metadata()?.is_file() {
            return self.file.set_len(0);
        }
        Ok(())
    }
}

impl Write for JournalFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.freshen()?;
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.freshen()?;
        self.file.flush()
    }
}
