//! Reads a tape step by step, in constant memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf as _, Bytes, BytesMut};

use crate::error::{Flaw, TapeErrorKind};
use crate::header::read_header;
use crate::order::Order;
use crate::step::{is_plain_if_it_looks_so, read_sound_event, read_step};
use crate::{Header, Step, TapeError};

/// Most bytes that a line may have, not counting its newline.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Bytes of a file read at once.
pub(crate) const FILE_BUFFER_BYTES: usize = 64 << 10;

/// Most capacity that a line buffer keeps from one line to the next.
const KEPT_BYTES: usize = 1 << 20;

/// How many blocks are kept to be read into again. Steps that were read ahead still hold some of
/// them.
const MAX_SPACES: usize = 4;

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
/// without a newline is a step.
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
    purpose: Purpose,
}

/// What the steps are read for.
#[derive(Debug)]
enum Purpose {
    /// They may be kept, so each has its own copy of its line.
    Kept,
    /// They are looked at and dropped, so their lines share the memory that they were read into.
    LookedAt {
        /// Whether every line so far that looks plain is plain.
        plain: bool,
    },
    /// They are played soon, and are known to be sound as long as `sound` is true. Most of their
    /// lines share memory too.
    Played {
        sound: Arc<AtomicBool>,
        /// Whether every line that looks plain is plain.
        plain: bool,
    },
}

impl TapeReader<BufReader<File>> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// If the file can't be read, or its first line is not a header of a tape that this version
    /// plays.
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
    /// If the input can't be read, or its first line is not a header of a tape that this version
    /// plays.
    pub fn new(name: impl Into<String>, reader: R) -> Result<Self, TapeError> {
        let mut lines = Lines {
            name: name.into(),
            reader,
            number: 0,
            block: Bytes::new(),
            spaces: VecDeque::new(),
            buffer: Vec::new(),
        };
        let (line, newline) = lines.next()?.unwrap_or_default();
        // The header is kept for as long as the tape is.
        let line = Bytes::copy_from_slice(&line);
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
            purpose: Purpose::Kept,
        })
    }

    /// Makes a reader of steps that are dropped before many more are read.
    pub(crate) fn looking(self) -> Self {
        let purpose = Purpose::LookedAt { plain: true };
        Self { purpose, ..self }
    }

    /// Whether every line so far that looks plain is plain.
    pub(crate) fn saw_plain(&self) -> bool {
        matches!(self.purpose, Purpose::LookedAt { plain: true })
    }

    /// Makes a reader that treats lines as sound as long as `sound` is true, and lines that look
    /// plain as plain if `plain` says so. Their steps are to be played soon after they are read.
    pub(crate) fn trusting(self, sound: Arc<AtomicBool>, plain: bool) -> Self {
        let purpose = Purpose::Played { sound, plain };
        Self { purpose, ..self }
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
        let line = match &mut self.purpose {
            Purpose::LookedAt { plain } => {
                *plain &= is_plain_if_it_looks_so(&line);
                line
            }
            Purpose::Played { sound, plain } if sound.load(Ordering::Relaxed) => {
                if let Some((at, step)) = read_sound_event(&line, number, *plain) {
                    self.order.pass_event(at);
                    return Ok(Some(step));
                }
                Bytes::copy_from_slice(&line)
            }
            Purpose::Kept | Purpose::Played { .. } => Bytes::copy_from_slice(&line),
        };
        let step = read_step(&line, number).and_then(|step| {
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

/// Returns a buffer with room for this many bytes: one that was used before, if nobody holds its
/// content any more.
fn room(spaces: &mut VecDeque<BytesMut>, bytes: usize) -> BytesMut {
    let free = spaces.iter_mut().position(|space| space.try_reclaim(bytes));
    if let Some(space) = free.and_then(|free| spaces.remove(free)) {
        return space;
    }
    if spaces.len() == MAX_SPACES {
        spaces.pop_front();
    }
    BytesMut::with_capacity(bytes)
}

/// Lines of a file as bytes, without their newlines.
#[derive(Debug)]
struct Lines<R> {
    name: String,
    reader: R,
    /// Number of the line read last, from 1.
    number: u64,
    /// The part of the last block that is not used yet.
    block: Bytes,
    /// The buffers that blocks were read into, the oldest first.
    spaces: VecDeque<BytesMut>,
    /// Where a line that spans several blocks is put together; kept for its capacity.
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Returns the next line, and whether it had a newline; `None` at the end. It shares memory
    /// with its neighbours, which lasts as long as any of them is kept.
    fn next(&mut self) -> Result<Option<(Bytes, bool)>, TapeError> {
        self.number += 1;
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BYTES);
        loop {
            if self.block.is_empty() && !self.read_block()? {
                let line = Bytes::copy_from_slice(&self.buffer);
                return Ok((!line.is_empty()).then_some((line, false)));
            }
            let newline = memchr::memchr(b'\n', &self.block);
            let part = self.block.split_to(newline.unwrap_or(self.block.len()));
            if self.buffer.len() + part.len() > MAX_LINE_BYTES {
                self.buffer
                    .extend_from_slice(&part[..part.len().min(KEPT_BYTES)]);
                return Err(self.too_long());
            }
            if newline.is_none() {
                self.buffer.extend_from_slice(&part);
                continue;
            }
            self.block.advance(1);
            if self.buffer.is_empty() {
                return Ok(Some((part, true)));
            }
            self.buffer.extend_from_slice(&part);
            return Ok(Some((Bytes::copy_from_slice(&self.buffer), true)));
        }
    }

    /// Reads what is there, at most [`FILE_BUFFER_BYTES`]; returns `false` at the end.
    fn read_block(&mut self) -> Result<bool, TapeError> {
        let ready = loop {
            match self.reader.fill_buf() {
                Ok(ready) => break ready,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    // An input that fails at its beginning, as a folder does, has no lines.
                    let line = if self.number > 1 { self.number } else { 0 };
                    return Err(TapeError::io(&self.name, line, "read", &error));
                }
            }
        };
        let bytes = ready.len().min(FILE_BUFFER_BYTES);
        let mut space = room(&mut self.spaces, bytes);
        space.extend_from_slice(&ready[..bytes]);
        self.block = space.split().freeze();
        self.spaces.push_back(space);
        self.reader.consume(bytes);
        Ok(bytes > 0)
    }

    /// The error for a line that is too long; its beginning is in the buffer.
    fn too_long(&self) -> TapeError {
        let message = format!("the line has more than {} MiB", MAX_LINE_BYTES >> 20);
        let flaw = Flaw::new(TapeErrorKind::Limit, 0, 1, message);
        TapeError::in_line(&self.name, self.number, &self.buffer, flaw)
    }
}
