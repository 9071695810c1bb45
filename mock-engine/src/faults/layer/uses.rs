//! Settings spent with each use: how dials and handshakes are answered.

use wstape_tape::{Accept, Garbage, Refusal, TlsFault};

use super::{Faults, LayerFaults};
use crate::faults::slot::Slot;
use crate::ids::ConnId;

/// The journal's words for an answer that is used up. Only what is set for several connections is
/// used up: one connection has one handshake.
const NO_HANG: &str = "hang none, used up";
const NO_GARBAGE: &str = "garbage none, used up";
const NO_TLS: &str = "tls as usual, used up";
const NO_REFUSAL: &str = "refuse none, used up";
const NO_ACCEPT: &str = "accept as usual, used up";

impl LayerFaults {
    /// Takes what was used up since the last call, in the journal's words.
    pub(in crate::faults) fn take_used_up(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.used_up)
    }

    /// Whether `conn` is never answered, by what is set for its path; spends one use.
    pub(in crate::faults) fn hang_at_path(&mut self, conn: ConnId) -> bool {
        self.take_at_path(conn, |f| &mut f.hang, NO_HANG).is_some()
    }

    /// What `conn` gets instead of HTTP, by what is set for its path; spends one use.
    pub(in crate::faults) fn garbage_at_path(&mut self, conn: ConnId) -> Option<Garbage> {
        self.take_at_path(conn, |f| &mut f.garbage, NO_GARBAGE)
    }

    /// Whether `conn` is never answered; spends one use.
    pub(in crate::faults) fn hang(&mut self, conn: ConnId) -> bool {
        self.take(conn, |f| &mut f.hang, NO_HANG).is_some()
    }

    /// What `conn` gets instead of HTTP; spends one use.
    pub(in crate::faults) fn garbage(&mut self, conn: ConnId) -> Option<Garbage> {
        self.answer(conn, |f| &mut f.garbage, NO_GARBAGE)
    }

    /// What is wrong with `conn`'s TLS; spends one use.
    pub(in crate::faults) fn tls(&mut self, conn: ConnId) -> Option<TlsFault> {
        self.take(conn, |f| &mut f.tls, NO_TLS)
    }

    /// The refusal that `conn`'s handshake meets; spends one use.
    pub(in crate::faults) fn refusal(&mut self, conn: ConnId) -> Option<Refusal> {
        self.answer(conn, |f| &mut f.refuse, NO_REFUSAL)
    }

    /// How `conn`'s upgrade is answered; spends one use.
    pub(in crate::faults) fn acceptance(&mut self, conn: ConnId) -> Option<Accept> {
        self.answer(conn, |f| &mut f.accept, NO_ACCEPT)
    }

    /// How this slot answers `conn`; spends one use. While answers are held, what is set for all
    /// connections doesn't count.
    fn answer<T: Clone>(
        &mut self,
        conn: ConnId,
        slot: impl Fn(&mut Faults) -> &mut Slot<T>,
        none: &'static str,
    ) -> Option<T> {
        if self.held.get().is_none() {
            return self.take(conn, slot, none);
        }
        let found = slot(self.each.get_mut(&conn)?);
        let value = found.take_use()?;
        if found.is_unset() {
            self.used_up.push(none);
        }
        Some(value)
    }

    /// The value of the slot that counts for `conn`; spends one use.
    fn take<T: Clone>(
        &mut self,
        conn: ConnId,
        slot: impl Fn(&mut Faults) -> &mut Slot<T>,
        none: &'static str,
    ) -> Option<T> {
        let found = self.slot(conn, slot);
        let value = found.take_use()?;
        if found.is_unset() {
            self.used_up.push(none);
        }
        Some(value)
    }

    /// The value of the slot of the path that `conn` asked for; spends one use.
    fn take_at_path<T: Clone>(
        &mut self,
        conn: ConnId,
        slot: impl Fn(&mut Faults) -> &mut Slot<T>,
        none: &'static str,
    ) -> Option<T> {
        let key = self.path_key(conn, &slot)?;
        let found = slot(self.at_path.get_mut(&key)?);
        let value = found.take_use()?;
        if found.is_unset() {
            self.used_up.push(none);
        }
        Some(value)
    }
}
