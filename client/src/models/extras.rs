//! The keys of an object that no field is named after.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::{self, MapAccess};
use serde_json::Value;

use super::plain::Plain;

/// Most keys read in place. An object with more is read as if the map had been empty.
const MAX_IN_PLACE: usize = 8;

/// Reads keys that no field is named after, and their values, into a map that holds those of an
/// earlier object. From one message to the next the keys are usually the same, and then the map is
/// reused.
pub(super) struct Extras<'m, 'de> {
    map: &'m mut BTreeMap<String, Value>,
    /// The first `count` are the keys that came so far; unused once the map is `renewed`.
    keys: [&'de str; MAX_IN_PLACE],
    count: usize,
    /// Whether the keys that only the earlier object had are gone.
    renewed: bool,
}

impl<'m, 'de> Extras<'m, 'de> {
    #[inline]
    pub(super) fn new(map: &'m mut BTreeMap<String, Value>) -> Self {
        let renewed = map.is_empty();
        Self {
            map,
            keys: [""; MAX_IN_PLACE],
            count: 0,
            renewed,
        }
    }

    /// Takes the value of `key`, which is the map's next.
    ///
    /// # Errors
    /// If the key comes a second time.
    pub(super) fn take<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let Plain(value) = map.next_value()?;
        let twice = match key {
            Cow::Borrowed(key) if !self.renewed && self.count < MAX_IN_PLACE => {
                self.put(key, value)
            }
            key => {
                self.renew();
                self.map.insert(key.into_owned(), value).is_some()
            }
        };
        if twice {
            return Err(de::Error::custom("an unknown key came twice"));
        }
        Ok(())
    }

    /// Stores a value in its place; returns whether the key came before.
    fn put(&mut self, key: &'de str, value: Value) -> bool {
        if self.keys[..self.count].contains(&key) {
            return true;
        }
        self.keys[self.count] = key;
        self.count += 1;
        match self.map.get_mut(key) {
            Some(place) => *place = value,
            None => drop(self.map.insert(key.to_owned(), value)),
        }
        false
    }

    /// Removes what only the earlier object had.
    #[inline]
    pub(super) fn renew(&mut self) {
        // Every key that came is in the map, so equal counts mean that there is no other.
        if !self.renewed && self.map.len() != self.count {
            let keys = &self.keys[..self.count];
            self.map.retain(|key, _| keys.contains(&key.as_str()));
        }
        self.renewed = true;
    }
}
