//! JSON Pointers (RFC 6901) to a message's kind and time, for feeds that do not call them `event`
//! and `ts`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use wstape_tape::pointer_key;

/// A valid JSON Pointer: empty, or beginning with `/`.
///
/// ```
/// use serde_json::json;
/// use wstape_recorder::Pointer;
///
/// let kind: Pointer = "/data/e".parse()?;
/// assert_eq!(kind.find(&json!({"data":{"e":"trade"}})), Some(&json!("trade")));
/// assert!("op".parse::<Pointer>().unwrap_err().to_string().contains("did you mean \"/op\"?"));
/// # Ok::<(), wstape_recorder::NoPointer>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(String);

/// A text that is not a JSON Pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no JSON Pointer: did you mean \"/{0}\"?")]
pub struct NoPointer(String);

impl FromStr for Pointer {
    type Err = NoPointer;

    fn from_str(text: &str) -> Result<Self, NoPointer> {
        if text.is_empty() || text.starts_with('/') {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoPointer(text.to_owned()))
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pointer {
    /// The value it points to.
    #[must_use]
    pub fn find<'a>(&self, message: &'a Value) -> Option<&'a Value> {
        message.pointer(&self.0)
    }

    /// Removes the member it points to.
    pub(crate) fn take_out(&self, message: &mut Value) {
        let Some((parent, key)) = self.0.rsplit_once('/') else {
            return;
        };
        let key = pointer_key(key);
        if let Some(Value::Object(members)) = message.pointer_mut(parent) {
            members.remove(&key);
        }
    }

    /// The kind it points to, as a word: a string as is, a number or Boolean as JSON.
    pub(crate) fn kind(&self, message: &Value) -> Option<String> {
        match self.find(message)? {
            Value::String(text) => Some(text.clone()),
            value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
            _ => None,
        }
    }
}
