//! The recording itself: steps in, redacted lines out.
//!
//! Lines are looked through for secrets as they are written. What they are looked through for grows
//! with each value that is redacted, so that at the end those lines are read again, and those
//! alone, that were written before the last such value was known.

use std::io::{BufReader, Read};

use wstape_tape::{Conn, EventLines, Header, Micros, Step, Trigger};

use super::fsync::Fsync;
use super::output::Output;
use super::stats::Stats;
use crate::error::RecordError;
use crate::redact::{Hit, Redactor};

/// Text that is put together before it is written: one write for many lines.
const MAX_BATCH_BYTES: usize = 256 << 10;

/// Text that is read at once when a tape is looked through.
const SCAN_BUFFER_BYTES: usize = 256 << 10;

/// A tape being made.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("session.jsonl");
/// use wstape_tape::{Action, Header, Micros, Step};
/// use wstape_recorder::{Output, Recording, Redactor, Rules};
///
/// let redactor = Redactor::new(Rules::default(), [7; 32]);
/// let mut tape = Recording::begin(Output::create(&path, false)?, Header::new("two"), redactor)?;
/// tape.write(Step::at(Micros::from_ms(5), Action::Hang(true)))?; // is safe once it returns
/// tape.push(Step::at(Micros::from_ms(9), Action::End))?; // waits for more, or for the end
/// assert_eq!(tape.finish()?.lines, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recording {
    output: Output,
    redactor: Redactor,
    /// Whole lines that wait for [`commit`](Self::commit), and how many they are.
    batch: String,
    batch_lines: u64,
    events: EventLines,
    /// Lines and bytes written so far, the header included.
    written_lines: u64,
    written_bytes: u64,
    /// What is written can't be read again, and so must not be where it holds a secret.
    stream: bool,
    /// How many secrets were known when lines were looked through last.
    known: usize,
    /// So many bytes of what is written were looked through for fewer secrets than that.
    stale_bytes: u64,
    /// The first secret found in what was written.
    hit: Option<Hit>,
    /// The latest time of a step.
    at: Micros,
}

/// What a finished recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// Lines written, the header included.
    pub lines: u64,
    /// Bytes written.
    pub bytes: u64,
}

impl Recording {
    /// Writes the header, redacted, and with what is redacted in it.
    ///
    /// # Errors
    /// [`RecordError::Output`] where the output can't be written.
    pub fn begin(
        output: Output,
        header: Header,
        mut redactor: Redactor,
    ) -> Result<Self, RecordError> {
        let header = redactor.header(header);
        let stream = output.reader()?.is_none();
        let mut recording = Self {
            output,
            stream,
            redactor,
            batch: String::new(),
            batch_lines: 0,
            events: EventLines::default(),
            written_lines: 0,
            written_bytes: 0,
            known: 0,
            stale_bytes: 0,
            hit: None,
            at: Micros::ZERO,
        };
        match header.raw() {
            Some(raw) => recording.read_line(raw),
            None => recording.batch.push_str(&header.to_canonical()),
        }
        recording.end_line();
        recording.commit()?;
        recording.output.sync_folder()?;
        Ok(recording)
    }

    /// Redacts a step and lets it wait for more, for a [`commit`](Self::commit) or for the end:
    /// for sources that need no step to be safe before the next one.
    ///
    /// A step on the clock that is earlier than the one before it, as two connections' can be
    /// that raced, is moved to that one's time: `at_ms` never decreases in a tape.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), which it calls where enough waits.
    pub fn push(&mut self, mut step: Step) -> Result<(), RecordError> {
        if let Trigger::At(at) = step.trigger {
            let in_order = self.in_order(at);
            if at != in_order {
                step.trigger = Trigger::At(in_order);
            }
        }
        let step = self.redactor.step(step);
        match step.raw() {
            Some(raw) => self.read_line(raw),
            None => step.push_canonical(&mut self.batch),
        }
        self.end_line();
        self.commit_if_enough()
    }

    /// Whether events need not be made steps of: nothing in them is redacted.
    pub(crate) fn leaves_events(&self) -> bool {
        self.redactor.leaves_events()
    }

