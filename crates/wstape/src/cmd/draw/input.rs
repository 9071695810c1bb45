//! The input of a drawing: a file that is read more than once.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use wstape_mock_engine::MAX_JOURNAL_LINE_BYTES;
use wstape_tape::{TapeErrorKind, TapeReader};

use super::error::DrawError;
use crate::cmd::read_once::{copied, first_line, rewound};

/// The name for standard input.
const STDIN: &str = "-";

/// A journal or tape that can be read repeatedly. Input that can only be read once, such as a pipe,
/// is kept in a temporary file.
pub(super) struct Input {
    /// What errors call it.
    pub(super) name: String,
    /// What the drawing calls it.
    pub(super) title: String,
    file: File,
}

/// What it contains.
pub(super) enum Kind {
    Journal,
    Tape,
}

/// Enough of a first line to tell what it heads.
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
            Ok(Some(file)) => Ok(Self { name, title, file }),
            Ok(None) => Err(DrawError::Neither(name)),
            Err(source) => Err(DrawError::Read { name, source }),
        }
    }

    /// The file from its start. Only one reader at a time may read it.
    pub(super) fn open(&self) -> Result<BufReader<File>, DrawError> {
        rewound(&self.file).map_err(|source| DrawError::Read {
            name: self.name.clone(),
            source,
        })
    }

    pub(super) fn kind(&self) -> Result<Kind, DrawError> {
        let mut first = self.open()?;
        let line =
            first_line(&mut first, MAX_JOURNAL_LINE_BYTES).map_err(|source| DrawError::Read {
                name: self.name.clone(),
                source,
            })?;
        kind(&line).ok_or_else(|| match TapeReader::new(&self.name, &line[..]) {
            Err(error) if error.kind() == TapeErrorKind::Packed => DrawError::Tape(error),
            _ => DrawError::Neither(self.name.clone()),
        })
    }
}

/// What this line heads.
fn kind(line: &[u8]) -> Option<Kind> {
    match serde_json::from_slice(line) {
        Ok(First {
            journal: Some(_), ..
        }) => Some(Kind::Journal),
        Ok(First { tape: Some(_), .. }) => Some(Kind::Tape),
        _ => None,
    }
}

/// The file, or a copy if it can only be read once; `None` if its first line heads neither kind. No
/// more than that line is read then: a device may have no end.
fn file(path: &Path, is_stdin: bool) -> io::Result<Option<File>> {
    let source: Box<dyn io::Read> = if is_stdin {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path)?;
        if file.metadata()?.is_file() {
            return Ok(Some(file));
        }
        Box::new(file)
    };
    let mut source = BufReader::new(source);
    let first = first_line(&mut source, MAX_JOURNAL_LINE_BYTES)?;
    if kind(&first).is_none() {
        return Ok(None);
    }
    copied(&first, &mut source).map(Some)
}
