//! Input that can only be read once, such as a pipe, but is needed more often.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, Write};

/// The first line, including its newline, or its first `max_bytes`: enough to decide whether the
/// rest is wanted. Nothing more is read, because a device may have no end.
pub(crate) fn first_line(source: &mut impl BufRead, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut bounded = source.take(max_bytes as u64);
    bounded.read_until(b'\n', &mut line)?;
    Ok(line)
}

/// The most bytes kept of input that can only be read once; a file may be longer.
const MAX_PIPED_BYTES: u64 = 4 << 30;

/// Copies what was read, and the rest of `source`, to an unnamed temporary file.
///
/// # Errors
/// If the file can't be written, or there is more than a pipe may bring.
pub(crate) fn copied(first: &[u8], source: &mut impl BufRead) -> io::Result<File> {
    let mut copy = tempfile::tempfile()?;
    copy.write_all(first)?;
    copy_rest(source, &mut copy, MAX_PIPED_BYTES)?;
    Ok(copy)
}

fn copy_rest(source: &mut impl BufRead, copy: &mut impl Write, max_bytes: u64) -> io::Result<()> {
    io::copy(&mut source.take(max_bytes), copy)?;
    if source.fill_buf()?.is_empty() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "expected {} GiB at most by a pipe, found more; write it into a file and give that",
        MAX_PIPED_BYTES >> 30
    )))
}

/// The file from its start. Only one reader at a time may read it.
pub(crate) fn rewound(file: &File) -> io::Result<BufReader<File>> {
    let mut file = file.try_clone()?;
    file.rewind()?;
    Ok(BufReader::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_copied_up_to_the_bound_and_said_to_be_too_much() {
        let copied = |bytes: u64, max_bytes: u64| {
            let mut to = Vec::new();
            let mut from = BufReader::new(io::repeat(b'x').take(bytes));
            let error = copy_rest(&mut from, &mut to, max_bytes).err();
            (to.len(), error.map(|error| error.to_string()))
        };
        let (len, error) = copied(u64::MAX, 1000);
        assert_eq!(len, 1000);
        assert!(error.unwrap().contains("write it into a file"));
        assert_eq!(copied(1000, 1000), (1000, None));
    }
}
