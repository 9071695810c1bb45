//! Single values, read leniently: `null` as missing, an integer for a float and an integral float
//! for an integer. Anything else of another type is an error.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, Unexpected, Visitor};

/// A JSON string, number or bool as Rust knows it. Each setter says whether the type takes such a
/// value; the default is that it takes none.
pub(super) trait Scalar: Default {
    /// What an error says was expected.
    const EXPECTED: &'static str;

    fn set_bool(&mut self, _: bool) -> bool {
        false
    }

    fn set_u64(&mut self, _: u64) -> bool {
        false
    }

    fn set_i64(&mut self, _: i64) -> bool {
        false
    }

    fn set_f64(&mut self, _: f64) -> bool {
        false
    }

    fn set_str(&mut self, _: &str) -> bool {
        false
    }

    /// Resets it; its storage may stay.
    #[inline]
    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Scalar for bool {
    const EXPECTED: &'static str = "true, false or null";

    #[inline]
    fn set_bool(&mut self, value: bool) -> bool {
        *self = value;
        true
    }
}

impl Scalar for String {
    const EXPECTED: &'static str = "a string or null";

    #[inline]
    fn set_str(&mut self, value: &str) -> bool {
        self.clear();
        self.push_str(value);
        true
    }

    #[inline]
    fn clear(&mut self) {
        String::clear(self);
    }
}

impl Scalar for f64 {
    const EXPECTED: &'static str = "a number or null";

    #[inline]
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest float is what JSON's one number type means"
    )]
    fn set_u64(&mut self, value: u64) -> bool {
        *self = value as Self;
        true
    }

    #[inline]
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest float is what JSON's one number type means"
    )]
    fn set_i64(&mut self, value: i64) -> bool {
        *self = value as Self;
        true
    }

    #[inline]
    fn set_f64(&mut self, value: f64) -> bool {
        *self = value;
        true
    }
}

/// Stores a number if it fits the type.
#[inline]
fn put<T>(place: &mut T, number: Option<T>) -> bool {
    let is_one = number.is_some();
    if let Some(number) = number {
        *place = number;
    }
    is_one
}

macro_rules! integer {
    ($type:ty, $expected:literal) => {
        impl Scalar for $type {
            const EXPECTED: &'static str = $expected;

            #[inline]
            fn set_u64(&mut self, value: u64) -> bool {
                put(self, value.try_into().ok())
            }

            #[inline]
            fn set_i64(&mut self, value: i64) -> bool {
                put(self, value.try_into().ok())
            }

            #[inline]
            fn set_f64(&mut self, value: f64) -> bool {
                put(
                    self,
                    integral(value).and_then(|whole| whole.try_into().ok()),
                )
            }
        }
    };
}

integer!(u32, "a whole number from 0 to 2^32 - 1, or null");
integer!(i32, "a whole number from -2^31 to 2^31 - 1, or null");
integer!(i64, "a whole number from -2^63 to 2^63 - 1, or null");

/// Returns the float as a whole number, if it is one.
fn integral(value: f64) -> Option<i128> {
    /// 2^64, beyond every integer type here.
    const BOUND: f64 = 18_446_744_073_709_551_616.0;

    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and far within i128, as the condition says"
    )]
    let whole = (value.fract() == 0.0 && value.abs() < BOUND).then_some(value as i128);
    whole
}

/// Reads a [`Scalar`] into its place; for `null` gives `false` and leaves the place as it was.
pub(super) struct Lenient<'a, T>(pub(super) &'a mut T);

impl<'de, T: Scalar> DeserializeSeed<'de> for Lenient<'_, T> {
    type Value = bool;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Returns `true` if the value was set, else an error that says what was found instead.
#[inline]
fn or_unexpected<T: Scalar, E: de::Error>(set: bool, found: Unexpected<'_>) -> Result<bool, E> {
    if set {
        Ok(true)
    } else {
        Err(E::invalid_value(found, &T::EXPECTED))
    }
}

impl<'de, T: Scalar> Visitor<'de> for Lenient<'_, T> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    #[inline]
    fn visit_unit<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    #[inline]
    fn visit_none<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }

    #[inline]
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<bool, E> {
        or_unexpected::<T, E>(self.0.set_bool(value), Unexpected::Bool(value))
    }

    #[inline]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<bool, E> {
        or_unexpected::<T, E>(self.0.set_u64(value), Unexpected::Unsigned(value))
    }

    #[inline]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<bool, E> {
        or_unexpected::<T, E>(self.0.set_i64(value), Unexpected::Signed(value))
    }

    #[inline]
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<bool, E> {
        or_unexpected::<T, E>(self.0.set_f64(value), Unexpected::Float(value))
    }

    #[inline]
    fn visit_str<E: de::Error>(self, value: &str) -> Result<bool, E> {
        or_unexpected::<T, E>(self.0.set_str(value), Unexpected::Str(value))
    }
}
