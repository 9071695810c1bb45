//! Repeats folded into one line: a client that spins must not fill the disk.
//!
//! What a client can bring about as often as it likes is written as long as it keeps to a pace;
//! beyond, it is counted, and once a second a line says how often. What tapes and controls do is
//! always written: it has an end, or a pace of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use wstape_tape::Micros;

use super::entry::{Entry, JournalKind};

/// What one kind of event may write at once, in bytes.
const MAX_BURST_BYTES: u64 = 8 << 10;

/// What one kind of event may write for long, in bytes a second.
const MAX_BYTES_PER_SECOND: u64 = 1_536;

/// How often repeats are summed up.
const FOLD_EVERY: Micros = Micros::from_ms(1_000);

/// Most kinds of events that are told apart by what they say; further ones are by their name.
const MAX_SHAPES: usize = 64;

/// What a line takes beside the text in it, in bytes.
const LINE_BYTES: usize = 96;

/// A line of the journal's file.
#[derive(Debug)]
pub(super) enum Line {
    Entry(Entry),
    /// Repeats that have no line each.
    Folded(Fold),
    /// Lines for which there was no room.
    Lost {
        lost: u64,
        at: Micros,
    },
}

/// Repeats of one kind of event.
#[derive(Debug, Clone)]
pub(super) struct Fold {
    name: &'static str,
    what: String,
    times: u64,
    first: Micros,
    last: Micros,
}

/// Tells kinds of events apart: the kind's name, and what it says where a client has no choice
/// in that.
type Shape = (&'static str, String);

/// Decides which entries get a line each.
#[derive(Debug, Default)]
pub(super) struct Folds {
    paces: BTreeMap<Shape, Pace>,
    /// When the next sum of repeats is due, where there are any.
    due: Option<Micros>,
}

/// The pace of one kind of event.
#[derive(Debug)]
struct Pace {
    /// Bytes that may still be written, in millionths, and when that was so.
    credit: u64,
    at: Micros,
    fold: Option<Fold>,
}

impl Line {
    pub(super) fn lost(lost: u64, at: Micros) -> Self {
        Self::Lost { lost, at }
    }

    /// When it was.
    pub(super) fn at(&self) -> Micros {
        match self {
            Self::Entry(entry) => entry.at,
            Self::Folded(fold) => fold.last,
            Self::Lost { at, .. } => *at,
        }
    }

    /// What it takes in memory and on disk, about, in bytes.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Entry(entry) => cost(entry),
            Self::Folded(_) | Self::Lost { .. } => LINE_BYTES,
        }
    }

    /// The line with its newline.
    pub(super) fn to_json(&self) -> io::Result<Vec<u8>> {
        let mut line = match self {
            Self::Entry(entry) => serde_json::to_vec(entry)?,
            Self::Folded(fold) => serde_json::to_vec(fold)?,
            Self::Lost { lost, at } => {
                let text =
                    format!("{lost} entries are missing here: the journal's file is too slow");
                serde_json::to_vec(&Entry {
                    at: *at,
                    conn: None,
                    kind: JournalKind::Note(text),
                })?
            }
        };
        line.push(b'\n');
        Ok(line)
    }
}

/// What an entry takes, about, in bytes.
fn cost(entry: &Entry) -> usize {
    let text = match &entry.kind {
        JournalKind::Received(frame) => frame.payload.len(),
        JournalKind::HttpAnswered { path, .. } => path.len(),
        JournalKind::Sent { what, .. } | JournalKind::Lost { what } => what.len(),
        JournalKind::State(text)
        | JournalKind::Note(text)
        | JournalKind::Mark(text)
        | JournalKind::ProtocolError(text) => text.len(),
        _ => 0,
    };
    LINE_BYTES + text
}

/// What an entry is a repeat of; `None` for one that no client can bring about at will.
fn shape(entry: &Entry) -> Option<Shape> {
    if entry.conn.is_none() && !matches!(entry.kind, JournalKind::DialRefused) {
        return None;
    }
    let what = match &entry.kind {
        // What clients say and ask for differs without end.
        JournalKind::Received(frame) => format!("← {}", frame.kind.word()),
        JournalKind::HttpAnswered { status, .. } => format!("GET {status}"),
        JournalKind::Mark(_) | JournalKind::Expect(_) => return None,
        kind => kind.to_string(),
    };
    Some((entry.kind.name(), what))
}

impl Folds {
    /// The lines to write now that this has happened.
    pub(super) fn pass(&mut self, entry: &Entry) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.due.is_some_and(|due| due <= entry.at) {
            lines = self.finish();
        }
        let Some((name, what)) = shape(entry) else {
            lines.push(Line::Entry(entry.clone()));
            return lines;
        };
        let mut shape = (name, what);
        if !self.paces.contains_key(&shape) && self.paces.len() >= MAX_SHAPES {
            "…".clone_into(&mut shape.1);
        }
        let pace = self.paces.entry(shape.clone()).or_insert(Pace {
            credit: MAX_BURST_BYTES * 1_000_000,
            at: entry.at,
            fold: None,
        });
        if pace.fold.is_none() && pace.admits(entry) {
            lines.push(Line::Entry(entry.clone()));
            return lines;
        }
        let fold = pace.fold.get_or_insert(Fold {
            name: shape.0,
            what: shape.1,
            times: 0,
            first: entry.at,
            last: entry.at,
        });
        fold.times += 1;
        fold.last = entry.at;
        self.due
            .get_or_insert(Micros(entry.at.0.saturating_add(FOLD_EVERY.0)));
        lines
    }

    /// Sums up the repeats so far.
    pub(super) fn finish(&mut self) -> Vec<Line> {
        self.due = None;
        let mut folds: Vec<Fold> = self
            .paces
            .values_mut()
            .filter_map(|pace| pace.fold.take())
            .collect();
        folds.sort_by_key(|fold| fold.last);
        folds.into_iter().map(Line::Folded).collect()
    }
}

