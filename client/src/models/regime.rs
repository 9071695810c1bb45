//! The market regime.

use std::collections::BTreeMap;

use serde_json::Value;

/// The regime that the engine takes a coin, or the whole market, to be in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Regime {
    /// Its name, such as `TREND_LONG` or `CHOP`.
    pub regime: Option<String>,
    /// How sure the engine is of it, on the engine's own scale.
    pub confidence: Option<f64>,
    /// The coin it is about; `None` for the whole market.
    pub coin: Option<String>,
    /// Keys that no field here is named after.
    pub extra: BTreeMap<String, Value>,
}

object!(Regime, "a regime object", { regime, confidence, coin }, extra: extra);
