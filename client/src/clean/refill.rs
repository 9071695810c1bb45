//! Values read into places that hold another.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::cursor::MAX_LEVELS;
use super::number::Number;
use super::{Cursor, Extras};

/// A place that is read into, whatever it held: what it holds afterwards depends on the text alone. Its
/// storage is used again.
pub(crate) trait Refill {
    /// Takes the next value; `false`, with `self` as new, where that is `null`. Where it gives up, what
    /// `self` holds means nothing.
    fn refill(&mut self, cursor: &mut Cursor<'_>) -> Option<bool>;

    /// Makes `self` as new.
    fn renew(&mut self);
}

impl Refill for bool {
    #[inline]
    fn refill(&mut self, cursor: &mut Cursor<'_>) -> Option<bool> {
        *self = match cursor.peek()? {
            b't' => cursor.literal("true").map(|()| true)?,
            b'f' => cursor.literal("false").map(|()| false)?,
            _ => {
                self.renew();
                return cursor.null().then_some(false);
            }
        };
        Some(true)
    }

    fn renew(&mut self) {
        *self = false;
    }
}

/// A number's type: what the general decoder's [`Scalar`](crate::models::Scalar) takes for one, it takes
/// here, by the same conversions.
macro_rules! number {
    ($($type:ty)+) => {$(
        impl Refill for $type {
            #[inline]
            fn refill(&mut self, cursor: &mut Cursor<'_>) -> Option<bool> {
                use crate::models::Scalar;

                if cursor.null() {
                    self.renew();
                    return Some(false);
                }
                *self = match cursor.number()? {
                    Number::Unsigned(number) => <$type as Scalar>::from_u64(number),
                    Number::Signed(number) => <$type as Scalar>::from_i64(number),
                    Number::Float(number) => <$type as Scalar>::from_f64(number),
                }?;
                Some(true)
            }

            fn renew(&mut self) {
                *self = <$type>::default();
            }
        }
    )+};
}

number!(f64 u32 i32 i64);

impl Refill for String {
    #[inline]
    fn refill(&mut self, cursor: &mut Cursor<'_>) -> Option<bool> {
        self.clear();
        if cursor.null() {
            return Some(false);
        }
        self.push_str(cursor.string()?);
        Some(true)
    }

    fn renew(&mut self) {
        self.clear();
    }
}

impl<T: Refill + Default> Refill for Option<T> {
    #[inline]
    fn refill(&mut self, cursor: &mut Cursor<'_>) -> Option<bool> {
        let came = self.get_or_insert_default().refill(cursor)?;
        if !came {
            *self = None;
        }
        Some(came)
    }

    fn renew(&mut self) {
        *self = None;
    }
}

impl Refill for Value {
    fn refill(&mut self, cursor: &mut Cursor<'_>) -> Option<bool> {
        refill_any(self, cursor)?;
        Some(!self.is_null())
    }

    fn renew(&mut self) {
        *self = Self::Null;
    }
}

impl Refill for Vec<Value> {
    fn refill(&mut self, cursor: &mut Cursor<'_>) -> Option<bool> {
        if cursor.null() {
            self.clear();
            return Some(false);
        }
        refill_list(self, cursor, MAX_LEVELS)?;
        Some(true)
    }

    fn renew(&mut self) {
        self.clear();
    }
}

impl Refill for BTreeMap<String, Value> {
    fn refill(&mut self, cursor: &mut Cursor<'_>) -> Option<bool> {
        if cursor.null() {
            self.clear();
            return Some(false);
        }
        let mut entries = Extras::new(self);
        let mut more = !cursor.open(b'{', b'}')?;
        while more {
            let key = cursor.key()?;
            entries.take(key, cursor)?;
            more = cursor.more(b'}')?;
        }
        entries.end();
        Some(true)
    }

    fn renew(&mut self) {
        self.clear();
    }
}

/// Takes a value of any shape, `null` like any other.
pub(super) fn refill_any(place: &mut Value, cursor: &mut Cursor<'_>) -> Option<()> {
    refill_levels(place, cursor, MAX_LEVELS)
}

fn refill_levels(place: &mut Value, cursor: &mut Cursor<'_>, levels: u32) -> Option<()> {
    match cursor.peek()? {
        b'"' => {
            let string = cursor.string()?;
            if let Value::String(place) = place {
                place.clear();
                place.push_str(string);
            } else {
                *place = Value::String(string.to_owned());
            }
        }
        b'[' => {
            if !place.is_array() {
                *place = Value::Array(Vec::new());
            }
            refill_list(place.as_array_mut()?, cursor, levels)?;
        }
        b'{' => *place = Value::Object(object(cursor, levels)?),
        b't' => *place = cursor.literal("true").map(|()| Value::Bool(true))?,
        b'f' => *place = cursor.literal("false").map(|()| Value::Bool(false))?,
        b'n' => *place = cursor.literal("null").map(|()| Value::Null)?,
        _ => {
            *place = Value::Number(match cursor.number()? {
                Number::Unsigned(number) => number.into(),
                Number::Signed(number) => number.into(),
                Number::Float(number) => serde_json::Number::from_f64(number)?,
            });
        }
    }
    Some(())
}

fn refill_list(list: &mut Vec<Value>, cursor: &mut Cursor<'_>, levels: u32) -> Option<()> {
    let levels = levels.checked_sub(1)?;
    let mut count = 0;
    let mut more = !cursor.open(b'[', b']')?;
    while more {
        if count == list.len() {
            list.push(Value::Null);
        }
        refill_levels(&mut list[count], cursor, levels)?;
        count += 1;
        more = cursor.more(b']')?;
    }
    list.truncate(count);
    Some(())
}

/// Of a key that comes twice the last value stays.
fn object(cursor: &mut Cursor<'_>, levels: u32) -> Option<Map<String, Value>> {
    let levels = levels.checked_sub(1)?;
    let mut object = Map::new();
    let mut more = !cursor.open(b'{', b'}')?;
    while more {
        let key = cursor.key()?.to_owned();
        let mut value = Value::Null;
        refill_levels(&mut value, cursor, levels)?;
        object.insert(key, value);
        more = cursor.more(b'}')?;
    }
    Some(object)
}
