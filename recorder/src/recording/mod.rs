//! A tape being made: each step is redacted, written, and acknowledged.

mod output;

use fixtures::{Header, Step, TapeWriter};

pub use output::{Fsync, Output};

use crate::error::RecordError;
use crate::redact::Redactor;

/// A tape being made.
///
/// A step is redacted, then written in one piece; once [`write`](Self::write) has returned, it
/// is safe as far as the output's [`Fsync`] says.
#[derive(Debug)]
pub struct Recording {
    writer: TapeWriter<Output>,
    redactor: Redactor,
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
        let name = output.name().to_owned();
        let header = redactor.header(header);
        let writer =
            TapeWriter::new(output, &header).map_err(|error| RecordError::Output(name, error))?;
        Ok(Self { writer, redactor })
    }

    /// Redacts and writes a step.
    ///
    /// # Errors
    /// [`RecordError::Output`] where the output can't be written, as on a full disk.
    pub fn write(&mut self, step: Step) -> Result<(), RecordError> {
        let step = self.redactor.step(step);
        let written = self.writer.write(&step);
        written.map_err(|error| RecordError::Output(self.writer.get_ref().name().to_owned(), error))
    }

    /// Makes all of it safe, looks through its whole text for secrets, and puts it in its place.
    ///
    /// # Errors
    /// [`RecordError::Output`] as above; [`RecordError::Secret`] where the text holds what was
    /// redacted, or something of a well-known secret's shape.
    pub fn finish(self) -> Result<Finished, RecordError> {
        self.writer.into_inner().finish()
    }
}