impl Pace {
    /// Takes what the entry costs off the credit; `false` where there is none.
    fn admits(&mut self, entry: &Entry) -> bool {
        let passed = entry.at.0.saturating_sub(self.at.0);
        let earned = passed.saturating_mul(MAX_BYTES_PER_SECOND);
        self.credit = self
            .credit
            .saturating_add(earned)
            .min(MAX_BURST_BYTES * 1_000_000);
        self.at = entry.at;
        let cost = cost(entry) as u64 * 1_000_000;
        // The first of a kind is written however long it is.
        let whole = self.credit == MAX_BURST_BYTES * 1_000_000;
        if cost > self.credit && !whole {
            return false;
        }
        self.credit = self.credit.saturating_sub(cost);
        true
    }
}

/// A number with a comma between thousands.
struct Thousands(u64);

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

impl fmt::Display for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.last.0 - self.first.0).div_ceil(100_000);
        let (whole, tenth) = (tenths / 10, tenths % 10);
        let (what, times) = (&self.what, Thousands(self.times));
        write!(f, "{what} ×{times} in {whole}.{tenth} s")
    }
}

impl Serialize for Fold {
    /// `at_ms` of the last repeat, `kind` as each would have it, `times`, and `text` for people.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let at =
            RawValue::from_string(self.last.to_ms_text()).map_err(serde::ser::Error::custom)?;
        map.serialize_entry("at_ms", &at)?;
        map.serialize_entry("kind", self.name)?;
        map.serialize_entry("times", &self.times)?;
        map.serialize_entry("text", &self.to_string())?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the file gets of a client that does these things over and over, `every` apart.
    fn spun(kinds: &[JournalKind], every: Micros, until: Micros) -> Vec<String> {
        let mut folds = Folds::default();
        let mut lines = Vec::new();
        let mut conn = 0;
        let mut at = Micros::ZERO;
        while at < until {
            conn += 1;
            for kind in kinds {
                lines.extend(folds.pass(&Entry {
                    at,
                    conn: Some(conn),
                    kind: kind.clone(),
                }));
            }
            at.0 += every.0;
        }
        lines.extend(folds.finish());
        lines
            .iter()
            .map(|line| String::from_utf8(line.to_json().unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn a_minute_of_a_spinning_client_takes_less_than_a_megabyte_and_its_repeats_are_counted() {
        let kinds = [
            JournalKind::Accepted,
            JournalKind::State("pongs withheld".to_owned()),
            JournalKind::Upgraded,
            JournalKind::Sent {
                what: "positions".into(),
                to: 1,
            },
            JournalKind::ProtocolError("unmasked frame from a client".to_owned()),
            JournalKind::Sent {
                what: "close 1002".into(),
                to: 1,
            },
            JournalKind::ClientClosed,
        ];
        let lines = spun(&kinds, Micros(500), Micros::from_ms(60_000));
        let bytes: usize = lines.iter().map(String::len).sum();
        assert!(bytes < 1 << 20, "{bytes}");
        let accepted: u64 = lines
            .iter()
            .filter(|line| line.contains(r#""kind":"accepted""#))
            .map(|line| {
                let entry: serde_json::Value = serde_json::from_str(line).unwrap();
                entry["times"].as_u64().unwrap_or(1)
            })
            .sum();
        assert_eq!(accepted, 120_000, "none is missing");
        assert!(
            lines
                .iter()
                .any(|line| line.contains(r#""text":"accepted ×1,9"#)
                    && line.contains(r#" in 1.0 s"}"#)),
            "{:#?}",
            lines.iter().rev().take(20).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_client_that_keeps_to_a_pace_has_a_line_for_all_it_does() {
        let kinds = [JournalKind::Accepted, JournalKind::ClientClosed];
        let lines = spun(&kinds, Micros::from_ms(100), Micros::from_ms(60_000));
        assert_eq!(lines.len(), 1_200);
        assert!(!lines.iter().any(|line| line.contains("times")));
    }

    #[test]
    fn however_many_paths_a_client_asks_for_they_fold_into_one() {
        let mut folds = Folds::default();
        let lines: usize = (0..10_000_u64)
            .map(|n| {
                let entry = Entry {
                    at: Micros(n * 10),
                    conn: Some(n),
                    kind: JournalKind::HttpAnswered {
                        path: format!("/{n}"),
                        status: 404,
                    },
                };
                folds.pass(&entry).len()
            })
            .sum();
        assert!(lines < 200, "{lines}");
        assert_eq!(folds.finish().len(), 1);
    }
}
