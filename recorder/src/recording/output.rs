//! Where a tape is written: a file that grows, a file that appears once complete, standard output,
//! or the caller's sink.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::fsync::Fsync;
use super::sink::{Sink, unsyncable};
use super::stats::Stats;
use crate::error::RecordError;
use crate::redact;

/// The suffix for a tape that holds a secret, so that nobody mistakes it for one that may be
/// shared.
pub const UNSAFE_SUFFIX: &str = redact::UNSAFE_SUFFIX;

/// The name of standard output in errors.
const STDOUT: &str = "standard output";
/// Mode of a new file, before the umask.
const NEW_FILE_MODE: u32 = 0o666;

/// A tape's output.
///
/// After a failure, what was written stays and nothing more is written: at most the last line is
/// incomplete.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("session.jsonl");
/// use wstape_recorder::{Fsync, Output};
///
/// let output = Output::create(&path, false)?.fsync(Fsync::Always);
/// assert_eq!(output.path(), Some(path.as_path()));
/// assert!(Output::create(&path, false).is_err(), "it is there already");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Output {
    sink: Box<dyn Sink>,
    place: Place,
    name: String,
    fsync: Fsync,
    stats: Stats,
    /// Whether data was written since it was last forced to the disk.
    dirty: bool,
    /// Whether a write or an fsync has failed.
    broken: bool,
}

/// Where the sink's bytes end up.
#[derive(Debug)]
enum Place {
    /// In a file that exists from the first byte on.
    Growing { path: PathBuf },
    /// In a temporary file next to its final path.
    Whole {
        path: PathBuf,
        beside: TempPath,
        force: bool,
    },
    /// In something without a path in a file system.
    Stream,
}

impl Output {
    /// Creates a file at `path` that grows as it is written; an existing file is only overwritten
    /// with `force`.
    ///
    /// # Errors
    /// [`RecordError::Exists`] if it already exists, [`RecordError::Output`] if it can't be
    /// created.
    pub fn create(path: &Path, force: bool) -> Result<Self, RecordError> {
        let mut options = OpenOptions::new();
        options.write(true);
        if force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        match options.open(path) {
            Ok(file) => Ok(Self::new(
                Box::new(file),
                Place::Growing {
                    path: path.to_owned(),
                },
                path.display().to_string(),
            )),
            Err(error) => {
                let failed = |error| RecordError::Output(path.display().to_string(), error);
                Err(match error.kind() {
                    io::ErrorKind::AlreadyExists if path.is_dir() => {
                        failed(io::ErrorKind::IsADirectory.into())
                    }
                    io::ErrorKind::AlreadyExists => RecordError::Exists(path.to_owned()),
                    _ => failed(error),
                })
            }
        }
    }

