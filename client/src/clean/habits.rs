//! The order in which an engine writes the keys of an object, as learned from what it sent.

use std::cell::Cell;

/// Every type that is read from an object.
#[derive(Clone, Copy)]
pub(crate) enum Type {
    V2Confidence,
    V2Market,
    V2Positions,
    V2Today,
    RecoveryStatus,
    HlRate,
    V2Status,
    Position,
    Positions,
    Risk,
    Regime,
}

/// Number of [`Type`]s.
const TYPES: usize = Type::Regime as usize + 1;
/// Places in a [`Habit`].
const PLACES: usize = 32;

/// What was seen to follow what, for each type. Only ever a guess at what comes next: what it says has no
/// influence on what is read, only on how fast.
#[derive(Default)]
pub(crate) struct Habits([Habit; TYPES]);

impl Habits {
    #[inline]
    pub(super) fn of(&self, of: Type) -> &Habit {
        &self.0[of as usize]
    }
}

/// For each key of one type, by its index among all names and aliases, the one that followed it last.
#[derive(Default)]
pub(crate) struct Habit([Cell<u8>; PLACES]);

impl Habit {
    /// The index of any key that no field is named after.
    pub(crate) const OTHER: u8 = 30;
    /// What the first key follows.
    pub(crate) const START: u8 = 31;

    /// The key that followed this one the last time.
    #[inline]
    pub(crate) fn after(&self, key: u8) -> u8 {
        self.0[usize::from(key) % PLACES].get()
    }

    #[inline]
    pub(crate) fn learn(&self, key: u8, next: u8) {
        self.0[usize::from(key) % PLACES].set(next);
    }

    /// The index of a key among all of a type, computed while compiling.
    ///
    /// # Panics
    /// Where there is no such key, or one too many.
    pub(crate) const fn index(keys: &[&str], key: &str) -> u8 {
        assert!(keys.len() < Self::OTHER as usize, "more keys than places");
        let mut index = 0;
        while !same(keys[index as usize], key) {
            index += 1;
        }
        index
    }
}

const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}
