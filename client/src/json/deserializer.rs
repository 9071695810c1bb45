//! A serde deserializer over a cursor.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Cursor;
use super::number::Number;

/// The text is not ordinary JSON, or not what was asked for. `serde_json` finds out which, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GaveUp;

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not of the ordinary kind")
    }
}

impl std::error::Error for GaveUp {}

impl de::Error for GaveUp {
    #[cold]
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    // The default constructors would first format what was expected.
    #[cold]
    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self
    }

    #[cold]
    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for &mut Cursor<'de> {
    type Error = GaveUp;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        match self.peek().ok_or(GaveUp)? {
            b'"' => self.deserialize_str(visitor),
            b'{' => self.deserialize_map(visitor),
            b'[' => {
                let levels = self.levels();
                let value = visitor.visit_seq(Elements::open(self, b'[', b']')?)?;
                self.back_at(levels, value)
            }
            b't' => {
                self.literal("true").ok_or(GaveUp)?;
                visitor.visit_bool(true)
            }
            b'f' => {
                self.literal("false").ok_or(GaveUp)?;
                visitor.visit_bool(false)
            }
            b'n' => {
                self.literal("null").ok_or(GaveUp)?;
                visitor.visit_unit()
            }
            _ => match self.number().ok_or(GaveUp)? {
                Number::Unsigned(number) => visitor.visit_u64(number),
                Number::Signed(number) => visitor.visit_i64(number),
                Number::Float(number) => visitor.visit_f64(number),
            },
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        visitor.visit_borrowed_str(self.string().ok_or(GaveUp)?)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        let levels = self.levels();
        let value = visitor.visit_map(Elements::open(self, b'{', b'}')?)?;
        self.back_at(levels, value)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        if self.null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.skip().ok_or(GaveUp)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct struct enum identifier
    }
}

impl Cursor<'_> {
    /// Returns `value` if all that was opened since is closed again, which means that it was read
    /// to its end.
    #[inline]
    fn back_at<T>(&self, levels: u32, value: T) -> Result<T, GaveUp> {
        if self.levels() == levels {
            Ok(value)
        } else {
            Err(GaveUp)
        }
    }
}

/// The elements of a list, or the members of an object, that are still to come.
struct Elements<'c, 'de> {
    cursor: &'c mut Cursor<'de>,
    closing: u8,
    more: bool,
}

impl<'c, 'de> Elements<'c, 'de> {
    #[inline]
    fn open(cursor: &'c mut Cursor<'de>, opening: u8, closing: u8) -> Result<Self, GaveUp> {
        let more = cursor.open(opening, closing).ok_or(GaveUp)?;
        Ok(Self {
            cursor,
            closing,
            more,
        })
    }

    /// Reads the element that comes next.
    #[inline]
    fn element<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, GaveUp> {
        let value = seed.deserialize(&mut *self.cursor)?;
        self.more = self.cursor.more(self.closing).ok_or(GaveUp)?;
        Ok(value)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, GaveUp> {
        if self.more {
            self.element(seed).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, GaveUp> {
        if !self.more {
            return Ok(None);
        }
        seed.deserialize(NextKey(self.cursor)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, GaveUp> {
        self.element(seed)
    }
}

/// Deserializes the key that comes next. The name of a newtype that is asked for is a guess at the
/// key as it is written, `"key":`; a right guess is answered with a unit.
struct NextKey<'c, 'de>(&'c mut Cursor<'de>);

impl<'de> Deserializer<'de> for NextKey<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        visitor.visit_borrowed_str(self.0.key().ok_or(GaveUp)?)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        likely: &'static str,
        visitor: V,
    ) -> Result<V::Value, GaveUp> {
        if !likely.is_empty() && self.0.guessed_key(likely) {
            visitor.visit_unit()
        } else {
            self.deserialize_any(visitor)
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
