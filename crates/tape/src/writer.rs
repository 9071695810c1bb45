//! Writes a tape step by step.

use std::io::{self, Write};

use bytes::Bytes;

use crate::{Header, Step};

/// Writes a tape: the header at once, then one line per step.
///
/// Each line goes out with its newline in one `write_all`, so that a recorder that dies leaves at
/// most one torn line. What was read is written back byte for byte; what was made in Rust is
/// written in canonical form. The writer checks nothing.
///
/// ```
/// use wstape_tape::{Action, Header, Micros, Step, TapeWriter};
/// let mut tape = TapeWriter::new(Vec::new(), &Header::new("two steps"))?;
/// tape.write(&Step::at(Micros::from_ms(5), Action::Hang(true)))?;
/// tape.write(&Step::at(Micros::from_ms(9), Action::End))?;
/// let text = "{\"tape\":1,\"title\":\"two steps\"}\n\
///             {\"at_ms\":5,\"hang\":true}\n{\"at_ms\":9,\"end\":true}\n";
/// assert_eq!(tape.into_inner(), text.as_bytes());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TapeWriter<W> {
    inner: W,
    /// Kept between lines for its capacity.
    line: Vec<u8>,
}

impl<W: Write> TapeWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(inner: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self {
            inner,
            line: Vec::new(),
        };
        writer.line(header.raw(), || header.to_canonical())?;
        Ok(writer)
    }

    /// Writes a step.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&mut self, step: &Step) -> io::Result<()> {
        self.line(step.raw(), || step.to_canonical())
    }

    fn line(&mut self, raw: Option<&Bytes>, canonical: impl FnOnce() -> String) -> io::Result<()> {
        self.line.clear();
        match raw {
            Some(raw) => self.line.extend_from_slice(raw),
            None => self.line.extend_from_slice(canonical().as_bytes()),
        }
        self.line.push(b'\n');
        self.inner.write_all(&self.line)
    }

    /// Flushes the output.
    ///
    /// # Errors
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }

    /// The output, for inspection (the size of a file, say).
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// Returns the output. The writer buffers nothing.
    pub fn into_inner(self) -> W {
        self.inner
    }
}
