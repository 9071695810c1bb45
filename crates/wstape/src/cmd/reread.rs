//! A tape that is read more than once.

use std::fs::{self, File};
use std::io::{self, BufReader, Seek};
use std::path::{Path, PathBuf};

use wstape_recorder::RecordError;
use wstape_tape::{TapeError, TapeReader};

/// A tape that can be opened again and again. What can be read but once, such as a pipe, is kept in
/// a temporary file.
#[derive(Debug)]
pub(crate) struct Reread {
    path: PathBuf,
    copy: Option<File>,
}

impl Reread {
    /// The tape at `path`; a pipe is read to its end.
    ///
    /// # Errors
    /// Where a pipe can't be read, or not be kept.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let once = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        let copy = once.then(|| {
            let mut copy = tempfile::tempfile()?;
            io::copy(&mut File::open(path)?, &mut copy)?;
            Ok::<_, io::Error>(copy)
        });
        Ok(Self {
            path: path.to_owned(),
            copy: copy.transpose()?,
        })
    }

    /// Opens it at its beginning. One reader at a time may read it.
    ///
    /// # Errors
    /// Where it can't be read, or its first line is no header.
    pub(crate) fn open(&self) -> Result<TapeReader<BufReader<File>>, RecordError> {
        let Some(copy) = &self.copy else {
            return Ok(TapeReader::open(&self.path)?);
        };
        let name = self.path.display().to_string();
        let rewound = || {
            let mut file = copy.try_clone()?;
            file.rewind()?;
            Ok(file)
        };
        let file = rewound().map_err(|error| RecordError::Output(name.clone(), error))?;
        let reader: Result<_, TapeError> = TapeReader::new(name, BufReader::new(file));
        Ok(reader?)
    }
}
