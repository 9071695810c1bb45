//! Where a field of an object is put.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::plain::Plain;
use super::scalar::{Lenient, Scalar};

/// A field: takes the map's next value, whatever it held before, and keeps its storage.
pub(super) trait Slot {
    /// Reads the map's next value into `self`. For `null` gives `false` and leaves `self` as it
    /// was.
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error>;

    /// Resets `self`.
    fn renew(&mut self);
}

impl<T: Scalar> Slot for T {
    #[inline]
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        map.next_value_seed(Lenient(self))
    }

    #[inline]
    fn renew(&mut self) {
        self.clear();
    }
}

impl<T: Slot + Default> Slot for Option<T> {
    #[inline]
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let was_there = self.is_some();
        let came = self.get_or_insert_default().fill(map)?;
        if !came && !was_there {
            *self = None;
        }
        Ok(came)
    }

    #[inline]
    fn renew(&mut self) {
        *self = None;
    }
}

impl Slot for Value {
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let Plain(value) = map.next_value()?;
        let came = !value.is_null();
        if came {
            *self = value;
        }
        Ok(came)
    }

    fn renew(&mut self) {
        *self = Self::Null;
    }
}

impl Slot for Vec<Value> {
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_value()? {
            Plain(Value::Null) => Ok(false),
            Plain(Value::Array(list)) => {
                *self = list;
                Ok(true)
            }
            Plain(_) => Err(de::Error::custom("expected a list or null")),
        }
    }

    #[inline]
    fn renew(&mut self) {
        self.clear();
    }
}

impl Slot for BTreeMap<String, Value> {
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        map.next_value_seed(Entries(self))
    }

    #[inline]
    fn renew(&mut self) {
        self.clear();
    }
}

/// Reads an object of any shape into the map that was there; `null` gives `false` and leaves it.
struct Entries<'a>(&'a mut BTreeMap<String, Value>);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_none<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    /// If a key comes twice the last value stays.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        self.0.clear();
        while let Some((key, Plain(value))) = map.next_entry()? {
            self.0.insert(key, value);
        }
        Ok(true)
    }
}