    /// As [`push`](Self::push), of a message between braces that an engine sent; where it
    /// [leaves events](Self::leaves_events) as they are.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(crate) fn push_event(
        &mut self,
        at: Micros,
        conn: u64,
        message: &[u8],
    ) -> Result<(), RecordError> {
        debug_assert!(self.leaves_events(), "what is redacted is a step");
        let at = self.in_order(at);
        self.events
            .push(&mut self.batch, at, Conn::Nth(conn), message);
        self.end_line();
        self.commit_if_enough()
    }

    /// The time that a step gets which came at this one.
    fn in_order(&mut self, at: Micros) -> Micros {
        self.at = self.at.max(at);
        self.at
    }

    fn commit_if_enough(&mut self) -> Result<(), RecordError> {
        if self.batch.len() < MAX_BATCH_BYTES {
            return Ok(());
        }
        self.commit()
    }

    /// Writes what waits, in one piece. Once it has returned, that is as safe as the output's
    /// [`Fsync`] says.
    ///
    /// # Errors
    /// [`RecordError::Output`] or [`RecordError::Broken`] where the output can't be written, as
    /// on a full disk; [`RecordError::Secret`] where a line holds a secret and the output is a
    /// stream, which can't be looked through afterwards: that line is not written, and nothing
    /// behind it. A recording that failed once takes nothing more.
    pub fn commit(&mut self) -> Result<(), RecordError> {
        let unsafe_from = self.look_through_batch();
        let (safe, count) = match (&self.hit, unsafe_from) {
            (Some(hit), Some(at)) if self.stream => (at, hit.line - self.written_lines - 1),
            _ => (self.batch.len(), self.batch_lines),
        };
        let written = self.output.write(&self.batch.as_bytes()[..safe], count);
        self.written_lines += count;
        self.written_bytes += safe as u64;
        let all = safe == self.batch.len();
        self.batch.clear();
        self.batch.shrink_to(2 * MAX_BATCH_BYTES);
        self.batch_lines = 0;
        written?;
        match self.hit.take() {
            Some(hit) if !all => {
                let name = self.output.name().to_owned();
                Err(RecordError::Secret { name, hit })
            }
            hit => {
                self.hit = hit;
                Ok(())
            }
        }
    }

    /// Looks through what waits for secrets; gives where a line begins that holds one.
    fn look_through_batch(&mut self) -> Option<usize> {
        let known = self.redactor.known();
        if known != self.known {
            self.known = known;
            self.stale_bytes = self.written_bytes;
        }
        if self.hit.is_some() {
            // One is enough to make the tape an unsafe one.
            return None;
        }
        let first = self.written_lines + 1;
        let (at, hit) = self.redactor.hit_in(first, self.batch.as_bytes())?;
        self.hit = Some(hit);
        Some(at)
    }

    /// Redacts and writes a step: [`push`](Self::push), then [`commit`](Self::commit).
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn write(&mut self, step: Step) -> Result<(), RecordError> {
        self.push(step)?;
        self.commit()
    }

    /// A handle on its counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.output.stats()
    }

    /// Makes all of it safe, and puts it in its place.
    ///
    /// # Errors
    /// As [`commit`](Self::commit); [`RecordError::Secret`] where the text holds what was redacted,
    /// or something of a well-known secret's shape: a file is then called as before with
    /// [`UNSAFE_SUFFIX`](crate::UNSAFE_SUFFIX) behind it.
    pub fn finish(mut self) -> Result<Finished, RecordError> {
        self.commit()?;
        let counts = self.output.stats().counts();
        if let Some(hit) = self.look_again()?.or_else(|| self.hit.take()) {
            let name = self.output.keep_unsafe()?;
            return Err(RecordError::Secret { name, hit });
        }
        self.output.keep()?;
        Ok(Finished {
            lines: counts.lines,
            bytes: counts.written_bytes,
        })
    }

    /// What errors call the output.
    pub(super) fn name(&self) -> &str {
        self.output.name()
    }

    /// When what is written is forced to the disk.
    pub(super) fn policy(&self) -> Fsync {
        self.output.policy()
    }

    /// Something was written since it was last forced to the disk.
    pub(super) fn is_dirty(&self) -> bool {
        self.output.is_dirty()
    }

    /// Forces what was written to the disk, where the policy is to do so at all.
    pub(super) fn sync(&mut self) -> Result<(), RecordError> {
        self.output.sync()
    }

    /// Nothing waits for a [`commit`](Self::commit).
    pub(super) fn is_committed(&self) -> bool {
        self.batch.is_empty()
    }

    /// Looks through what was written before all secrets were known.
    fn look_again(&mut self) -> Result<Option<Hit>, RecordError> {
        if self.stale_bytes == 0 || self.stream {
            return Ok(None);
        }
        let Some(text) = self.output.reader()? else {
            return Ok(None);
        };
        let text = BufReader::with_capacity(SCAN_BUFFER_BYTES, text.take(self.stale_bytes));
        let failed = |error| RecordError::Output(self.output.name().to_owned(), error);
        self.redactor.scan(text).map_err(failed)
    }

    /// Takes a line as it was read.
    fn read_line(&mut self, line: &[u8]) {
        // A tape's lines are UTF-8, or they would not have been read.
        self.batch.push_str(&String::from_utf8_lossy(line));
    }

    fn end_line(&mut self) {
        self.batch.push('\n');
        self.batch_lines += 1;
    }
}
