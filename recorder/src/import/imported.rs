//! What an import has made, in figures.

use std::fmt;

use wstape_tape::Micros;

/// What an import has made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Connections.
    pub connections: u64,
    /// Messages and control frames, in both directions.
    pub messages: u64,
    /// How long the tape is.
    pub duration: Micros,
    /// `MockForge`'s lines that wait for a message of the client's: the tape sends them at their
    /// time, and keeps what they wait for as `x-wait-for`.
    pub waits: u64,
    /// `MockForge`'s lines that hold a `{{template}}`: the tape sends them as they stand, marked
    /// `x-template`.
    pub templates: u64,
    /// Compressed messages that could not be made plain, and their bytes: they refer to what a
    /// capture lacks.
    pub left_out: (u64, u64),
    /// Messages that the recording dates a second and more before the one that stands before them,
    /// which they are sent behind all the same, and the longest such time.
    pub steps_back: (u64, Micros),
    /// What the recording's writer never tells and the tape therefore lacks, a sentence each.
    pub lacks: Vec<String>,
    /// Rules of redaction that matched nothing.
    pub unmatched: Vec<String>,
}

impl Imported {
    /// That a moment lay so far before the one that is told before it.
    pub(super) fn note_back(&mut self, by: Micros) {
        /// Clocks that are corrected step back by less.
        const MIN: Micros = Micros(1_000_000);
        if by >= MIN {
            self.steps_back.0 += 1;
            self.steps_back.1 = self.steps_back.1.max(by);
        }
    }
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |n: u64| if n == 1 { "" } else { "s" };
        let (connections, messages) = (self.connections, self.messages);
        write!(
            f,
            "{connections} connection{}, {messages} message{} in {:.1} s",
            s(connections),
            s(messages),
            self.duration.duration().as_secs_f64()
        )
    }
}
