//! Where the drawing goes.

use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::DrawError;

/// The name for standard output.
pub(super) const STDOUT: &str = "-";

/// Permissions of a new file, before the user's mask.
const NEW_FILE_MODE: u32 = 0o666;

/// An HTML file that appears once complete, or standard output.
pub(super) enum Out {
    Whole {
        path: PathBuf,
        force: bool,
        beside: BufWriter<NamedTempFile>,
    },
    Stream(Box<dyn Write>),
}

impl Out {
    pub(super) fn at(path: &Path, force: bool) -> Result<Self, DrawError> {
        if path == Path::new(STDOUT) {
            let stdout = BufWriter::new(io::stdout().lock());
            return Ok(Self::Stream(Box::new(stdout)));
        }
        let failed = |source| DrawError::Write {
            path: path.to_owned(),
            source,
        };
        match path.metadata() {
            Ok(there) if there.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(_) if !force => return Err(DrawError::Exists(path.to_owned())),
            // A device or a pipe can't be replaced by renaming: the caller wants it written to.
            Ok(there) if !there.is_file() => {
                let device = std::fs::File::create(path).map_err(failed)?;
                return Ok(Self::Stream(Box::new(BufWriter::new(device))));
            }
            _ => {}
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // The temporary file's own error would name a file that the user never asked for.
        folder.metadata().map_err(failed)?;
        let beside = tempfile::Builder::new()
            .prefix(".draw.")
            .suffix(".part")
            .permissions(Permissions::from_mode(NEW_FILE_MODE))
            .tempfile_in(folder)
            .map_err(|error| failed(error.kind().into()))?;
        Ok(Self::Whole {
            path: path.to_owned(),
            force,
            beside: BufWriter::new(beside),
        })
    }

    /// Moves the file to its place.
    pub(super) fn keep(self) -> Result<(), DrawError> {
        let Self::Whole {
            path,
            force,
            beside,
        } = self
        else {
            return Ok(());
        };
        let failed = |source| DrawError::Write {
            path: path.clone(),
            source,
        };
        let beside = beside
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        let kept = if force {
            beside.persist(&path)
        } else {
            beside.persist_noclobber(&path)
        };
        match kept {
            Ok(_) => Ok(()),
            Err(kept) if kept.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(DrawError::Exists(path.clone()))
            }
            Err(kept) => Err(failed(kept.error)),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Whole { beside, .. } => beside.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Whole { beside, .. } => beside.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}
