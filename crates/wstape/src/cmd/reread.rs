//! A tape that is read more than once.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use wstape_recorder::RecordError;
use wstape_tape::{MAX_LINE_BYTES, TapeError, TapeReader};

use super::read_once::{copied, first_line, rewound};

/// The path that stands for standard input, and what errors call it.
const STDIN: &str = "-";
const STDIN_NAME: &str = "standard input";

/// A tape that can be opened repeatedly. Input that can only be read once, such as a pipe, is kept
/// in a temporary file.
#[derive(Debug)]
pub(crate) struct Reread {
    path: PathBuf,
    copy: Option<File>,
}

impl Reread {
    /// The tape at `path`, or on standard input for `-`; a pipe is read to its end.
    ///
    /// # Errors
    /// If a pipe can't be read or kept, or does not begin with a tape's header.
    pub(crate) fn of(path: &Path) -> Result<Self, RecordError> {
        if path == Path::new(STDIN) {
            let name = PathBuf::from(STDIN_NAME);
            let copy = Some(kept(&name, io::stdin().lock())?);
            return Ok(Self { path: name, copy });
        }
        let once = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        let copy = once.then(|| {
            let failed = |error| RecordError::Output(path.display().to_string(), error);
            kept(path, BufReader::new(File::open(path).map_err(failed)?))
        });
        Ok(Self {
            path: path.to_owned(),
            copy: copy.transpose()?,
        })
    }

    /// Opens it at its start. Only one reader at a time may read it.
    ///
    /// # Errors
    /// If it can't be read, or its first line is not a header.
    pub(crate) fn open(&self) -> Result<TapeReader<BufReader<File>>, RecordError> {
        let Some(copy) = &self.copy else {
            return Ok(TapeReader::open(&self.path)?);
        };
        let name = self.path.display().to_string();
        let file = rewound(copy).map_err(|error| RecordError::Output(name.clone(), error))?;
        let reader: Result<_, TapeError> = TapeReader::new(name, file);
        Ok(reader?)
    }
}

/// A copy of the whole input. If it is not a tape, only one line is read: a device may have no end.
fn kept(path: &Path, mut source: impl BufRead) -> Result<File, RecordError> {
    let name = path.display().to_string();
    let failed = |error| RecordError::Output(name.clone(), error);
    let first = first_line(&mut source, MAX_LINE_BYTES + 1).map_err(failed)?;
    TapeReader::new(name.clone(), &first[..])?;
    copied(&first, &mut source).map_err(failed)
}
