//! A whole tape in memory.

use std::fmt;
use std::io::BufRead;
use std::path::Path;
use std::vec;

use crate::{Action, Header, Step, TapeError, TapeReader, TapeWriter, Torn, Trigger};

/// A whole tape in memory, for tapes made in Rust and for small files.
///
/// Displays as the tape's text; what was read comes back byte for byte, without a torn last line.
///
/// ```
/// use wstape_tape::{Action, Header, Micros, Step, Tape};
/// let mut tape = Tape::new(Header::new("a stall"), Vec::new());
/// tape.push(Step::at(Micros::from_ms(5), Action::Hang(true)));
/// let again = Tape::parse("stall.jsonl", &tape.to_string())?;
/// assert_eq!(again.steps, tape.steps);
/// # Ok::<(), wstape_tape::TapeError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tape {
    /// Line 1.
    pub header: Header,
    /// The other lines.
    pub steps: Vec<Step>,
    /// The unfinished last line, if there was one.
    pub torn: Option<Torn>,
}

impl Tape {
    /// A tape made in Rust.
    #[must_use]
    pub fn new(header: Header, steps: Vec<Step>) -> Self {
        Self {
            header,
            steps,
            torn: None,
        }
    }

    /// Reads text; errors call the tape `name`.
    ///
    /// # Errors
    /// The text's first flaw.
    pub fn parse(name: impl Into<String>, text: &str) -> Result<Self, TapeError> {
        Self::read(TapeReader::new(name, text.as_bytes())?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If the file can't be read, or its text's first flaw.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, TapeError> {
        Self::read(TapeReader::open(path)?)
    }

    /// Reads everything from a reader.
    ///
    /// # Errors
    /// The first one met.
    pub fn read<R: BufRead>(mut reader: TapeReader<R>) -> Result<Self, TapeError> {
        let steps = reader.by_ref().collect::<Result<_, _>>()?;
        Ok(Self {
            header: reader.header().clone(),
            steps,
            torn: reader.torn().cloned(),
        })
    }

    /// Adds a step in its place: a step without a time at the end of the prologue, an `at_ms` step
    /// after all steps of its time or earlier, but before an `end` of the same time. A step later
    /// than `end` goes after it, which makes a tape that can't be read: move the end first.
    pub fn push(&mut self, step: Step) {
        let before = |other: &Step| match (&other.trigger, &step.trigger) {
            (Trigger::At(other_at), Trigger::At(at)) => {
                other_at < at || (other_at == at && other.action != Action::End)
            }
            (other, _) => other.is_prologue(),
        };
        // From the back: tapes are mostly made in order.
        let place = self
            .steps
            .iter()
            .rposition(before)
            .map_or(0, |last| last + 1);
        self.steps.insert(place, step);
    }
}

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to_fmt = |_| fmt::Error;
        let mut writer = TapeWriter::new(Vec::new(), &self.header).map_err(to_fmt)?;
        for step in &self.steps {
            writer.write(step).map_err(to_fmt)?;
        }
        f.write_str(&String::from_utf8_lossy(&writer.into_inner()))
    }
}

/// The steps as a reader of the tape yields them: a layer of a [`Merge`](crate::Merge).
impl IntoIterator for Tape {
    type Item = Result<Step, TapeError>;
    type IntoIter = TapeSteps;

    fn into_iter(self) -> TapeSteps {
        TapeSteps(self.steps.into_iter())
    }
}

/// Iterates over the steps of a [`Tape`] as a reader would.
#[derive(Debug)]
pub struct TapeSteps(vec::IntoIter<Step>);

impl Iterator for TapeSteps {
    type Item = Result<Step, TapeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(Ok)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for TapeSteps {}
