//! Single values, read leniently: `null` as missing, an integer for a float and an integral float for an
//! integer. Anything else of another type is an error.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, Unexpected, Visitor};

/// A JSON string, number or bool as Rust knows it. Each conversion gives `None` where the type doesn't take
/// such a value; the default is that it takes none.
pub(crate) trait Scalar: Sized {
    /// What an error says was expected.
    const EXPECTED: &'static str;

    fn from_bool(_: bool) -> Option<Self> {
        None
    }

    fn from_u64(_: u64) -> Option<Self> {
        None
    }

    fn from_i64(_: i64) -> Option<Self> {
        None
    }

    fn from_f64(_: f64) -> Option<Self> {
        None
    }

    fn from_str(_: &str) -> Option<Self> {
        None
    }
}

impl Scalar for bool {
    const EXPECTED: &'static str = "true, false or null";

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl Scalar for String {
    const EXPECTED: &'static str = "a string or null";

    fn from_str(value: &str) -> Option<Self> {
        Some(value.to_owned())
    }
}

impl Scalar for f64 {
    const EXPECTED: &'static str = "a number or null";

    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest float is what JSON's one number type means"
    )]
    fn from_u64(value: u64) -> Option<Self> {
        Some(value as Self)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest float is what JSON's one number type means"
    )]
    fn from_i64(value: i64) -> Option<Self> {
        Some(value as Self)
    }

    fn from_f64(value: f64) -> Option<Self> {
        Some(value)
    }
}

macro_rules! integer {
    ($type:ty, $expected:literal) => {
        impl Scalar for $type {
            const EXPECTED: &'static str = $expected;

            fn from_u64(value: u64) -> Option<Self> {
                value.try_into().ok()
            }

            fn from_i64(value: i64) -> Option<Self> {
                value.try_into().ok()
            }

            fn from_f64(value: f64) -> Option<Self> {
                integral(value)?.try_into().ok()
            }
        }
    };
}

integer!(u32, "a whole number from 0 to 2^32 - 1, or null");
integer!(i32, "a whole number from -2^31 to 2^31 - 1, or null");
integer!(i64, "a whole number from -2^63 to 2^63 - 1, or null");

/// The whole number that a float is, if it is one.
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

/// Reads a [`Scalar`]; `None` is `null`.
pub(super) struct Lenient<T>(PhantomData<T>);

impl<T> Lenient<T> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Scalar> Lenient<T> {
    fn or_unexpected<E: de::Error>(
        self,
        value: Option<T>,
        found: Unexpected<'_>,
    ) -> Result<Option<T>, E> {
        match value {
            Some(_) => Ok(value),
            None => Err(E::invalid_value(found, &self)),
        }
    }
}

impl<'de, T: Scalar> DeserializeSeed<'de> for Lenient<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Scalar> Visitor<'de> for Lenient<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_none<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Option<T>, E> {
        self.or_unexpected(T::from_bool(value), Unexpected::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Option<T>, E> {
        self.or_unexpected(T::from_u64(value), Unexpected::Unsigned(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Option<T>, E> {
        self.or_unexpected(T::from_i64(value), Unexpected::Signed(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Option<T>, E> {
        self.or_unexpected(T::from_f64(value), Unexpected::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Option<T>, E> {
        self.or_unexpected(T::from_str(value), Unexpected::Str(value))
    }
}
