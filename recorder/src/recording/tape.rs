//! The recording itself: steps go in, redacted lines come out.
//!
//! Lines are searched for secrets as they are written. Each redacted value adds to the known
//! secrets, so at the end the lines that were written before the last one was known are searched
//! again.

use std::io::{BufReader, Read};

use wstape_tape::{Conn, EventLines, Header, Micros, Step, Trigger};

use super::fsync::Fsync;
use super::output::Output;
use super::stats::Stats;
use crate::error::RecordError;
use crate::redact::{Hit, Redactor};

/// How much text is collected before it is written, in bytes: one write for many lines.
const MAX_BATCH_BYTES: usize = 256 << 10;

/// How much text is read at once when a tape is searched, in bytes.
const SCAN_BUFFER_BYTES: usize = 256 << 10;

/// A tape being recorded.
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
    /// Complete lines waiting for [`commit`](Self::commit), and how many there are.
    batch: String,
    batch_lines: u64,
    events: EventLines,
    /// The number of lines and bytes written so far, including the header.
    written_lines: u64,
    written_bytes: u64,
    /// Whether the output can't be read again, so that nothing with a secret may be written.
    stream: bool,
    /// How many secrets were known when lines were last searched.
    known: usize,
    /// How many of the written bytes were searched for fewer secrets than that.
    stale_bytes: u64,
    /// The first secret found in the written lines.
    hit: Option<Hit>,
    /// The latest time of any step.
    at: Micros,
}

/// The result of finishing a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// The number of lines written, including the header.
    pub lines: u64,
    /// The number of bytes written.
    pub bytes: u64,
}

impl Recording {
    /// Begins a tape: writes the header, redacted, with what was redacted in it.
    ///
    /// # Errors
    /// [`RecordError::Output`] if the output can't be written.
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

    /// Redacts a step and queues it for [`commit`](Self::commit) or the end. For sources that don't
    /// need each step to be safe before the next one.
    ///
    /// A timed step that is earlier than the one before it, as with two racing connections, gets
    /// the time of that one: `at_ms` never decreases in a tape.
    ///
    /// # Errors
    /// The errors of [`commit`](Self::commit), which it calls once enough is waiting.
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

    /// Whether an event may be pushed without making a step of it, because nothing in it is
    /// redacted.
    pub(crate) fn leaves_events(&self) -> bool {
        self.redactor.leaves_events()
    }

    /// Like [`push`](Self::push), for an engine's message that begins and ends with a brace. Only
    /// to be used if the recording [leaves events](Self::leaves_events) unchanged.
    ///
    /// # Errors
    /// The errors of [`push`](Self::push).
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

    /// The time of a step that came at `at`: not earlier than that of the step before.
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

    /// Writes everything that is waiting, in one piece. When it returns, that is as safe as the
    /// output's [`Fsync`] says.
    ///
    /// # Errors
    /// [`RecordError::Output`] or [`RecordError::Broken`] if the output can't be written, as on a
    /// full disk. [`RecordError::Secret`] if a line holds a secret and the output is a stream,
    /// which can't be searched afterwards: that line and everything after it are not written. After
    /// a failure a recording accepts nothing more.
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

    /// Searches the waiting lines for secrets. Returns the offset of a line that holds one.
    fn look_through_batch(&mut self) -> Option<usize> {
        let known = self.redactor.known();
        if known != self.known {
            self.known = known;
            self.stale_bytes = self.written_bytes;
        }
        if self.hit.is_some() {
            // One secret is enough to make the tape unsafe.
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
    /// The errors of [`commit`](Self::commit).
    pub fn write(&mut self, step: Step) -> Result<(), RecordError> {
        self.push(step)?;
        self.commit()
    }

    /// A handle on the recording's counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.output.stats()
    }

    /// Writes what is waiting, makes it safe, and moves the tape to its final path.
    ///
    /// # Errors
    /// The errors of [`commit`](Self::commit); [`RecordError::Secret`] if the text holds a value
    /// that was redacted elsewhere, or something in a well-known secret's format. A file then gets
    /// the suffix [`UNSAFE_SUFFIX`](crate::UNSAFE_SUFFIX).
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

    /// The output's name in errors.
    pub(super) fn name(&self) -> &str {
        self.output.name()
    }

    /// When written data is forced to the disk.
    pub(super) fn policy(&self) -> Fsync {
        self.output.policy()
    }

    /// Whether data was written since it was last forced to the disk.
    pub(super) fn is_dirty(&self) -> bool {
        self.output.is_dirty()
    }

    /// Forces written data to the disk, if the policy ever does so.
    pub(super) fn sync(&mut self) -> Result<(), RecordError> {
        self.output.sync()
    }

    /// Whether nothing is waiting for a [`commit`](Self::commit).
    pub(super) fn is_committed(&self) -> bool {
        self.batch.is_empty()
    }

    /// Searches what was written before all secrets were known.
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

    /// Adds a line unchanged from the tape that it was read from.
    fn read_line(&mut self, line: &[u8]) {
        // A tape's lines are UTF-8, or they could not have been read.
        self.batch.push_str(&String::from_utf8_lossy(line));
    }

    fn end_line(&mut self) {
        self.batch.push('\n');
        self.batch_lines += 1;
    }
}
