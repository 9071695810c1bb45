//! Finds a value in a message, so that it can be changed with every other byte left as it was.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use wstape_tape::pointer_key;

/// A JSON Pointer (RFC 6901), as its keys.
#[derive(Debug, Clone)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    /// Parses a pointer: empty, or beginning with `/`; a missing first `/` is added.
    pub(crate) fn new(text: &str) -> Self {
        let keys = text.strip_prefix('/').unwrap_or(text).split('/');
        let keys = keys.map(pointer_key);
        Self(if text.is_empty() {
            Vec::new()
        } else {
            keys.collect()
        })
    }

    /// Where in the message the value is; `None` if there is no such value, or the message is not
    /// JSON.
    pub(crate) fn find(&self, json: &Bytes) -> Option<Range<usize>> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let raw = Find(&self.0).deserialize(&mut deserializer).ok()??;
        deserializer.end().ok()?;
        // The raw value is borrowed from the message.
        let start = raw.get().as_ptr() as usize - json.as_ptr() as usize;
        Some(start..start + raw.get().len())
    }
}

/// Finds the value at these keys. Of members with the same name the last counts, as for most
/// readers.
struct Find<'k>(&'k [String]);

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            serde::Deserialize::deserialize(deserializer).map(Some)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.0[0] {
                found = map.next_value_seed(Find(&self.0[1..]))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let index = index(&self.0[0]);
        let mut found = None;
        for n in 0.. {
            if Some(n) == index {
                match seq.next_element_seed(Find(&self.0[1..]))? {
                    Some(element) => found = element,
                    None => break,
                }
            } else if seq.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// The index of an element, as RFC 6901 writes it: no sign, no leading zero.
fn index(key: &str) -> Option<usize> {
    let is_plain = key == "0" || key.starts_with(|first: char| ('1'..='9').contains(&first));
    key.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_where_it_stands_and_nowhere_else() {
        let json = Bytes::from_static(br#"{ "a/b" : [ 1, {"T": "x"} ], "n" : null, "T":[7 , 8] }"#);
        let table = [
            ("/a~1b/1/T", Some(r#""x""#)),
            ("/T", Some("[7 , 8]")),
            ("/T/1", Some("8")),
            ("/T/2", None),
            ("/T/x", None),
            ("/T/01", None),
            ("/T/+1", None),
            (
                "",
                Some(r#"{ "a/b" : [ 1, {"T": "x"} ], "n" : null, "T":[7 , 8] }"#),
            ),
            ("T/0", Some("7")),
            ("/n", Some("null")),
            ("/n/x", None),
            ("/a", None),
        ];
        for (pointer, expected) in table {
            let found = Pointer::new(pointer).find(&json);
            let found = found.map(|at| std::str::from_utf8(&json[at]).expect("UTF-8"));
            assert_eq!(found, expected, "{pointer}");
        }
        for text in ["", "{\"T\":1", "{\"T\":1} x", "T"] {
            let json = Bytes::copy_from_slice(text.as_bytes());
            assert_eq!(Pointer::new("/T").find(&json), None, "{text}");
        }
    }
}
