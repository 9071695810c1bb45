//! A line of a journal: an entry, repeats of one, or a count of what is missing.

use std::fmt;
use std::io;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use wstape_tape::Micros;

use super::entry::{Entry, JournalKind};

/// What a line takes besides its text, in bytes.
pub(super) const LINE_BYTES: usize = 96;

/// When something happened, on the tape's clock, which is 0 until the tape begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalTime {
    /// Before the tape began: this long after the engine came up.
    Before(Micros),
    /// This long after the tape's time 0.
    At(Micros),
}

impl JournalTime {
    /// The tape's time: 0 before it began.
    #[must_use]
    pub fn tape(self) -> Micros {
        match self {
            Self::Before(_) => Micros::ZERO,
            Self::At(at) => at,
        }
    }
}

impl fmt::Display for JournalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tape().fmt(f)
    }
}

/// A line of a journal after its header.
#[derive(Debug, Clone)]
pub struct JournalLine {
    /// When; for repeats, the time of the last.
    pub at: JournalTime,
    /// What it says.
    pub said: Said,
}

/// What a line of a journal says.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Said {
    /// One thing happened.
    Once {
        /// On which connection, if it was on one.
        conn: Option<u64>,
        /// What happened.
        kind: JournalKind,
    },
    /// The same happened over and over, too fast to be worth a line each.
    Repeats(Repeats),
    /// Entries are missing: there was no room for them, or the disk was too slow.
    Missing {
        /// How many.
        entries: u64,
    },
}

/// The same thing over and over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeats {
    /// The name of the kind, as in a single entry.
    pub kind: String,
    /// What a single entry would say.
    pub what: String,
    /// The number of times.
    pub times: u64,
    /// The time from the first to the last.
    pub lasted: Micros,
}

impl JournalLine {
    /// Roughly what it takes in memory and on disk, in bytes.
    pub(super) fn cost(&self) -> usize {
        match &self.said {
            Said::Once { kind, .. } => LINE_BYTES + text_bytes(kind),
            Said::Repeats(repeats) => LINE_BYTES + repeats.what.len() * 2,
            Said::Missing { .. } => LINE_BYTES,
        }
    }

    /// The line as written to a file, newline included.
    ///
    /// # Errors
    /// If a payload can't be written as JSON, which is not known to happen.
    pub fn to_json(&self) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// Roughly what an entry takes, in bytes.
pub(super) fn cost(entry: &Entry) -> usize {
    LINE_BYTES + text_bytes(&entry.kind)
}

/// The bytes of text and payload in it.
fn text_bytes(kind: &JournalKind) -> usize {
    match kind {
        JournalKind::Received(frame) => frame.payload.len(),
        JournalKind::Requested(head) => head.len(),
        JournalKind::HttpAnswered { path, .. } => path.len(),
        JournalKind::Sent { what, .. } | JournalKind::Lost { what } => what.len(),
        JournalKind::State(text)
        | JournalKind::Note(text)
        | JournalKind::Mark(text)
        | JournalKind::TlsFailed(text)
        | JournalKind::ProtocolError(text) => text.len(),
        _ => 0,
    }
}

/// A number with a comma between thousands.
pub(super) struct Thousands(pub(super) u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Repeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.lasted.0.div_ceil(100_000);
        let (whole, tenth) = (tenths / 10, tenths % 10);
        let (what, times) = (&self.what, Thousands(self.times));
        write!(f, "{what} ×{times} in {whole}.{tenth} s")
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once { kind, .. } => kind.fmt(f),
            Self::Repeats(repeats) => repeats.fmt(f),
            Self::Missing { entries } => write!(f, "{} entries are missing", Thousands(*entries)),
        }
    }
}

impl fmt::Display for JournalLine {
    /// Time in seconds, connection, and what happened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.to_string();
        match &self.said {
            Said::Once {
                conn: Some(conn),
                kind,
            } => write!(f, "{at:>14} #{conn} {kind}"),
            said => write!(f, "{at:>14} {said}"),
        }
    }
}

/// A time in milliseconds, with the digits that a tape would have.
pub(super) fn ms(time: Micros) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(time.to_ms_text())
}

impl Serialize for JournalLine {
    /// Writes one object: `at_ms`, also `waited_ms` before the tape began, `conn` if there is one,
    /// `kind`, and the kind's own members.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = |time| ms(time).map_err(serde::ser::Error::custom);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("at_ms", &raw(self.at.tape())?)?;
        if let JournalTime::Before(waited) = self.at {
            map.serialize_entry("waited_ms", &raw(waited)?)?;
        }
        match &self.said {
            Said::Once { conn, kind } => {
                if let Some(conn) = conn {
                    map.serialize_entry("conn", conn)?;
                }
                map.serialize_entry("kind", kind.name())?;
                kind.write_members(&mut map)?;
            }
            Said::Repeats(repeats) => {
                map.serialize_entry("kind", &repeats.kind)?;
                map.serialize_entry("times", &repeats.times)?;
                map.serialize_entry("over_ms", &raw(repeats.lasted)?)?;
                map.serialize_entry("what", &repeats.what)?;
                map.serialize_entry("text", &repeats.to_string())?;
            }
            Said::Missing { entries } => {
                map.serialize_entry("kind", "missing")?;
                map.serialize_entry("entries", entries)?;
            }
        }
        map.end()
    }
}
