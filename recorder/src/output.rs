//! The file that a recording is written to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::TapError;

/// A tape being written. Every line reaches the operating system on its own and whole, so that
/// what is there plays, whenever the recorder dies.
#[derive(Debug)]
pub struct Output {
    file: File,
    path: PathBuf,
}

impl Output {
    /// Creates the file at `path`; one that is there already is overwritten only with `force`.
    ///
    /// # Errors
    /// [`TapError::Exists`] where it is there already, [`TapError::Output`] where it can't be
    /// created.
    pub fn create(path: &Path, force: bool) -> Result<Self, TapError> {
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
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(TapError::Exists(path.to_owned()))
            }
            Err(error) => Err(TapError::Output(path.to_owned(), error)),
        }
    }

    /// Where it is written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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
