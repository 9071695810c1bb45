//! Snapshot files in insta's format, so that insta and this program can accept outcomes for each
//! other.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// The fence around a snapshot file's metadata.
const FENCE: &str = "---\n";

/// The metadata key for who wrote a snapshot.
const SOURCE: &str = "source: ";
/// The writer to name in a new snapshot.
const PROGRAM: &str = "wstape replay";

/// An accepted outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The outcome's text.
    pub contents: String,
}

impl Snapshot {
    /// Reads the snapshot at `path`; `None` if there is none.
    ///
    /// # Errors
    /// If it can't be read, or is not a snapshot.
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
                "not a snapshot: expected metadata between two lines of ---",
            )),
        }
    }

    /// Writes it to `path`, whole or not at all, creating missing folders. Whoever wrote a snapshot
    /// there before is still named as its source.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&self, path: &Path, tape: &str) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let before = fs::read_to_string(path).unwrap_or_default();
        let source = before.lines().find_map(|line| line.strip_prefix(SOURCE));
        let source = source.unwrap_or(PROGRAM);
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        write!(
            file,
            "{FENCE}{SOURCE}{source}\ninput_file: {tape}\n{FENCE}{}\n",
            self.contents
        )?;
        file.persist(path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_snapshot_names_this_program_as_its_source_and_one_that_was_there_keeps_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/x.snap");
        let snapshot = |contents: &str| Snapshot {
            contents: contents.to_owned(),
        };
        snapshot("one").write(&path, "x.jsonl").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "---\nsource: wstape replay\ninput_file: x.jsonl\n---\none\n"
        );
        fs::write(&path, "---\nsource: tests/mine.rs\n---\nsource: no\n").unwrap();
        snapshot("two").write(&path, "x.jsonl").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("---\nsource: tests/mine.rs\n"), "{text}");
        assert_eq!(Snapshot::read(&path).unwrap(), Some(snapshot("two")));
    }
}
