//! The tape's numbers: which live connection is the tape's first, its second, and so on.
//!
//! A connection takes the lowest free number when it is accepted. One that turns out to be a plain
//! request gives it back, so that a client's GETs do not use up what a tape has for its
//! connections.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{ConnId, Renumbering};

/// The most connections whose numbers are remembered. Anything that the tape still has for older
/// ones is lost.
const MAX_REMEMBERED: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The number of each connection that is not over.
    of: BTreeMap<ConnId, u64>,
    /// The connection of each number, including those that are over.
    at: BTreeMap<u64, ConnId>,
    /// Numbers that were given back.
    free: BTreeSet<u64>,
    /// The highest ever taken.
    highest: u64,
}

impl Numbers {
    /// Gives a connection the lowest free number.
    pub(super) fn take(&mut self, id: ConnId) -> u64 {
        let number = self.free.pop_first().unwrap_or_else(|| {
            self.highest += 1;
            self.highest
        });
        self.of.insert(id, number);
        self.at.insert(number, id);
        while self.at.len() > MAX_REMEMBERED {
            self.at.pop_first();
        }
        number
    }

    /// The number of a connection that is not over.
    pub(super) fn number(&self, id: ConnId) -> Option<u64> {
        self.of.get(&id).copied()
    }

    /// The connection that has a number, over or not; `None` if nobody has it, or had it too long
    /// ago to be remembered.
    pub(super) fn taken(&self, number: u64) -> Option<ConnId> {
        self.at.get(&number).copied()
    }

    /// The highest number up to and including which all are taken.
    pub(super) fn all_taken_to(&self) -> u64 {
        self.free.first().map_or(self.highest, |free| free - 1)
    }

    /// Gives a connection's number back; returns how that renumbers those to come.
    pub(super) fn give_back(&mut self, id: ConnId, newest: ConnId) -> Option<Renumbering> {
        let number = self.of.remove(&id)?;
        self.at.remove(&number);
        self.free.insert(number);
        Some(Renumbering::away(id, self.live(number, newest)))
    }

    /// Notes that a connection is over. It keeps its number.
    pub(super) fn over(&mut self, id: ConnId) {
        self.of.remove(&id);
    }

    /// The connection that has a number, or will have it if no number is given back first.
    pub(super) fn live(&self, number: u64, newest: ConnId) -> ConnId {
        if let Some(&id) = self.at.get(&number) {
            return id;
        }
        let free = self.free.range(..number).count() as u64;
        if self.free.contains(&number) || number > self.highest {
            // The free ones come first, then those never used.
            let behind = number.saturating_sub(self.highest).max(1);
            return newest.later(free + behind);
        }
        // It is so old that it is no longer known.
        ConnId::new(0)
    }

    /// The number that a connection has, or will have.
    pub(super) fn of(&self, id: ConnId, newest: ConnId) -> u64 {
        if let Some(number) = self.number(id) {
            return number;
        }
        let behind = id.get().saturating_sub(newest.get());
        if behind == 0 {
            return id.get();
        }
        let nth = usize::try_from(behind - 1).unwrap_or(usize::MAX);
        match self.free.iter().nth(nth) {
            Some(&free) => free,
            None => self.highest + behind - self.free.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_given_back_is_the_next_to_come_and_the_others_stay() {
        let id = ConnId::new;
        let mut numbers = Numbers::default();
        for n in 1..=3 {
            assert_eq!(numbers.live(n, id(n - 1)), id(n));
            assert_eq!(numbers.take(id(n)), n);
        }
        let moved = numbers.give_back(id(2), id(3)).unwrap();
        // What was set for 2 is now set for 4, and what was set for 4 is now set for 5.
        assert_eq!([2, 3, 4, 5].map(|n| moved.of(id(n)).get()), [4, 3, 5, 6]);
        assert_eq!(
            [1, 2, 3, 4, 5].map(|n| numbers.live(n, id(3)).get()),
            [1, 4, 3, 5, 6]
        );
        assert_eq!([4, 5, 6].map(|n| numbers.of(id(n), id(3))), [2, 4, 5]);
        assert!(numbers.give_back(id(2), id(3)).is_none());
        assert_eq!((numbers.take(id(4)), numbers.take(id(5))), (2, 4));
    }
}
