//! The keys of an object that no field is named after.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Cursor;
use super::refill::refill_any;

/// Such keys that one object may have before the general decoder has to take it.
const MAX_KEYS: usize = 16;

/// Reads keys and their values into a map that holds those of an earlier object. Where they are the same
/// keys, as from one message to the next they are, nothing is allocated.
pub(crate) struct Extras<'m, 't> {
    map: &'m mut BTreeMap<String, Value>,
    /// The keys that came so far: the first `count`, once there is one.
    keys: Option<[&'t str; MAX_KEYS]>,
    count: usize,
}

impl<'m, 't> Extras<'m, 't> {
    pub(crate) fn new(map: &'m mut BTreeMap<String, Value>) -> Self {
        Self {
            map,
            keys: None,
            count: 0,
        }
    }

    /// Takes the value of `key`. A key that comes twice is left to the general decoder.
    pub(crate) fn take(&mut self, key: &'t str, cursor: &mut Cursor<'t>) -> Option<()> {
        let keys = self.keys.get_or_insert([""; MAX_KEYS]);
        if keys[..self.count].contains(&key) {
            return None;
        }
        *keys.get_mut(self.count)? = key;
        self.count += 1;
        if let Some(place) = self.map.get_mut(key) {
            refill_any(place, cursor)
        } else {
            let mut value = Value::Null;
            refill_any(&mut value, cursor)?;
            self.map.insert(key.to_owned(), value);
            Some(())
        }
    }

    /// Removes what came with the earlier object only.
    #[inline]
    pub(crate) fn end(self) {
        // Every key that came is in the map, so where the numbers agree no other is.
        if self.map.len() != self.count {
            let keys = self
                .keys
                .as_ref()
                .map_or(&[][..], |keys| &keys[..self.count]);
            self.map.retain(|key, _| keys.contains(&key.as_str()));
        }
        assert_eq!(
            self.map.len(),
            self.count,
            "the keys that came and no others"
        );
    }
}