    /// Creates a file that appears at `path` when finished. Until then it is written next to it, as
    /// `.NAME.….part`; if it is never finished, nothing is left.
    ///
    /// # Errors
    /// The same as [`create`](Self::create).
    pub fn whole(path: &Path, force: bool) -> Result<Self, RecordError> {
        let name = path.display().to_string();
        let failed = |error| RecordError::Output(name.clone(), error);
        let Some(file_name) = path.file_name() else {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        };
        match path.metadata() {
            Ok(there) if there.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(_) if !force => return Err(RecordError::Exists(path.to_owned())),
            // A device or a pipe can't be replaced by renaming: the caller wants it written to.
            Ok(there) if !there.is_file() => return Self::create(path, true),
            _ => {}
        }
        // The temporary file's own error would name a file that the user never asked for.
        folder(path).metadata().map_err(failed)?;
        let mut prefix = OsString::from(".");
        prefix.push(file_name);
        prefix.push(".");
        let beside = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".part")
            .permissions(Permissions::from_mode(NEW_FILE_MODE))
            .tempfile_in(folder(path))
            .map_err(|error| failed(error.kind().into()))?;
        let (file, beside) = beside.into_parts();
        let place = Place::Whole {
            path: path.to_owned(),
            beside,
            force,
        };
        Ok(Self::new(Box::new(file), place, name))
    }

    /// Writes to standard output. Nothing else may be printed there from here on.
    ///
    /// # Errors
    /// [`RecordError::Output`] if it is closed.
    pub fn stdout() -> Result<Self, RecordError> {
        // Bypasses std's buffer: an acknowledged step has reached the reader.
        match io::stdout().as_fd().try_clone_to_owned() {
            Ok(fd) => Ok(Self::new(
                Box::new(File::from(fd)),
                Place::Stream,
                STDOUT.to_owned(),
            )),
            Err(error) => Err(RecordError::Output(STDOUT.to_owned(), error)),
        }
    }

    /// Writes to the caller's sink, which errors call `name`.
    #[must_use]
    pub fn sink(name: &str, sink: impl Sink + 'static) -> Self {
        Self::new(Box::new(sink), Place::Stream, name.to_owned())
    }

    fn new(sink: Box<dyn Sink>, place: Place, name: String) -> Self {
        Self {
            sink,
            place,
            name,
            fsync: Fsync::default(),
            stats: Stats::default(),
            dirty: false,
            broken: false,
        }
    }

    /// Sets when written data is forced to the disk. Default: [`Fsync::default`].
    #[must_use]
    pub fn fsync(mut self, fsync: Fsync) -> Self {
        self.fsync = fsync;
        self
    }

    /// Its name in errors.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the tape will be; `None` for a stream.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Growing { path } | Place::Whole { path, .. } => Some(path),
            Place::Stream => None,
        }
    }

    /// A handle on the counters of its recording.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats.clone()
    }

    pub(super) fn policy(&self) -> Fsync {
        self.fsync
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Writes whole lines. When it returns they are as safe as [`Fsync`] says.
    pub(super) fn write(&mut self, lines: &[u8], count: u64) -> Result<(), RecordError> {
        if lines.is_empty() && !self.broken {
            return Ok(());
        }
        // `write_all` handles short writes and EINTR.
        self.attempt(|sink| {
            sink.write_all(lines)?;
            sink.flush()
        })?;
        self.dirty = true;
        if self.fsync == Fsync::Always {
            self.sync()?;
        }
        self.stats.acknowledged(count, lines.len() as u64);
        Ok(())
    }

    /// Forces written data to the disk, if the policy ever does so.
    pub(super) fn sync(&mut self) -> Result<(), RecordError> {
        if self.dirty && self.fsync != Fsync::Never {
            self.attempt(|sink| {
                loop {
                    match sink.sync() {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        done => return done,
                    }
                }
            })?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Forces the folder of a growing file to the disk, so that the file is still there after a
    /// crash.
    pub(super) fn sync_folder(&mut self) -> Result<(), RecordError> {
        match &self.place {
            Place::Growing { path } if self.fsync != Fsync::Never => {
                let folder = folder(path).to_owned();
                self.attempt(|_| sync_folder(&folder))
            }
            _ => Ok(()),
        }
    }

    /// Opens the file to search it for secrets; `None` for a stream, a device or a pipe, which
    /// can't be read again.
    pub(super) fn reader(&self) -> Result<Option<File>, RecordError> {
        let path: &Path = match &self.place {
            Place::Growing { path } => path,
            Place::Whole { beside, .. } => beside,
            Place::Stream => return Ok(None),
        };
        let opened = path
            .metadata()
            .and_then(|there| there.is_file().then(|| File::open(path)).transpose());
        opened.map_err(|error| RecordError::Output(self.name.clone(), error))
    }

    /// Moves a complete tape to its final path.
    pub(super) fn keep(mut self) -> Result<(), RecordError> {
        self.sync()?;
        let Place::Whole {
            path,
            beside,
            force,
        } = self.place
        else {
            return Ok(());
        };
        let kept = if force {
            beside.persist(&path)
        } else {
            beside.persist_noclobber(&path)
        };
        match kept {
            Err(kept) if kept.error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(RecordError::Exists(path));
            }
            Err(kept) => return Err(RecordError::Output(self.name, kept.error)),
            Ok(()) => {}
        }
        if self.fsync != Fsync::Never {
            sync_folder(folder(&path)).map_err(|error| RecordError::Output(self.name, error))?;
        }
        Ok(())
    }

    /// Moves a tape that holds a secret to a path that shows it. Returns its new name.
    pub(super) fn keep_unsafe(mut self) -> Result<String, RecordError> {
        self.sync()?;
        let beside = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(UNSAFE_SUFFIX);
            PathBuf::from(name)
        };
        let (moved, to) = match self.place {
            Place::Growing { path } => {
                let to = beside(&path);
                (fs::rename(&path, &to), to)
            }
            Place::Whole {
                path, beside: part, ..
            } => {
                let to = beside(&path);
                (part.persist(&to).map_err(|kept| kept.error), to)
            }
            Place::Stream => return Ok(self.name),
        };
        match moved {
            Ok(()) => Ok(to.display().to_string()),
            Err(error) => Err(RecordError::Output(to.display().to_string(), error)),
        }
    }

    fn attempt(
        &mut self,
        work: impl FnOnce(&mut dyn Sink) -> io::Result<()>,
    ) -> Result<(), RecordError> {
        let done = if self.broken {
            Err(io::Error::other("an earlier write failed"))
        } else {
            self.stats.set_at_output(true);
            let done = work(&mut *self.sink);
            self.stats.set_at_output(false);
            done
        };
        done.map_err(|error| {
            self.broken = true;
            match self.stats.counts().lines {
                0 => RecordError::Output(self.name.clone(), error),
                lines => RecordError::Broken {
                    name: self.name.clone(),
                    lines,
                    source: error,
                },
            }
        })
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("name", &self.name)
            .field("place", &self.place)
            .field("fsync", &self.fsync)
            .finish_non_exhaustive()
    }
}

/// The folder that contains `path`.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Forces a folder's directory entries to the disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // The folder may be writable but not readable, or the file system may not support this.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied || unsyncable(&error) => {
            Ok(())
        }
        done => done,
    }
}
