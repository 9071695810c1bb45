//! Reads a tape step by step, in constant memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::error::{Flaw, TapeErrorKind};
use crate::header::read_header;
use crate::order::Order;
use crate::step::{read_sound_step, read_step};
use crate::{Header, Step, TapeError};

/// Most bytes that a line may have, not counting its newline.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Bytes of a file read at once.
pub(crate) const FILE_BUFFER_BYTES: usize = 64 << 10;

/// Most capacity that a line buffer keeps from one line to the next.
const KEPT_BYTES: usize = 1 << 20;

/// A last line that the recorder did not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// Its line number, from 1.
    pub line: u64,
    /// As much of it as there is.
    pub bytes: Bytes,
}

/// Reads a tape: the header at once, then an iterator of steps.
///
/// One line is in memory at a time. The first error ends the iteration. A last line that has no
/// newline and breaks off in the middle is not an error but [`torn`](TapeReader::torn); a whole one
/// is a step.
///
/// ```
/// use wstape_tape::TapeReader;
/// let text = "{\"tape\":1}\n{\"at_ms\":5,\"hang\":true}\n{\"at_ms\":9,\"ha";
/// let mut tape = TapeReader::new("x.jsonl", text.as_bytes())?;
/// assert_eq!(tape.by_ref().map(|step| step.unwrap().line).collect::<Vec<_>>(), [2]);
/// assert_eq!(tape.torn().unwrap().line, 3);
/// # Ok::<(), wstape_tape::TapeError>(())
/// ```
#[derive(Debug)]
pub struct TapeReader<R> {
    lines: Lines<R>,
    header: Header,
    order: Order,
    torn: Option<Torn>,
    done: bool,
    /// Whether what is read is known to be sound.
    sound: Option<Arc<AtomicBool>>,
}

impl TapeReader<BufReader<File>> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// Where the file can't be read, or its first line is not a header of a tape that this
    /// version plays.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TapeError> {
        let (name, file) = open_file(path.as_ref())?;
        Self::new(name, file)
    }
}

/// Opens a file; returns it with the name that errors use.
fn open_file(path: &Path) -> Result<(String, BufReader<File>), TapeError> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => Ok((name, BufReader::with_capacity(FILE_BUFFER_BYTES, file))),
        Err(error) => Err(TapeError::io(&name, 0, "open", &error)),
    }
}

impl TapeReader<Box<dyn BufRead>> {
    /// Opens a file, or standard input if the path is `-`, and reads the header: for the path given
    /// to a command.
    ///
    /// # Errors
    /// As [`open`](TapeReader::open).
    pub fn open_or_stdin(path: impl AsRef<Path>) -> Result<Self, TapeError> {
        let path = path.as_ref();
        if path == Path::new("-") {
            let stdin = BufReader::with_capacity(FILE_BUFFER_BYTES, io::stdin());
            return Self::new("standard input", Box::new(stdin));
        }
        let (name, file) = open_file(path)?;
        Self::new(name, Box::new(file))
    }
}

impl<R: BufRead> TapeReader<R> {
    /// Reads the header from `reader`; errors call the tape `name`.
    ///
    /// # Errors
    /// Where the input can't be read, or its first line is not a header of a tape that this
    /// version plays.
    pub fn new(name: impl Into<String>, reader: R) -> Result<Self, TapeError> {
        let mut lines = Lines {
            name: name.into(),
            reader,
            number: 0,
            buffer: Vec::new(),
        };
        let (line, newline) = lines.next()?.unwrap_or_default();
        let header = read_header(&line).map_err(|mut flaw| {
            if line.is_empty() && !newline {
                let message = "the file is empty; a tape begins with {\"tape\":1}";
                flaw = Flaw::new(flaw.kind, 0, 1, message);
            } else if flaw.incomplete && !newline {
                let message = format!("the header is torn: {}", flaw.message);
                flaw = Flaw { message, ..flaw };
            }
            TapeError::in_line(&lines.name, 1, &line, flaw)
        })?;
        let order = Order::of(&header.needs);
        Ok(Self {
            lines,
            header,
            order,
            torn: None,
            done: false,
            sound: None,
        })
    }

    /// From here on treats lines as sound for as long as `sound` holds true.
    pub(crate) fn trusting(self, sound: Arc<AtomicBool>) -> Self {
        Self {
            sound: Some(sound),
            ..self
        }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The name that errors use for the tape.
    pub fn name(&self) -> &str {
        &self.lines.name
    }

    /// The unfinished last line, if there is one; known once the iteration has ended.
    pub fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }

    fn step(&mut self) -> Result<Option<Step>, TapeError> {
        let Some((line, newline)) = self.lines.next()? else {
            return Ok(None);
        };
        let number = self.lines.number;
        let sound = self.sound.as_ref();
        let read = if sound.is_some_and(|sound| sound.load(Ordering::Relaxed)) {
            read_sound_step
        } else {
            read_step
        };
        let step = read(&line, number).and_then(|step| {
            self.order.take(&step, &line)?;
            Ok(step)
        });
        match step {
            Ok(step) => Ok(Some(step)),
            Err(flaw) if flaw.incomplete && !newline => {
                self.torn = Some(Torn {
                    line: number,
                    bytes: line,
                });
                Ok(None)
            }
            Err(flaw) => Err(TapeError::in_line(&self.lines.name, number, &line, flaw)),
        }
    }
}

impl<R: BufRead> Iterator for TapeReader<R> {
    type Item = Result<Step, TapeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let step = self.step().transpose();
        self.done = !matches!(step, Some(Ok(_)));
        step
    }
}

impl<R: BufRead> std::iter::FusedIterator for TapeReader<R> {}

/// Lines of a file as bytes, without their newlines.
#[derive(Debug)]
struct Lines<R> {
    name: String,
    reader: R,
    /// Number of the line read last, from 1.
    number: u64,
    /// Where a line is put together; kept for its capacity.
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The next line, and whether it had a newline; `None` at the end.
    fn next(&mut self) -> Result<Option<(Bytes, bool)>, TapeError> {
        self.number += 1;
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BYTES);
        loop {
            let ready = match self.reader.fill_buf() {
                Ok(ready) => ready,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(TapeError::io(&self.name, self.number, "read", &error)),
            };
            if ready.is_empty() {
                let line = Bytes::copy_from_slice(&self.buffer);
                return Ok((!line.is_empty()).then_some((line, false)));
            }
            let newline = memchr::memchr(b'\n', ready);
            let part = &ready[..newline.unwrap_or(ready.len())];
            if self.buffer.len() + part.len() > MAX_LINE_BYTES {
                self.buffer
                    .extend_from_slice(&part[..part.len().min(KEPT_BYTES)]);
                return Err(self.too_long());
            }
            if newline.is_none() {
                self.buffer.extend_from_slice(part);
                let bytes = part.len();
                self.reader.consume(bytes);
                continue;
            }
            // A copy of the exact size: a step that is kept holds on to its own line only.
            let line = if self.buffer.is_empty() {
                Bytes::copy_from_slice(part)
            } else {
                self.buffer.extend_from_slice(part);
                Bytes::copy_from_slice(&self.buffer)
            };
            let bytes = part.len() + 1;
            self.reader.consume(bytes);
            return Ok(Some((line, true)));
        }
    }

    /// The line whose beginning is in the buffer is longer than a line may be.
    fn too_long(&self) -> TapeError {
        let message = format!("the line has more than {} MiB", MAX_LINE_BYTES >> 20);
        let flaw = Flaw::new(TapeErrorKind::Limit, 0, 1, message);
        TapeError::in_line(&self.name, self.number, &self.buffer, flaw)
    }
}
