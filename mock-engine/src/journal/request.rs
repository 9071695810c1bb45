//! What a client asked for when it connected, as far as a journal keeps it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wstape_wire::http1::Request;

/// The longest request target that a journal keeps, in bytes.
pub const MAX_TARGET_BYTES: usize = 4 << 10;

/// The most bytes that a journal keeps of the names and values of a request's headers.
pub const MAX_HEADERS_BYTES: usize = 16 << 10;

/// The longest method that a journal keeps, in bytes.
const MAX_METHOD_BYTES: usize = 32;

/// The head of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestHead {
    /// The method.
    pub method: String,
    /// Path and query, as the client sent them; at most [`MAX_TARGET_BYTES`].
    pub target: String,
    /// Headers in order, with names in lower case; at most [`MAX_HEADERS_BYTES`] of them. Bytes
    /// that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// Whether any part was too long to keep.
    pub cut: bool,
}

impl RequestHead {
    /// The head of a request, cut to what a journal keeps.
    pub(crate) fn of<T>(request: &http::Request<T>) -> Self {
        let target = request.uri().path_and_query();
        let target = target.map_or(request.uri().path(), |target| target.as_str());
        let headers = request.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str(), value)
        });
        Self::made(request.method().as_str(), target, headers)
    }

    /// The head of a request that was read from a stream.
    pub(crate) fn of_stream(request: &Request) -> Self {
        let headers = request.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str())));
        Self::made(&request.method, &request.path, headers)
    }

    fn made<'a>(
        method: &str,
        target: &str,
        headers: impl Iterator<Item = (&'a str, Cow<'a, str>)>,
    ) -> Self {
        let mut head = Self {
            method: cut(method, MAX_METHOD_BYTES).to_owned(),
            target: cut(target, MAX_TARGET_BYTES).to_owned(),
            ..Self::default()
        };
        head.cut = head.target.len() < target.len();
        let mut left = MAX_HEADERS_BYTES;
        for (name, value) in headers {
            let Some(rest) = left.checked_sub(name.len() + value.len()) else {
                head.cut = true;
                break;
            };
            left = rest;
            head.headers.push((name.to_owned(), value.into_owned()));
        }
        head
    }

    /// The value of the first header with this name, which must be in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }

    /// The subprotocols that it offers, in order.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        let offers = |(name, _): &&(String, String)| name == "sec-websocket-protocol";
        let lists = self.headers.iter().filter(offers);
        lists.flat_map(|(_, list)| list.split(',').map(str::trim))
    }

    /// Whether it asks for a WebSocket.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        self.header("upgrade")
            .is_some_and(|to| to.eq_ignore_ascii_case("websocket"))
    }

    /// Roughly what it takes in memory, in bytes.
    pub(super) fn len(&self) -> usize {
        let header = |(name, value): &(String, String)| name.len() + value.len() + 6;
        self.target.len() + self.headers.iter().map(header).sum::<usize>()
    }
}

fn cut(text: &str, max_bytes: usize) -> &str {
    let mut end = text.len().min(max_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Headers as a journal writes them: `{name: value}`, with a list of values for a repeated name.
#[derive(Debug, Default)]
pub(super) struct HeaderMap(pub(super) Vec<(String, String)>);

impl Serialize for HeaderMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (at, (name, value)) in self.0.iter().enumerate() {
            if self.0[..at].iter().any(|(before, _)| before == name) {
                continue;
            }
            let same = self.0.iter().filter(|(other, _)| other == name);
            let values: Vec<&String> = same.map(|(_, value)| value).collect();
            match &values[..] {
                [_] => map.serialize_entry(name, value)?,
                _ => map.serialize_entry(name, &values)?,
            }
        }
        map.end()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl<'de> Deserialize<'de> for HeaderMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = HeaderMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of header names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HeaderMap, A::Error> {
                let mut headers = Vec::new();
                while let Some((name, values)) = map.next_entry::<String, Values>()? {
                    match values {
                        Values::One(value) => headers.push((name, value)),
                        Values::Many(values) => {
                            headers.extend(values.into_iter().map(|value| (name.clone(), value)));
                        }
                    }
                }
                Ok(HeaderMap(headers))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
