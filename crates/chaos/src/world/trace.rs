//! The trace: everything that happened in a world, in order.

use std::fmt;
use std::ops::Range;

use wstape_oracle::Rule;
use wstape_tape::Micros;

use crate::call::Call;
use crate::fnv::Fnv;

/// The most entries kept for display; all of them are hashed.
const MAX_ENTRIES: usize = 65_536;
/// The most bytes of payloads kept for display; all of them are hashed.
const MAX_KEPT_BYTES: usize = 1 << 20;
/// The longest payload that a line shows, in bytes.
const SHOWN_BYTES: usize = 160;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceEntry {
    /// When it happened, on the world's clock.
    pub at: Micros,
    /// The dial that it happened on, from 1; 0 if on none.
    pub dial: u64,
    /// What happened.
    pub what: Happening,
}

/// Where a payload is in the trace's bytes; a longer one is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    len: usize,
    kept: Range<usize>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// The subscriber began to dial.
    Dial,
    /// The dial was refused.
    DialRefused,
    /// The dial ended in a transport connection.
    DialDone,
    /// The subscriber gave up the dial.
    DialDropped,
    /// Bytes were delivered to the subscriber.
    Read(Payload),
    /// The end of the stream was delivered to it.
    ReadFin,
    /// A reset was delivered to it.
    ReadReset,
    /// It wrote bytes.
    Wrote(Payload),
    /// A write found no room.
    WriteBlocked,
    /// The blocked write went on.
    WriteFreed,
    /// A write failed.
    WriteFailed,
    /// It is done writing.
    WroteFin,
    /// It dropped the stream.
    Dropped,
    /// The world made a call.
    Called(Call),
    /// The shutdown that was called for is over; whether it ended well.
    Stopped(bool),
    /// A receiver heard something.
    Heard(usize, Payload),
    /// A rule broke; which, and how.
    Broke(String),
}

/// Everything that happened in a world, in order, and a hash of it.
///
/// What differs between runs of one case (handshake keys, frame masks) is not part of the hash.
#[derive(Debug, Clone)]
pub struct Trace {
    entries: Vec<TraceEntry>,
    bytes: Vec<u8>,
    /// Entries that came after the limit.
    unkept: u64,
    hash: Fnv,
}

