//! Where a field of an object is put.

use std::collections::BTreeMap;

use serde::de::{self, MapAccess};
use serde_json::Value;

use super::plain::Plain;
use super::scalar::{Lenient, Scalar};

/// A field: takes the value that the map is about to give.
pub(super) trait Slot {
    /// Reads the map's next value into `self`. `false`, with `self` as it was, where that value is `null`.
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error>;
}

/// Puts what came into its place; `false` if nothing did.
fn put<T>(place: &mut T, value: Option<T>) -> bool {
    match value {
        Some(value) => {
            *place = value;
            true
        }
        None => false,
    }
}

impl<T: Scalar> Slot for T {
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        Ok(put(self, map.next_value_seed(Lenient::new())?))
    }
}

impl<T: Slot + Default> Slot for Option<T> {
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let mut value = T::default();
        let came = value.fill(map)?;
        if came {
            *self = Some(value);
        }
        Ok(came)
    }
}

impl Slot for Value {
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let Plain(value) = map.next_value()?;
        Ok(put(self, (!value.is_null()).then_some(value)))
    }
}

impl Slot for Vec<Value> {
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_value()? {
            Plain(Value::Null) => Ok(false),
            Plain(Value::Array(list)) => Ok(put(self, Some(list))),
            Plain(_) => Err(de::Error::custom("expected a list or null")),
        }
    }
}

impl Slot for BTreeMap<String, Value> {
    fn fill<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        match map.next_value()? {
            Plain(Value::Null) => Ok(false),
            Plain(Value::Object(object)) => Ok(put(self, Some(object.into_iter().collect()))),
            Plain(_) => Err(de::Error::custom("expected an object or null")),
        }
    }
}
