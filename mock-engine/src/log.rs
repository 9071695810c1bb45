//! The journal with the clock that its entries are stamped by.

use chrono::{DateTime, Utc};
use wstape_tape::Micros;

use crate::clock::Clock;
use crate::ids::ConnId;
use crate::journal::{Journal, JournalKind};

/// Stamps what happens and hands it to the journal. A clone writes to the same one.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    clock: Clock,
    journal: Journal,
}

impl Log {
    pub(crate) fn new(clock: Clock, journal: Journal) -> Self {
        Self { clock, journal }
    }

    pub(crate) fn write(&self, conn: impl Into<Option<ConnId>>, kind: JournalKind) {
        let conn = conn.into().map(ConnId::get);
        self.journal.write(self.clock.now(), conn, kind);
    }

    /// A remark that no other kind of entry covers.
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

    pub(crate) fn wall(&self) -> DateTime<Utc> {
        self.clock.wall()
    }

    /// The time `span` from now.
    pub(crate) fn in_future(&self, span: Micros) -> Micros {
        Micros(self.now().0.saturating_add(span.0))
    }
}
