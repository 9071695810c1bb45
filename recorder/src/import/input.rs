//! The input of an import: a file or standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::har::{Attached, is_zip, unzipped};
use super::tnetstring::Reader;
use super::unpack;
use crate::error::ImportError;

/// The maximum size of a HAR, which is held in memory, in bytes.
const MAX_HAR_BYTES: u64 = 4 << 30;

/// How many bytes of piped or compressed input are kept in a temporary file at most. Any other file
/// may be longer.
const MAX_KEPT_BYTES: u64 = 4 << 30;

/// A file, or standard input.
#[derive(Debug)]
pub(super) struct Input {
    /// What errors call it.
    name: String,
    from: Origin,
}

#[derive(Debug)]
enum Origin {
    File {
        file: File,
        path: PathBuf,
    },
    Stdin,
    /// Piped or compressed input, kept in a temporary file.
    Kept(File),
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => {
                let path = path.to_owned();
                let from = Origin::File { file, path };
                Ok(Self { name, from })
            }
            Err(error) => Err(ImportError::Read(name, error)),
        }
    }

    pub(super) fn stdin() -> Self {
        Self {
            name: "standard input".to_owned(),
            from: Origin::Stdin,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn failed(&self, error: io::Error) -> ImportError {
        ImportError::Read(self.name.clone(), error)
    }

    fn stream(&self) -> Box<dyn Read + '_> {
        match &self.from {
            Origin::File { file, .. } | Origin::Kept(file) => Box::new(file),
            Origin::Stdin => Box::new(io::stdin().lock()),
        }
    }

    /// Returns an archive's bytes, unpacked if it is in a zip, and where to find the files it
    /// names.
    pub(super) fn archive(&mut self) -> Result<(Vec<u8>, Option<Attached>), ImportError> {
        let mut first = [0; 4];
        if let Origin::File { file, .. } = &mut self.from
            && file.metadata().is_ok_and(|meta| meta.is_file())
        {
            let read = file.read(&mut first).and_then(|_| file.rewind());
            read.map_err(|error| ImportError::Read(self.name.clone(), error))?;
            if is_zip(&first) {
                let file = file.try_clone().map_err(|error| self.failed(error))?;
                let (text, beside) = unzipped(&self.name, Some(file), Vec::new())?;
                return Ok((text, Some(beside)));
            }
        }
        let bytes = self.bytes()?;
        if is_zip(&bytes) {
            let (text, beside) = unzipped(&self.name, None, bytes)?;
            return Ok((text, Some(beside)));
        }
        let beside = match &self.from {
            Origin::File { path, .. } => {
                let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                Some(Attached::Folder(folder))
            }
            Origin::Stdin | Origin::Kept(_) => None,
        };
        Ok((bytes, beside))
    }

    /// Returns the whole input, decompressed if gzip or zstd.
    fn bytes(&self) -> Result<Vec<u8>, ImportError> {
        let mut bytes = Vec::new();
        if let Origin::File { file, .. } = &self.from {
            let len = file.metadata().map_or(0, |meta| meta.len());
            // A buffer of the file's size never grows, so the file is held in memory only once.
            bytes.reserve_exact(usize::try_from(len.min(MAX_HAR_BYTES)).unwrap_or(0) + 1);
        }
        let failed = |error| self.failed(error);
        let plain = unpack::unpacked(BufReader::new(self.stream())).map_err(failed)?;
        plain
            .take(MAX_HAR_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > MAX_HAR_BYTES {
            return Err(ImportError::Flaw {
                name: self.name.clone(),
                place: String::new(),
                message: format!(
                    "expected {} GiB at most, found more; export fewer entries",
                    MAX_HAR_BYTES >> 30
                ),
            });
        }
        Ok(bytes)
    }

    /// Makes the input readable more than once: piped input is copied to a temporary file.
    pub(super) fn keep(&mut self) -> Result<(), ImportError> {
        let is_file = |file: &File| file.metadata().is_ok_and(|meta| meta.is_file());
        if matches!(&self.from, Origin::File { file, .. } if is_file(file)) {
            return Ok(());
        }
        let kept = self.kept(self.stream(), "by a pipe")?;
        self.from = Origin::Kept(kept);
        Ok(())
    }

    /// Copies all of `from` to a temporary file. `how` completes the error if that is too much, as
    /// in `by a pipe`.
    fn kept(&self, from: impl Read, how: &str) -> Result<File, ImportError> {
        let mut kept = tempfile::tempfile().map_err(|error| self.failed(error))?;
        let whole = copy_within(from, &mut kept, MAX_KEPT_BYTES);
        if whole.map_err(|error| self.failed(error))? {
            return Ok(kept);
        }
        Err(ImportError::Flaw {
            name: self.name.clone(),
            place: String::new(),
            message: format!(
                "expected {} GiB at most {how}, found more; write it into a plain file and import \
                 that",
                MAX_KEPT_BYTES >> 30
            ),
        })
    }

    /// Opens the input at its beginning. It must have been [kept](Self::keep).
    fn begin(&self) -> Result<File, ImportError> {
        let begin = || {
            let file = match &self.from {
                // The file is opened again, because cloned descriptors share one position.
                Origin::File { path, .. } => return File::open(path),
                Origin::Kept(file) => file,
                Origin::Stdin => return Err(io::ErrorKind::NotSeekable.into()),
            };
            let mut file = file.try_clone()?;
            file.rewind()?;
            Ok(file)
        };
        begin().map_err(|error| self.failed(error))
    }

    /// Opens the input, decompressed if gzip or zstd. It must have been [kept](Self::keep).
    pub(super) fn unpacked(&self) -> Result<Box<dyn BufRead>, ImportError> {
        let mut packed = BufReader::new(self.begin()?);
        let begin = packed.fill_buf().map_err(|error| self.failed(error))?;
        if let Some(what) = unpack::other(begin) {
            return Err(ImportError::Flaw {
                name: self.name.clone(),
                place: String::new(),
                message: format!("expected a file that is plain, gzip or zstd, found {what}"),
            });
        }
        unpack::unpacked(packed).map_err(|error| self.failed(error))
    }

    /// Opens the input for reading at any position, decompressed if gzip or zstd.
    pub(super) fn anywhere(&mut self) -> Result<Reader, ImportError> {
        self.keep()?;
        let mut file = self.begin()?;
        let mut begin = [0; 4];
        let read = file.read(&mut begin);
        let read = read.map_err(|error| self.failed(error))?;
        if unpack::is_packed(&begin[..read]) {
            file = self.kept(self.unpacked()?, "once it is unpacked")?;
        }
        let len = file.metadata().map_err(|error| self.failed(error))?.len();
        Ok(Reader::new(Rc::new(file), len))
    }
}

/// Copies a reader up to `max_bytes`. Returns `false` if there is more.
fn copy_within(from: impl Read, to: &mut impl Write, max_bytes: u64) -> io::Result<bool> {
    let mut bounded = from.take(max_bytes);
    io::copy(&mut bounded, to)?;
    let mut from = bounded.into_inner();
    Ok(io::copy(&mut from.by_ref().take(1), &mut io::sink())? == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_copied_up_to_the_bound_and_no_further() {
        let copied = |from: &mut dyn Read| {
            let mut to = Vec::new();
            let whole = copy_within(from, &mut to, 1000).unwrap();
            (whole, to.len())
        };
        assert_eq!(copied(&mut io::repeat(b'x')), (false, 1000));
        assert_eq!(copied(&mut io::repeat(b'x').take(1001)), (false, 1000));
        assert_eq!(copied(&mut io::repeat(b'x').take(1000)), (true, 1000));
        assert_eq!(copied(&mut io::empty()), (true, 0));
    }
}
