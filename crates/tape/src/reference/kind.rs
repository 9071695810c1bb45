//! What a reference can refer to.

use std::fmt;

use crate::json::shortened;
use crate::pointer::{is_pointer_token, pointer_key, pointer_token};

/// The words that are references by themselves.
const WORDS: [(&str, Reference); 7] = [
    ("now", Reference::Now),
    ("now_ms", Reference::NowMs),
    ("date", Reference::Date(0)),
    ("count", Reference::Count),
    ("conn", Reference::Conn),
    ("url", Reference::Url(None)),
    ("path", Reference::Path),
];

/// What `${…}` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `${/params/0}`: a value of the message that set the step off (a JSON pointer, RFC 6901), as
    /// its keys. In a scene, of the message that started it.
    Pointer(Vec<String>),
    /// `${name}`: a named group of the step's regular expression.
    Group(String),
    /// `${now}`: the time, RFC 3339 in UTC with microseconds.
    Now,
    /// `${now_ms}`: the time in milliseconds since 1970.
    NowMs,
    /// `${date}`: the time in HTTP's format (RFC 9110, 5.6.7), in whole seconds; `${date:5}`: that
    /// many seconds later.
    Date(u32),
    /// `${count}`: how often the step has happened on this connection, this time included.
    Count,
    /// `${conn}`: the connection's number in the journal.
    Conn,
    /// `${url}`: this engine's URL; `${url:NAME}`: that of the engine of that name.
    Url(Option<String>),
    /// `${path}`: the path that the connection asked for, without its query.
    Path,
    /// `${query:NAME}`: a parameter of the query that the connection asked with.
    Query(String),
    /// `${query:NAME/0}`: the first of such a parameter's parts, separated by `/`. A scene whose
    /// name refers to a missing part is not started.
    QueryPart(String, usize),
}

/// What is wrong with a reference, and where in its string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadReference {
    /// Offset in bytes.
    pub(crate) at: usize,
    /// How many bytes it covers.
    pub(crate) len: usize,
    pub(crate) message: String,
}

impl Reference {
    /// Reads the text between the braces; the error is a sentence.
    pub(super) fn parse(body: &str) -> Result<Self, String> {
        if let Some(pointer) = body.strip_prefix('/') {
            return pointer
                .split('/')
                .map(key)
                .collect::<Result<_, _>>()
                .map(Self::Pointer);
        }
        if let Some((_, word)) = WORDS.iter().find(|(word, _)| *word == body) {
            return Ok(word.clone());
        }
        match body.split_once(':') {
            Some(("url", name)) if !name.is_empty() => Ok(Self::Url(Some(name.to_owned()))),
            Some(("date", later)) if later.bytes().all(|b| b.is_ascii_digit()) => {
                let seconds = later.parse().map(Self::Date);
                seconds
                    .map_err(|_| format!("${{date:…}} takes whole seconds from 0 to {}", u32::MAX))
            }
            Some(("query", name)) if !name.is_empty() => Ok(query(name)),
            None if is_name(body) => Ok(Self::Group(body.to_owned())),
            _ => {
                let body = shortened(body);
                let why = "refers to nothing; to send it literally, write";
                Err(format!("${{{body}}} {why} $${{{body}}}"))
            }
        }
    }

    /// Whether it looks into a message.
    #[must_use]
    pub fn is_of_message(&self) -> bool {
        matches!(self, Self::Pointer(_) | Self::Group(_))
    }

    /// Whether it differs from connection to connection.
    #[must_use]
    pub fn is_of_connection(&self) -> bool {
        matches!(
            self,
            Self::Conn | Self::Path | Self::Query(_) | Self::QueryPart(..)
        )
    }

    /// The words that a misspelt name may have been meant for.
    pub(crate) fn words() -> impl Iterator<Item = &'static str> {
        WORDS.iter().map(|(word, _)| *word)
    }
}

impl fmt::Display for Reference {
    /// As a tape writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(keys) => {
                f.write_str("${")?;
                for key in keys {
                    write!(f, "/{}", pointer_token(key))?;
                }
                f.write_str("}")
            }
            Self::Group(name) => write!(f, "${{{name}}}"),
            Self::Now => f.write_str("${now}"),
            Self::NowMs => f.write_str("${now_ms}"),
            Self::Date(0) => f.write_str("${date}"),
            Self::Date(later) => write!(f, "${{date:{later}}}"),
            Self::Count => f.write_str("${count}"),
            Self::Conn => f.write_str("${conn}"),
            Self::Url(None) => f.write_str("${url}"),
            Self::Url(Some(name)) => write!(f, "${{url:{name}}}"),
            Self::Path => f.write_str("${path}"),
            Self::Query(name) => write!(f, "${{query:{name}}}"),
            Self::QueryPart(name, nth) => write!(f, "${{query:{name}/{nth}}}"),
        }
    }
}

/// Makes a reference to a parameter of a query, or to a part of one.
fn query(name: &str) -> Reference {
    let part = name.rsplit_once('/').and_then(|(name, nth)| {
        let nth = nth.parse().ok().filter(|_| !name.is_empty())?;
        Some(Reference::QueryPart(name.to_owned(), nth))
    });
    part.unwrap_or_else(|| Reference::Query(name.to_owned()))
}

/// A key of a pointer, unescaped (RFC 6901, 3).
fn key(token: &str) -> Result<String, String> {
    if is_pointer_token(token) {
        Ok(pointer_key(token))
    } else {
        Err("in a JSON pointer \"~\" is written ~0, and \"/\" ~1".to_owned())
    }
}

/// Whether a text can be the name of a group of a regular expression.
fn is_name(text: &str) -> bool {
    let first = |c: char| c.is_alphabetic() || c == '_';
    text.starts_with(first) && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}
