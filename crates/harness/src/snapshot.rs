//! Snapshot files: what insta writes and reads, so that either side can accept for the other.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// The fence around a snapshot file's metadata.
const FENCE: &str = "---\n";

/// An accepted outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The outcome's text.
    pub contents: String,
}

impl Snapshot {
    /// Reads the snapshot at `path`; `None` where there is none.
    ///
    /// # Errors
    /// Where it can't be read, or is no snapshot.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let contents = text
            .strip_prefix(FENCE)
            .and_then(|rest| rest.split_once(&format!("\n{FENCE}")))
            .map(|(_metadata, contents)| contents.trim_end_matches('\n').to_owned());
        match contents {
            Some(contents) => Ok(Some(Self { contents })),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is no snapshot: expected metadata between two lines of ---",
            )),
        }
    }

    /// Writes it to `path`, whole or not at all, making folders where they are missing.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write(&self, path: &Path, tape: &str) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        write!(
            file,
            "{FENCE}source: tests/tests/tapes.rs\ninput_file: {tape}\n{FENCE}{}\n",
            self.contents
        )?;
        file.persist(path)?;
        Ok(())
    }
}
