//! A model that a subject brings: what its mirror must show, as a fold of messages.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// What a subject's mirror must show: JSON that starts as something, and a function that takes a
/// message in. It should be written from what the feed says of itself, not from the subscriber's
/// code: two programs that agree must mean something.
///
/// ```
/// use serde_json::{Value, json};
/// use wstape_oracle::Fold;
///
/// /// `{"symbol":"BTC","price":1.5}`: the newest price of each symbol.
/// fn newest(mirror: &mut Value, message: &str) -> bool {
///     let Ok(price) = serde_json::from_str::<Value>(message) else {
///         return false;
///     };
///     let (Some(symbol), Some(value)) = (price["symbol"].as_str(), price["price"].as_f64()) else {
///         return false;
///     };
///     mirror[symbol] = json!(value);
///     true
/// }
///
/// let mut model = Fold::new(json!({}), newest);
/// assert!(model.take(r#"{"symbol":"BTC","price":1.5}"#));
/// assert!(!model.take("hello"));
/// assert_eq!(model.mirror(), &json!({"BTC": 1.5}));
/// ```
#[derive(Clone)]
pub struct Fold {
    mirror: Value,
    fold: Arc<FoldFn>,
    is_text_alone: bool,
}

/// Takes a message in; whether it is one that the subscriber decodes.
type FoldFn = dyn Fn(&mut Value, &str) -> bool + Send + Sync;

impl Fold {
    /// A mirror that starts as `empty`. `fold` takes a message of text in, or one of bytes that are
    /// UTF-8, and says whether the subscriber is to decode it: one that it does not counts as
    /// undecodable, where the subscriber counts those.
    #[must_use]
    pub fn new(
        empty: Value,
        fold: impl Fn(&mut Value, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            mirror: empty,
            fold: Arc::new(fold),
            is_text_alone: false,
        }
    }

    /// The model of a subscriber that reads messages of text alone: one of bytes is none that it
    /// decodes, whatever it holds, and `fold` is not asked.
    ///
    /// ```
    /// use serde_json::json;
    /// use wstape_oracle::Fold;
    ///
    /// let model = Fold::new(json!(""), |mirror, message| {
    ///     *mirror = json!(message);
    ///     true
    /// });
    /// assert!(model.clone().take_bytes(b"hello"));
    /// assert!(!model.text_alone().take_bytes(b"hello"));
    /// ```
    #[must_use]
    pub fn text_alone(mut self) -> Self {
        self.is_text_alone = true;
        self
    }

    /// Takes a message of bytes in: one that holds text, unless the subscriber reads none of those.
    pub fn take_bytes(&mut self, message: &[u8]) -> bool {
        self.text_in(message).is_some_and(|text| self.take(text))
    }

    /// The text in a message of bytes, where the subscriber reads it.
    pub(crate) fn text_in<'m>(&self, message: &'m [u8]) -> Option<&'m str> {
        std::str::from_utf8(message)
            .ok()
            .filter(|_| !self.is_text_alone)
    }

    /// Takes a message in.
    pub fn take(&mut self, message: &str) -> bool {
        (self.fold)(&mut self.mirror, message)
    }

    /// The mirror as it must show by now.
    #[must_use]
    pub fn mirror(&self) -> &Value {
        &self.mirror
    }
}

impl fmt::Debug for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold")
            .field("mirror", &self.mirror)
            .finish_non_exhaustive()
    }
}
