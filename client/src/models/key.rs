//! The keys of an object: how one is read, and which is likely to come next.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, Visitor};

/// A key of an object, borrowed from the message if it holds no escapes.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NextKey("").deserialize(deserializer)? {
            Found::Key(key) => Ok(Self(key)),
            Found::Guessed => Err(de::Error::custom("a key that nobody guessed")),
        }
    }
}

/// Reads the next key, which is likely to be this one, written as in `"key":`.
///
/// It asks the deserializer for a newtype of that name. This crate's own JSON reader compares the
/// next bytes with it, which is quicker than finding the key's end and then its field. Any other
/// deserializer hands over the key as it does any newtype.
pub(super) struct NextKey(&'static str);

/// What the next key turned out to be.
pub(super) enum Found<'de> {
    /// The key that was guessed.
    Guessed,
    /// A key that was read in full.
    Key(Cow<'de, str>),
}

impl NextKey {
    /// Guesses the key of this index, or none if there is no such key.
    #[inline]
    pub(super) fn of(keys: &'static [&'static str], guess: u8) -> Self {
        Self(keys.get(usize::from(guess)).copied().unwrap_or_default())
    }
}

impl<'de> DeserializeSeed<'de> for NextKey {
    type Value = Found<'de>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found<'de>, D::Error> {
        deserializer.deserialize_newtype_struct(self.0, KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, key: D) -> Result<Found<'de>, D::Error> {
        key.deserialize_str(self)
    }

    #[inline]
    fn visit_unit<E: de::Error>(self) -> Result<Found<'de>, E> {
        Ok(Found::Guessed)
    }

    #[inline]
    fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Found<'de>, E> {
        Ok(Found::Key(Cow::Borrowed(key)))
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Found<'de>, E> {
        Ok(Found::Key(Cow::Owned(key.to_owned())))
    }

    fn visit_string<E: de::Error>(self, key: String) -> Result<Found<'de>, E> {
        Ok(Found::Key(Cow::Owned(key)))
    }
}

/// Places in an [`Order`].
const PLACES: usize = 32;

/// The order in which a type's keys come: for each key, by its index among all names and aliases,
/// the one that last followed it. It is only a guess at what comes next: it affects how fast keys
/// are read, never what is read.
pub(super) struct Order([AtomicU8; PLACES]);

impl Order {
    /// The index of any key that no field is named after.
    pub(super) const OTHER: u8 = 30;
    /// The place before an object's first key.
    pub(super) const START: u8 = 31;

    /// An order that has learned nothing yet.
    pub(super) const fn new() -> Self {
        Self([const { AtomicU8::new(Self::OTHER) }; PLACES])
    }

    /// The key that last followed this one.
    #[inline]
    pub(super) fn after(&self, key: u8) -> u8 {
        self.0[usize::from(key) % PLACES].load(Ordering::Relaxed)
    }

    /// Learns that this key was followed by `next`. A key that no field is named after is not
    /// learned: if only some objects of a list have one, the next key of the others is still
    /// guessed right.
    #[inline]
    pub(super) fn learn(&self, key: u8, next: u8) {
        if next != Self::OTHER && self.after(key) != next {
            self.0[usize::from(key) % PLACES].store(next, Ordering::Relaxed);
        }
    }

    /// The index of a key among all of a type, computed while compiling.
    ///
    /// # Panics
    /// If there is no such key, or there are too many keys.
    pub(super) const fn index(keys: &[&str], key: &str) -> u8 {
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

#[cfg(test)]
mod tests {
    use super::Order;

    #[test]
    fn a_key_that_no_field_is_named_after_does_not_replace_one_that_is_expected() {
        let order = Order::new();
        order.learn(Order::START, 3);
        order.learn(Order::START, Order::OTHER);
        assert_eq!(order.after(Order::START), 3);
        order.learn(Order::START, 4);
        assert_eq!(order.after(Order::START), 4);
    }
}
