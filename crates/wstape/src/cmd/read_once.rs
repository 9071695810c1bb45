//! What can be read but once, such as a pipe, and is wanted more than once.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, Write as _};

/// The first line, its newline included, or the first `max_bytes` of it: enough to tell whether the
/// rest is wanted. Of a device that has no end no more is read.
pub(crate) fn first_line(source: &mut impl BufRead, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut bounded = source.take(max_bytes as u64);
    bounded.read_until(b'\n', &mut line)?;
    Ok(line)
}

/// What was read, and what `source` still says to its end, in a temporary file without a name.
pub(crate) fn copied(first: &[u8], source: &mut impl BufRead) -> io::Result<File> {
    let mut copy = tempfile::tempfile()?;
    copy.write_all(first)?;
    io::copy(source, &mut copy)?;
    Ok(copy)
}

/// The file from its beginning. One reader at a time may read it.
pub(crate) fn rewound(file: &File) -> io::Result<BufReader<File>> {
    let mut file = file.try_clone()?;
    file.rewind()?;
    Ok(BufReader::new(file))
}
