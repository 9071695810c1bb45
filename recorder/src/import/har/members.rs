//! The members of an archive's objects, as unparsed JSON. What is of another type than expected is
//! an error only for an entry that needs it, and what other writers plainly mean is read.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use wstape_tape::Micros;

use super::place::Place;
use crate::error::import::{ImportError, quoted};
use crate::import::wall::span_of_ms;

/// An object's members of some names: `None` for one that it lacks, or that is null.
pub(super) type Members<'a, const N: usize> = [Option<&'a RawValue>; N];

/// The members of these names; of several with one name it is the last, as for most readers of JSON.
/// `None` if the value is no object.
pub(super) fn members<'a, const N: usize>(
    value: &'a RawValue,
    names: [&str; N],
) -> Option<Members<'a, N>> {
    let mut text = serde_json::Deserializer::from_str(value.get());
    text.deserialize_map(Object(names)).ok()
}

/// The members of a part that may be missing, and then has none.
pub(super) fn part<'a, const N: usize>(
    value: Option<&'a RawValue>,
    names: [&str; N],
) -> Option<Members<'a, N>> {
    value.map_or(Some([None; N]), |value| members(value, names))
}

/// What a string says, or a number as it is written.
pub(super) fn scalar(value: &RawValue) -> Option<String> {
    let written = value.get();
    if written.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Some(written.to_owned());
    }
    serde_json::from_str(written).ok()
}

/// A whole number as most write it, as a string (`"101"`), or as languages do that know only floats
/// (`101.0`).
pub(super) fn whole<N: std::str::FromStr>(value: &RawValue) -> Option<N> {
    let text = scalar(value)?;
    let text = text.trim();
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

impl Place {
    /// The members of a part of the entry, such as `.request`.
    pub(super) fn part<'a, const N: usize>(
        &self,
        name: &str,
        value: Option<&'a RawValue>,
        names: [&str; N],
    ) -> Result<Members<'a, N>, ImportError> {
        part(value, names).ok_or_else(|| self.other(name, "an object", value))
    }

    /// The text of a member.
    pub(super) fn text(
        &self,
        name: &str,
        value: Option<&RawValue>,
    ) -> Result<Option<String>, ImportError> {
        let text = |value: &RawValue| serde_json::from_str(value.get());
        let text = value.map(text).transpose();
        text.map_err(|_| self.other(name, "a text", value))
    }

    /// A member's span of milliseconds; `None` for a number that is no span, such as the -1 of what
    /// was not measured.
    pub(super) fn span(
        &self,
        name: &str,
        value: Option<&RawValue>,
    ) -> Result<Option<Micros>, ImportError> {
        let Some(value) = value else { return Ok(None) };
        let text = scalar(value).filter(|text| text.parse::<f64>().is_ok());
        let text = text.ok_or_else(|| self.other(name, "milliseconds", Some(value)))?;
        Ok(span_of_ms(&text))
    }

    /// The flaw of a member that is something else than expected.
    pub(super) fn other(
        &self,
        name: &str,
        expected: &str,
        found: Option<&RawValue>,
    ) -> ImportError {
        let found = found.map_or_else(
            || "none".to_owned(),
            |found| quoted(&scalar(found).unwrap_or_else(|| found.get().to_owned())),
        );
        self.flaw(name, format!("expected {expected}, found {found}"))
    }
}

/// Reads an object and keeps the members of these names.
struct Object<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for Object<'_, N> {
    type Value = Members<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = [None; N];
        while let Some(which) = map.next_key_seed(Which(&self.0))? {
            match which {
                Some(which) => members[which] = map.next_value()?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(members)
    }
}

/// Finds which of these names a key is. Keys are taken as bytes, because not all that JSON allows in
/// them is Unicode.
struct Which<'n>(&'n [&'n str]);

impl<'de> DeserializeSeed<'de> for Which<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Which<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: serde::de::Error>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| name.as_bytes() == key))
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        self.visit_bytes(key.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_members_of_these_names_are_kept_and_of_one_that_is_there_twice_the_last() {
        let object = raw(r#"{"a":1,"\ud800":"\udfff","b":null,"c":1e999,"a":[2],"\u0064":"d"}"#);
        let found = members(object, ["a", "b", "c", "d", "e"]).unwrap();
        let found = found.map(|value| value.map(RawValue::get));
        assert_eq!(
            found,
            [Some("[2]"), None, Some("1e999"), Some("\"d\""), None]
        );
        for other in ["[]", "7", "\"a\"", "null", "1e999"] {
            assert_eq!(members(raw(other), ["a"]).map(|_| ()), None, "{other}");
        }
    }

    #[test]
    fn a_whole_number_may_be_written_as_a_string_or_a_float() {
        for text in ["101", "\"101\"", "101.0", "\" 101 \""] {
            assert_eq!(whole(raw(text)), Some(101_u16), "{text}");
        }
        for text in ["101.5", "\"\"", "true", "{}", "1e999", "-1"] {
            assert_eq!(whole::<u16>(raw(text)), None, "{text}");
        }
    }
}
