//! The keys of an object: how one is read, and which is likely to come next.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, Visitor};

/// A key of an object, borrowed from the message where it holds no escapes.
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
/// Of whoever gives the key it asks for a newtype of that name. The message's own reader compares
/// the bytes that come next with it, which is quicker than to find the key's end and then out which
/// of all fields it is. Any other source of data hands over the key as it does any newtype.
pub(super) struct NextKey(&'static str);

/// What came.
pub(super) enum Found<'de> {
    /// The key that was guessed.
    Guessed,
    /// A key.
    Key(Cow<'de, str>),
}

impl NextKey {
    /// The key of this index is likely; without one, none is.
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

/// In which order the keys of a type come: for each, by its index among all names and aliases, the
/// one that followed it last. Only ever a guess at what comes next: it has no influence on what is
/// read, only on how fast.
pub(super) struct Order([AtomicU8; PLACES]);

impl Order {
    /// The index of any key that no field is named after.
    pub(super) const OTHER: u8 = 30;
    /// What the first key follows.
    pub(super) const START: u8 = 31;

    /// An order of which nothing is known.
    pub(super) const fn new() -> Self {
        Self([const { AtomicU8::new(Self::OTHER) }; PLACES])
    }

    /// The key that followed this one the last time.
    #[inline]
    pub(super) fn after(&self, key: u8) -> u8 {
        self.0[usize::from(key) % PLACES].load(Ordering::Relaxed)
    }

    /// This key was followed by another. One that no field is named after is not learned: where only
    /// some objects of a list have such a key, the others' next one is guessed right all the same.
    #[inline]
    pub(super) fn learn(&self, key: u8, next: u8) {
        if next != Self::OTHER && self.after(key) != next {
            self.0[usize::from(key) % PLACES].store(next, Ordering::Relaxed);
        }
    }

    /// The index of a key among all of a type, computed while compiling.
    ///
    /// # Panics
    /// Where there is no such key, or one too many.
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
