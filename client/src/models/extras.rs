//! The keys of an object that no field is named after.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::mem;

use serde::de::{self, MapAccess};
use serde_json::Value;

use super::plain::Plain;

/// Reads such keys and their values into a map that holds those of an earlier object. From one
/// message to the next they are the same, and then no key is made anew.
pub(super) struct Extras<'m> {
    map: &'m mut BTreeMap<String, Value>,
    /// What the earlier object had and this one has not had yet.
    earlier: BTreeMap<String, Value>,
}

impl<'m> Extras<'m> {
    #[inline]
    pub(super) fn new(map: &'m mut BTreeMap<String, Value>) -> Self {
        let earlier = mem::take(map);
        Self { map, earlier }
    }

    /// Takes the value of `key`, which is the map's next.
    ///
    /// # Errors
    /// Where the key comes a second time.
    pub(super) fn take<'de, A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let Plain(value) = map.next_value()?;
        let key = match self.earlier.remove_entry(&*key) {
            Some((key, _)) => key,
            None => key.into_owned(),
        };
        match self.map.insert(key, value) {
            None => Ok(()),
            Some(_) => Err(de::Error::custom("an unknown key came twice")),
        }
    }
}
