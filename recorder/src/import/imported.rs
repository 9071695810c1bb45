//! The figures of an import.

use std::fmt;

use wstape_tape::Micros;

/// What an import produced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The number of connections.
    pub connections: u64,
    /// The number of messages and control frames, in both directions.
    pub messages: u64,
    /// The length of the tape.
    pub duration: Micros,
    /// The number of `MockForge` lines that wait for a message of the client. The tape sends them
    /// at their time, and keeps what they wait for as `x-wait-for`.
    pub waits: u64,
    /// The number of `MockForge` lines with a `{{template}}`. The tape sends them unchanged, marked
    /// `x-template`.
    pub templates: u64,
    /// The number of compressed messages that could not be decompressed, and their bytes: they
    /// refer to data that the capture lacks.
    pub left_out: (u64, u64),
    /// The number of messages dated a second or more before the message that precedes them in the
    /// recording, and the largest such step back. They keep their place in the order.
    pub steps_back: (u64, Micros),
    /// What the recording does not contain and the tape therefore lacks, one sentence each.
    pub lacks: Vec<String>,
    /// Redaction rules that matched nothing.
    pub unmatched: Vec<String>,
}

impl Imported {
    /// Counts a moment that is dated this much before the one that precedes it.
    pub(super) fn note_back(&mut self, by: Micros) {
        /// Smaller steps back are normal: clocks are corrected.
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
