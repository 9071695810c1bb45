//! The files that an archive names: next to it in its folder, or in the same zip.

use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::PathBuf;
use std::rc::Rc;

use zip::ZipArchive;

/// The maximum size of a file unpacked from a zip, in bytes.
const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// What a zip is read from.
pub(in crate::import) trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// A zip that several readers share.
pub(in crate::import) type SharedZip = Rc<RefCell<ZipArchive<Box<dyn ReadSeek>>>>;

/// A file opened for reading. A file in a zip is unpacked to a temporary file first.
pub(super) type Opened = File;

/// Where to find the files that an archive names.
#[derive(Clone)]
pub(in crate::import) enum Attached {
    Folder(PathBuf),
    Zip {
        zip: SharedZip,
        /// What errors call the zip.
        name: String,
        /// The folder of the archive itself in the zip: empty, or ending in a slash.
        folder: String,
    },
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name_of(""))
    }
}

impl Attached {
    /// What errors call one of these files.
    pub(super) fn name_of(&self, file: &str) -> String {
        match self {
            Self::Folder(folder) => folder.join(file).display().to_string(),
            Self::Zip { name, folder, .. } => format!("{name}/{folder}{file}"),
        }
    }

    /// Opens one of these files. The caller has checked that the name is safe.
    pub(super) fn open(&self, file: &str) -> io::Result<Opened> {
        match self {
            Self::Folder(folder) => File::open(folder.join(file)),
            Self::Zip { zip, folder, .. } => {
                let mut unpacked = tempfile::tempfile()?;
                let mut zip = zip.borrow_mut();
                let packed = zip.by_name(&format!("{folder}{file}"))?;
                copy(packed, &mut unpacked)?;
                unpacked.rewind()?;
                Ok(unpacked)
            }
        }
    }
}

/// Unpacks a file of a zip, up to the size limit.
pub(super) fn copy(packed: impl Read, to: &mut impl io::Write) -> io::Result<()> {
    let copied = io::copy(&mut packed.take(MAX_UNPACKED_BYTES + 1), to)?;
    if copied > MAX_UNPACKED_BYTES {
        let most = MAX_UNPACKED_BYTES >> 30;
        return Err(io::Error::other(format!(
            "it unpacks to more than {most} GiB"
        )));
    }
    Ok(())
}
