//! Files that were read to the end and found sound.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use crate::reader::FILE_BUFFER_BYTES;
use crate::{TapeError, TapeReader};

/// A file that was read to its end, and in which nothing was wrong.
///
/// A file is checked before it is played, so that a flaw in a late line is reported at once and not
/// when play reaches it. It need not be checked again during play: as long as the file has not
/// changed, its lines are known to be steps.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("tape.jsonl");
/// std::fs::write(&path, "{\"tape\":1}\n{\"at_ms\":5,\"emit\":{\"event\":\"risk\"}}\n")?;
/// let sound = wstape_tape::Sound::look_through(&path)?;
/// assert_eq!(wstape_tape::TapeReader::open_sound(&sound)?.count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sound {
    path: PathBuf,
    /// The file's stamp; `None` if the file changed while it was read, or if that can't be known.
    stamp: Option<Stamp>,
    /// Whether every line of it that looks plain is plain.
    plain: bool,
}

impl Sound {
    /// Reads a tape to its end, in constant memory.
    ///
    /// # Errors
    /// If the file can't be read, or the tape's first flaw.
    pub fn look_through(path: impl AsRef<Path>) -> Result<Self, TapeError> {
        let path = path.as_ref().to_owned();
        let before = Stamp::at(&path);
        let mut reader = TapeReader::open(&path)?.looking();
        for step in reader.by_ref() {
            step?;
        }
        let plain = reader.saw_plain();
        let stamp = before.filter(|before| Stamp::at(&path).as_ref() == Some(before));
        Ok(Self { path, stamp, plain })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl TapeReader<BufReader<SoundFile>> {
    /// Opens a file that was checked before. If it has changed since, its lines are checked like
    /// any other's.
    ///
    /// # Errors
    /// As [`open`](TapeReader::open).
    pub fn open_sound(sound: &Sound) -> Result<Self, TapeError> {
        let name = sound.path.display().to_string();
        let file =
            File::open(&sound.path).map_err(|error| TapeError::io(&name, 0, "open", &error))?;
        let file = SoundFile {
            file,
            stamp: sound.stamp.clone(),
            unchanged: Arc::new(AtomicBool::new(sound.stamp.is_some())),
        };
        let unchanged = Arc::clone(&file.unchanged);
        let buffered = BufReader::with_capacity(FILE_BUFFER_BYTES, file);
        Ok(Self::new(name, buffered)?.trusting(unchanged, sound.plain))
    }
}

/// A file's identity, as far as its metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: SystemTime,
    identity: Identity,
}

impl Stamp {
    fn at(path: &Path) -> Option<Self> {
        Self::of(&path.metadata().ok()?)
    }

    fn of(metadata: &Metadata) -> Option<Self> {
        Some(Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok()?,
            identity: identity(metadata),
        })
    }
}

/// Device, inode number and time of change, where the system has them.
#[cfg(unix)]
type Identity = [i64; 4];
#[cfg(not(unix))]
type Identity = [i64; 0];

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    let [device, number] = [metadata.dev(), metadata.ino()].map(u64::cast_signed);
    [device, number, metadata.ctime(), metadata.ctime_nsec()]
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    []
}

/// A file that is read again, and watched for changes.
#[derive(Debug)]
pub struct SoundFile {
    file: File,
    stamp: Option<Stamp>,
    unchanged: Arc<AtomicBool>,
}

impl Read for SoundFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buf)?;
        // The stamp is taken after the read: if it is still the same, what was just read is what
        // was checked.
        if self.unchanged.load(Ordering::Relaxed) {
            let stamp = self.file.metadata().ok().as_ref().and_then(Stamp::of);
            let same = stamp == self.stamp;
            self.unchanged.store(same, Ordering::Relaxed);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{Sound, Stamp};
    use crate::{Action, TapeError, TapeReader};

    /// A line that no reader would take for a step.
    const WRONG: &str = "{\"at_ms\":5,\"emit\":{\"event\":\"a\",,}}\n";

    fn steps(sound: &Sound) -> Result<Vec<Action>, TapeError> {
        let steps = TapeReader::open_sound(sound)?;
        steps
            .map(|step| step.map(|step| step.into_fields().action))
            .collect()
    }

    fn wrong() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.jsonl");
        fs::write(&path, format!("{{\"tape\":1}}\n{WRONG}")).unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_that_is_as_it_was_is_not_looked_through_again() {
        let (_folder, path) = wrong();
        assert!(Sound::look_through(&path).is_err());
        // This claims that nothing was wrong with it.
        let stamp = Stamp::at(&path);
        let sound = Sound {
            path,
            stamp,
            plain: true,
        };
        let emit = Action::Emit(r#"{"event":"a",,}"#.into());
        assert_eq!(steps(&sound).unwrap(), [emit]);
    }

    #[test]
    fn a_file_that_has_changed_is_read_like_any_other() {
        let (_folder, path) = wrong();
        fs::write(&path, "{\"tape\":1}\n").unwrap();
        let sound = Sound::look_through(&path).unwrap();
        assert_eq!(steps(&sound).unwrap(), []);
        fs::write(&path, format!("{{\"tape\":1}}\n{WRONG}")).unwrap();
        let error = steps(&sound).unwrap_err().to_string();
        assert!(error.contains("not JSON"), "{error}");
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_read_like_any_other_from_there() {
        let (_folder, path) = wrong();
        let good = format!("{{\"tape\":1}}\n{}", WRONG.replace(",,", "").repeat(10_000));
        fs::write(&path, &good).unwrap();
        let sound = Sound::look_through(&path).unwrap();
        let mut reader = TapeReader::open_sound(&sound).unwrap();
        assert!(reader.next().unwrap().is_ok());
        fs::write(&path, good + WRONG).unwrap();
        let error = reader.find_map(Result::err).unwrap();
        assert_eq!(error.line(), 10_002);
    }

    #[test]
    fn a_sound_files_steps_are_those_of_any_reader_however_long_they_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.jsonl");
        // Several blocks long, with lines of all lengths across their borders.
        let line = |at: usize| {
            let data = "x".repeat(at % 97);
            let event = format!("{{\"event\":\"a\",\"data\":\"{data}\"}}");
            format!("{{\"at_ms\":{at},\"emit\":{event}}}\n")
        };
        let plain = (0..4_000).map(line).collect::<Vec<_>>().concat();
        let extended = "{\"at_ms\":5000,\"emit\":{\"event\":\"a\"},\"x-by\":{\"b\":1}}\n";
        let other = "{\"at_ms\":5001,\"conn\":1,\"text\":\"hello\"}\n";
        for tape in [plain.clone(), format!("{plain}{extended}{other}")] {
            fs::write(&path, format!("{{\"tape\":1}}\n{tape}")).unwrap();
            let sound = Sound::look_through(&path).unwrap();
            assert_eq!(sound.plain, tape == plain);
            let steps = TapeReader::open_sound(&sound).unwrap();
            let steps: Vec<_> = steps.map(Result::unwrap).collect();
            let lines: String = steps.iter().map(|step| step.to_line() + "\n").collect();
            assert_eq!(lines, tape);
            let any = TapeReader::open(&path).unwrap().map(Result::unwrap);
            assert!(any.eq(steps), "what they say, too");
        }
    }
}
