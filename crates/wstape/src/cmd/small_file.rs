//! A file that is read whole: certificates, verdicts, a run's results.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The largest such file, in bytes: no key, verdict or result is nearly that large, and a device
/// has no end.
pub(crate) const MAX_SMALL_FILE_BYTES: u64 = 64 << 20;

/// The contents of the file at `path`.
///
/// # Errors
/// If it can't be read, or holds more than [`MAX_SMALL_FILE_BYTES`].
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(MAX_SMALL_FILE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SMALL_FILE_BYTES {
        let most = MAX_SMALL_FILE_BYTES >> 20;
        let error = format!("it has more than {most} MiB, so it is not what belongs here");
        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
    }
    Ok(bytes)
}

/// The text in the file at `path`.
///
/// # Errors
/// As [`read`], and if it is not UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "it is not text: it is not UTF-8",
        )
    })
}
