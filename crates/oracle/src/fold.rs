//! A subject's own model: what its mirror must show, as a fold of messages.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// What a subject's mirror must show: a JSON value to start from and a function that takes in a
/// message. Write it from what the feed says about itself, not from the subscriber's code: two
/// programs that agree must mean something.
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
    take_in: Arc<FoldFn>,
    is_text_alone: bool,
}

/// Takes in a message; returns whether the subscriber decodes it.
type FoldFn = dyn Fn(&mut Value, &str) -> bool + Send + Sync;

impl Fold {
    /// A mirror that starts as `empty`. `fold` takes in a text message, or a binary one that is
    /// UTF-8, and returns whether the subscriber should decode it. One that it should not counts as
    /// undecodable, if the subscriber counts those.
    #[must_use]
    pub fn new(
        empty: Value,
        fold: impl Fn(&mut Value, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            mirror: empty,
            take_in: Arc::new(fold),
            is_text_alone: false,
        }
    }

    /// The model of a subscriber that reads text messages only: a binary message is one that it
    /// does not decode, whatever it holds, and `fold` is not asked.
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

    /// Takes in a binary message; returns whether the subscriber decodes it.
    pub fn take_bytes(&mut self, message: &[u8]) -> bool {
        self.text_in(message).is_some_and(|text| self.take(text))
    }

    /// The text in a binary message, if the subscriber reads those.
    pub(crate) fn text_in<'m>(&self, message: &'m [u8]) -> Option<&'m str> {
        std::str::from_utf8(message)
            .ok()
            .filter(|_| !self.is_text_alone)
    }

    /// Takes in a message.
    pub fn take(&mut self, message: &str) -> bool {
        (self.take_in)(&mut self.mirror, message)
    }

    /// The mirror as it must be now.
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
