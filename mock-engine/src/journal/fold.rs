//! Folds repeats into one line: a client that spins must not fill the disk.
//!
//! Whatever a client can cause as often as it likes is written as long as it keeps to a pace;
//! beyond that it is counted, and a line once a second says how often it happened. What tapes and
//! controls do is always written: it ends, or has a pace of its own.

use std::collections::BTreeMap;

use wstape_tape::Micros;

use super::entry::{Entry, JournalKind};
use super::line::{Repeats, cost};

/// The most that one kind of event may write in a burst, in bytes.
const MAX_BURST_BYTES: u64 = 8 << 10;

/// The most that one kind of event may write continuously, in bytes per second.
const MAX_BYTES_PER_SECOND: u64 = 1_536;

/// How often repeats are summed up.
const FOLD_EVERY: Micros = Micros::from_ms(1_000);

/// The most kinds of events told apart by what they say; further ones are told apart by name only.
const MAX_SHAPES: usize = 64;

/// Repeats of one kind of event that are not summed up yet.
#[derive(Debug, Clone)]
pub(super) struct Fold {
    name: &'static str,
    what: String,
    times: u64,
    first: Micros,
    last: Micros,
}

/// What becomes a line of the journal.
#[derive(Debug)]
pub(super) enum Passed {
    Entry(Entry),
    /// Repeats without a line of their own.
    Fold(Fold),
}

/// Identifies a kind of event: the kind's name, and what it says, leaving out whatever a client can
/// choose freely.
type Shape = (&'static str, String);

/// Decides which entries get a line each.
#[derive(Debug, Default)]
pub(super) struct Folds {
    paces: BTreeMap<Shape, Pace>,
    /// When the next sum of repeats is due, if there are any.
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

impl Fold {
    /// When the last of them happened.
    pub(super) fn last(&self) -> Micros {
        self.last
    }

    pub(super) fn into_repeats(self) -> Repeats {
        Repeats {
            kind: self.name.to_owned(),
            what: self.what,
            times: self.times,
            lasted: Micros(self.last.0.saturating_sub(self.first.0)),
        }
    }
}

/// What an entry counts as a repeat of; `None` if no client can cause it at will.
fn shape(entry: &Entry) -> Option<Shape> {
    let dial = matches!(
        entry.kind,
        JournalKind::DialRefused | JournalKind::DialReset | JournalKind::DialPending
    );
    if entry.conn.is_none() && !dial {
        return None;
    }
    let what = match &entry.kind {
        // What clients say and ask for varies without end.
        JournalKind::Received(frame) => format!("← {}", frame.kind.word()),
        JournalKind::HttpAnswered { status, .. } => format!("http {status}"),
        JournalKind::Requested(_) | JournalKind::Released { .. } => entry.kind.name().to_owned(),
        JournalKind::Mark(_) | JournalKind::Expect(_) => return None,
        kind => kind.to_string(),
    };
    Some((entry.kind.name(), what))
}

impl Folds {
    /// Takes an entry; returns the lines to write now.
    pub(super) fn pass(&mut self, entry: &Entry) -> Vec<Passed> {
        let mut lines = Vec::new();
        if self.due.is_some_and(|due| due <= entry.at) {
            lines = self.finish();
        }
        let Some((name, what)) = shape(entry) else {
            lines.push(Passed::Entry(entry.clone()));
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
            lines.push(Passed::Entry(entry.clone()));
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
    pub(super) fn finish(&mut self) -> Vec<Passed> {
        self.due = None;
        let mut folds: Vec<Fold> = self
            .paces
            .values_mut()
            .filter_map(|pace| pace.fold.take())
            .collect();
        folds.sort_by_key(|fold| fold.last);
        folds.into_iter().map(Passed::Fold).collect()
    }
}

impl Pace {
    /// Takes the entry's cost off the credit; `false` if there is too little.
    fn admits(&mut self, entry: &Entry) -> bool {
        let passed = entry.at.0.saturating_sub(self.at.0);
        let earned = passed.saturating_mul(MAX_BYTES_PER_SECOND);
        self.credit = self
            .credit
            .saturating_add(earned)
            .min(MAX_BURST_BYTES * 1_000_000);
        self.at = entry.at;
        let cost = cost(entry) as u64 * 1_000_000;
        // The first of a kind, or the first after a long enough pause, is written however long it
        // is.
        let whole = self.credit == MAX_BURST_BYTES * 1_000_000;
        if cost > self.credit && !whole {
            return false;
        }
        self.credit = self.credit.saturating_sub(cost);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::line::{JournalLine, JournalTime, Said};

    fn text(passed: Passed) -> String {
        let (at, said) = match passed {
            Passed::Entry(Entry { at, conn, kind }) => (at, Said::Once { conn, kind }),
            Passed::Fold(fold) => (fold.last(), Said::Repeats(fold.into_repeats())),
        };
        let at = JournalTime::At(at);
        String::from_utf8(JournalLine { at, said }.to_json().unwrap()).unwrap()
    }

    /// What the file gets from a client that does these things over and over, at intervals of
    /// `every`.
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
        lines.into_iter().map(text).collect()
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
                        method: "GET".to_owned(),
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
