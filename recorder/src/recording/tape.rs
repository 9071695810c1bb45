//! The recording itself: steps in, redacted lines out.

use std::io::BufReader;

use wstape_tape::{Header, Micros, Step, Trigger};

use super::fsync::Fsync;
use super::output::Output;
use super::stats::Stats;
use crate::error::RecordError;
use crate::redact::Redactor;

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
    batch: Vec<u8>,
    batch_lines: u64,
    /// Lines put together so far, the header included.
    lines: u64,
    /// What is written can't be read again, so that each line is looked at before it is.
    stream: bool,
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
            batch: Vec::new(),
            batch_lines: 0,
            lines: 0,
            at: Micros::ZERO,
        };
        match header.raw() {
            Some(raw) => recording.line(raw)?,
            None => recording.line(header.to_canonical().as_bytes())?,
        }
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
    /// [`RecordError::Output`] or [`RecordError::Broken`] where the output can't be written, as
    /// on a full disk; [`RecordError::Secret`] where the line holds a secret and the output is a
    /// stream, which can't be looked through afterwards: that line is not written.
    pub fn push(&mut self, mut step: Step) -> Result<(), RecordError> {
        if let Trigger::At(at) = step.trigger {
            if at < self.at {
                step.trigger = Trigger::At(self.at);
            }
            self.at = self.at.max(at);
        }
        let step = self.redactor.step(step);
        match step.raw() {
            Some(raw) => self.line(raw)?,
            None => self.line(step.to_canonical().as_bytes())?,
        }
        if self.batch.len() < MAX_BATCH_BYTES {
            return Ok(());
        }
        self.commit()
    }

    /// Writes what waits, in one piece. Once it has returned, that is as safe as the output's
    /// [`Fsync`] says.
    ///
    /// # Errors
    /// As [`push`](Self::push). A recording that failed once takes nothing more.
    pub fn commit(&mut self) -> Result<(), RecordError> {
        let written = self.output.write(&self.batch, self.batch_lines);
        self.batch.clear();
        self.batch.shrink_to(2 * MAX_BATCH_BYTES);
        self.batch_lines = 0;
        written
    }

    /// Redacts and writes a step: [`push`](Self::push), then [`commit`](Self::commit).
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn write(&mut self, step: Step) -> Result<(), RecordError> {
        self.push(step)?;
        self.commit()
    }

    /// A handle on its counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.output.stats()
    }

    /// Makes all of it safe, looks through its whole text for secrets, and puts it in its place.
    ///
    /// # Errors
    /// As [`push`](Self::push); [`RecordError::Secret`] where the text holds what was redacted,
    /// or something of a well-known secret's shape: a file is then called as before with
    /// [`UNSAFE_SUFFIX`](crate::UNSAFE_SUFFIX) behind it.
    pub fn finish(mut self) -> Result<Finished, RecordError> {
        self.commit()?;
        let counts = self.output.stats().counts();
        if let Some(text) = self.output.reader()? {
            let text = BufReader::with_capacity(SCAN_BUFFER_BYTES, text);
            let scanned = self.redactor.scan(text);
            let failed = |error| RecordError::Output(self.output.name().to_owned(), error);
            if let Some(hit) = scanned.map_err(failed)? {
                let name = self.output.keep_unsafe()?;
                return Err(RecordError::Secret { name, hit });
            }
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

    fn line(&mut self, line: &[u8]) -> Result<(), RecordError> {
        self.lines += 1;
        if self.stream
            && let Some(hit) = self.redactor.hit(self.lines, line)
        {
            self.commit()?;
            let name = self.output.name().to_owned();
            return Err(RecordError::Secret { name, hit });
        }
        self.batch.extend_from_slice(line);
        self.batch.push(b'\n');
        self.batch_lines += 1;
        Ok(())
    }
}
