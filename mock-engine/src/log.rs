//! The journal, with the clock that stamps its entries.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use wstape_tape::{ClockSkew, Micros};

use crate::clock::Clock;
use crate::ids::ConnId;
use crate::journal::{Journal, JournalKind};

/// Stamps what happens and hands it to the journal. Clones write to the same one.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    clock: Clock,
    journal: Journal,
    /// How wrong the engine's wall clock is, and since when.
    skew: Arc<Mutex<Option<(ClockSkew, Micros)>>>,
}

impl Log {
    pub(crate) fn new(clock: Clock, journal: Journal) -> Self {
        Self {
            clock,
            journal,
            skew: Arc::default(),
        }
    }

    pub(crate) fn write(&self, conn: impl Into<Option<ConnId>>, kind: JournalKind) {
        let conn = conn.into().map(ConnId::get);
        self.journal.write(self.clock.now(), conn, kind);
    }

    /// Journals what happened at one time, on no connection in particular.
    pub(crate) fn write_all(&self, kinds: impl IntoIterator<Item = JournalKind>) {
        self.journal.write_all(self.clock.now(), None, kinds);
    }

    /// Journals a remark that no other kind of entry covers.
    pub(crate) fn note(&self, conn: impl Into<Option<ConnId>>, text: impl Into<String>) {
        self.write(conn, JournalKind::Note(text.into()));
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn now(&self) -> Micros {
        self.clock.now()
    }

    /// The wall time that the engine believes in.
    pub(crate) fn wall(&self) -> DateTime<Utc> {
        let right = self.clock.wall();
        match *self.skew.lock() {
            None => right,
            Some((skew, since)) => wrong(right, skew, self.now().0.saturating_sub(since.0)),
        }
    }

    /// Sets how wrong the engine's wall clock is; the same again changes nothing.
    pub(crate) fn set_skew(&self, skew: Option<ClockSkew>) {
        let mut had = self.skew.lock();
        if had.map(|(skew, _)| skew) != skew {
            *had = skew.map(|skew| (skew, self.now()));
        }
    }

    /// The time `span` from now.
    pub(crate) fn in_future(&self, span: Micros) -> Micros {
        Micros(self.now().0.saturating_add(span.0))
    }
}

/// The wall time by a clock that has been wrong for this many microseconds.
fn wrong(right: DateTime<Utc>, skew: ClockSkew, since_us: u64) -> DateTime<Utc> {
    let drift = u128::from(since_us) * u128::from(skew.drift_ppm) / 1_000_000;
    let by = u128::from(skew.by.0).saturating_add(drift);
    let by = TimeDelta::microseconds(i64::try_from(by).unwrap_or(i64::MAX));
    if skew.behind {
        let moved = right.checked_sub_signed(by);
        moved.unwrap_or(DateTime::<Utc>::MIN_UTC)
    } else {
        let moved = right.checked_add_signed(by);
        moved.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}
