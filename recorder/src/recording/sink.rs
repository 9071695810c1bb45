//! What takes a tape's bytes.

use std::fs::File;
use std::io::{self, Write};

/// Where a tape's bytes go: a file, or a test's sink that fills up, writes less than asked, or
/// fails to sync.
pub trait Sink: Write + Send {
    /// Forces what was written to the disk. Returns once it is there.
    ///
    /// # Errors
    /// The data may not be on the disk. What was written may then be lost even if later calls
    /// succeed, so the recording ends.
    fn sync(&mut self) -> io::Result<()>;
}

impl Sink for File {
    fn sync(&mut self) -> io::Result<()> {
        match self.sync_data() {
            // A pipe, a terminal or a device has no disk.
            Err(error) if unsyncable(&error) => Ok(()),
            done => done,
        }
    }
}

/// Whether the error only says that there is nothing to sync (fdatasync(2): EINVAL, EROFS).
pub(super) fn unsyncable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput
            | io::ErrorKind::Unsupported
            | io::ErrorKind::ReadOnlyFilesystem
    )
}
