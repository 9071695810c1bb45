//! The newest price of each symbol, shared with whoever shows them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

/// A message of the feed: `{"symbol":"BTC","price":64123.5}`.
#[derive(Deserialize)]
struct Price {
    symbol: String,
    price: f64,
}

/// The newest price of each symbol.
#[derive(Debug, Clone, Default)]
pub struct Prices(Arc<Mutex<BTreeMap<String, f64>>>);

impl Prices {
    /// Takes in a message; one that is not a price changes nothing.
    pub fn fold(&self, text: &str) {
        if let Ok(Price { symbol, price }) = serde_json::from_str(text) {
            let mut prices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            prices.insert(symbol, price);
        }
    }

    /// Returns the prices as they are now.
    #[must_use]
    pub fn newest(&self) -> BTreeMap<String, f64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
