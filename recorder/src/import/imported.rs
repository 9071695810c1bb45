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
    /// What the recording's writer never tells and the tape therefore lacks, a sentence each.
    pub lacks: Vec<String>,
    /// Rules of redaction that matched nothing.
    pub unmatched: Vec<String>,
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