impl Trace {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            bytes: Vec::new(),
            unkept: 0,
            hash: Fnv::new(),
        }
    }

    /// The entries, oldest first; only the first ones of a very long trace.
    #[must_use]
    pub fn entries(&self) -> &[TraceEntry] {
        &self.entries
    }

    /// Returns the lines up to the first one that says `rule` broke, which is marked with `►`, with
    /// this many entries before it.
    #[must_use]
    pub fn before_broke(&self, rule: Rule, entries: usize) -> Vec<String> {
        let says = format!("BROKEN {rule} at ");
        let broke = |entry: &TraceEntry| matches!(&entry.what, Happening::Broke(line) if line.starts_with(&says));
        let Some(at) = self.entries.iter().position(broke) else {
            return Vec::new();
        };
        let from = at.saturating_sub(entries);
        let mut lines: Vec<String> = self.entries[from..=at]
            .iter()
            .map(|entry| Line(self, entry).to_string())
            .collect();
        if let Some(last) = lines.last_mut()
            && let Some((place, _)) = last.split_once(&says)
            && let Some(place) = place.strip_prefix(' ')
        {
            // How it broke is already reported.
            *last = format!("►{place}{rule} broke here");
        }
        if from > 0 {
            lines.insert(0, format!("  … {from} lines before"));
        }
        lines
    }

    /// The part of a payload that was kept.
    #[must_use]
    pub fn payload(&self, payload: &Payload) -> &[u8] {
        &self.bytes[payload.kept.clone()]
    }

    /// The hash of everything that happened.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash.value()
    }

    /// Adds bytes to the hash that are in no entry.
    pub(super) fn hash_in(&mut self, bytes: &[u8]) {
        self.hash.take(bytes);
    }

    /// Adds an entry without bytes.
    pub(super) fn push(&mut self, at: Micros, dial: u64, what: Happening) {
        let tag = match &what {
            Happening::Dial => 1,
            Happening::DialRefused => 2,
            Happening::DialDone => 3,
            Happening::DialDropped => 4,
            Happening::ReadFin => 5,
            Happening::ReadReset => 6,
            Happening::WriteBlocked => 7,
            Happening::WriteFreed => 8,
            Happening::WriteFailed => 9,
            Happening::WroteFin => 10,
            Happening::Dropped => 11,
            Happening::Stopped(true) => 12,
            Happening::Stopped(false) => 13,
            Happening::Read(_) => 14,
            Happening::Wrote(_) => 15,
            Happening::Broke(_) => 16,
            Happening::Heard(receiver, _) => 32 + *receiver as u64,
            Happening::Called(call) => {
                self.hash.take(call.name().as_bytes());
                17
            }
        };
        let mut head = [0; 24];
        head[..8].copy_from_slice(&at.0.to_le_bytes());
        head[8..16].copy_from_slice(&dial.to_le_bytes());
        head[16..].copy_from_slice(&u64::to_le_bytes(tag));
        self.hash.take(&head);
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push(TraceEntry { at, dial, what });
        } else {
            self.unkept += 1;
        }
    }

    /// Adds a line that is not hashed, and is always kept: a rule broke here.
    pub(super) fn mark(&mut self, at: Micros, dial: u64, line: &str) {
        let what = Happening::Broke(line.to_owned());
        self.entries.push(TraceEntry { at, dial, what });
    }

    /// Keeps a payload, if there is room. It is not hashed.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> Payload {
        let start = self.bytes.len();
        let room = MAX_KEPT_BYTES.saturating_sub(start).min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..room]);
        Payload {
            len: bytes.len(),
            kept: start..start + room,
        }
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, entry: &TraceEntry) -> fmt::Result {
        let dial = match entry.dial {
            0 => String::new(),
            dial => format!("#{dial}"),
        };
        write!(f, "{:>14}  {dial:<5} ", entry.at.to_string())?;
        let shown = |payload: &Payload| Shown {
            bytes: self.payload(payload),
            len: payload.len,
        };
        match &entry.what {
            Happening::Dial => f.write_str("dial"),
            Happening::DialRefused => f.write_str("dial refused"),
            Happening::DialDone => f.write_str("dial done"),
            Happening::DialDropped => f.write_str("dial given up"),
            Happening::Read(payload) => {
                write!(f, "read {}", shown(payload))?;
                match frame_name(self.payload(payload), payload.len) {
                    Some(name) => write!(f, ", a {name}"),
                    None => Ok(()),
                }
            }
            Happening::ReadFin => f.write_str("read fin"),
            Happening::ReadReset => f.write_str("read reset"),
            Happening::Wrote(payload) => write!(f, "wrote {}", shown(payload)),
            Happening::WriteBlocked => f.write_str("write blocked"),
            Happening::WriteFreed => f.write_str("write goes on"),
            Happening::WriteFailed => f.write_str("write failed"),
            Happening::WroteFin => f.write_str("wrote fin"),
            Happening::Dropped => f.write_str("dropped the stream"),
            Happening::Called(call) => write!(f, "call {}", call.name()),
            Happening::Stopped(true) => f.write_str("shutdown is over"),
            Happening::Stopped(false) => f.write_str("shutdown failed"),
            Happening::Heard(receiver, payload) => {
                write!(f, "receiver {receiver} heard {}", shown(payload))
            }
            Happening::Broke(line) => f.write_str(line),
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{}", Line(self, entry))?;
        }
        if self.unkept > 0 {
            writeln!(f, "… and {} more", self.unkept)?;
        }
        Ok(())
    }
}

/// An entry as a line, without its end.
struct Line<'a>(&'a Trace, &'a TraceEntry);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.line(f, self.1)
    }
}

/// Names the kind of frame that the bytes are, if they are one whole unfragmented frame from a
/// server (RFC 6455, 5.2).
fn frame_name(bytes: &[u8], len: usize) -> Option<&'static str> {
    const FIN: u8 = 0x80;
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    let whole = match (second, rest) {
        (0..=125, _) => 2 + usize::from(*second),
        (126, [high, low, ..]) => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => return None,
    };
    let name = match first ^ FIN {
        0x1 => "text",
        0x2 => "binary message",
        0x8 => "Close",
        0x9 => "Ping",
        0xa => "Pong",
        _ => return None,
    };
    (whole == len).then_some(name)
}

/// Bytes as a line shows them.
struct Shown<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.bytes[..self.bytes.len().min(SHOWN_BYTES)];
        write!(f, "{} bytes \"{}\"", self.len, shown.escape_ascii())?;
        if shown.len() < self.len {
            f.write_str("…")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::frame_name;

    #[test]
    fn a_whole_frame_is_named_and_part_of_one_is_not() {
        let name = |bytes: &[u8]| frame_name(bytes, bytes.len());
        assert_eq!(name(b"\x88\x00"), Some("Close"));
        assert_eq!(name(b"\x81\x02hi"), Some("text"));
        assert_eq!(name(b"\x89\x01"), None, "cut");
        assert_eq!(name(b"\x01\x02hi"), None, "a fragment");
        assert_eq!(name(b"HTTP/1.1 101"), None);
        let long = [&b"\x82\x7e\x00\xc8"[..], &[7; 200]].concat();
        assert_eq!(name(&long), Some("binary message"));
    }
}
