//! What is drawn: a file that is read more than once.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use wstape_mock_engine::MAX_JOURNAL_LINE_BYTES;

use super::error::DrawError;

/// How standard input is named.
const STDIN: &str = "-";

/// A journal or a tape that can be read again and again. What can be read but once, such as a pipe,
/// is kept in a temporary file.
pub(super) struct Input {
    /// What errors call it.
    pub(super) name: String,
    /// What the drawing calls it.
    pub(super) title: String,
    file: File,
}

/// What is in it.
pub(super) enum Kind {
    Journal,
    Tape,
}

/// As much of a first line as tells what it heads.
#[derive(Deserialize)]
struct First {
    journal: Option<IgnoredAny>,
    tape: Option<IgnoredAny>,
}

impl Input {
    pub(super) fn of(path: &Path) -> Result<Self, DrawError> {
        let is_stdin = path == Path::new(STDIN);
        let name = if is_stdin {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        let title = path
            .file_name()
            .filter(|_| !is_stdin)
            .map_or_else(|| name.clone(), |file| file.to_string_lossy().into_owned());
        match file(path, is_stdin) {
            Ok(file) => Ok(Self { name, title, file }),
            Err(source) => Err(DrawError::Read { name, source }),
        }
    }

    /// The file from its beginning. One reader at a time may read it.
    pub(super) fn open(&self) -> Result<BufReader<File>, DrawError> {
        let rewound = || {
            let mut file = self.file.try_clone()?;
            file.rewind()?;
            Ok(BufReader::new(file))
        };
        rewound().map_err(|source| DrawError::Read {
            name: self.name.clone(),
            source,
        })
    }

    pub(super) fn kind(&self) -> Result<Kind, DrawError> {
        let mut line = Vec::new();
        let mut bounded = self.open()?.take(MAX_JOURNAL_LINE_BYTES as u64);
        let read = bounded.read_until(b'\n', &mut line);
        read.map_err(|source| DrawError::Read {
            name: self.name.clone(),
            source,
        })?;
        match serde_json::from_slice(&line) {
            Ok(First {
                journal: Some(_), ..
            }) => Ok(Kind::Journal),
            Ok(First { tape: Some(_), .. }) => Ok(Kind::Tape),
            _ => Err(DrawError::Neither(self.name.clone())),
        }
    }
}

fn file(path: &Path, is_stdin: bool) -> io::Result<File> {
    let mut source: Box<dyn io::Read> = if is_stdin {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path)?;
        if file.metadata()?.is_file() {
            return Ok(file);
        }
        Box::new(file)
    };
    let mut copy = tempfile::tempfile()?;
    io::copy(&mut source, &mut copy)?;
    Ok(copy)
}
