//! The `x-` keys of a step.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use wstape_tape::Step;

/// Returns the value of a step's `x-` key, if the step has it.
pub(crate) fn extension<'a>(step: &'a Step, key: &str) -> Option<&'a RawValue> {
    step.extensions
        .iter()
        .find(|(other, _)| other == key)
        .map(|(_, value)| &**value)
}

/// Serialises the value of an `x-` key.
///
/// # Panics
/// Never: every value given serialises into memory.
pub(crate) fn raw(value: impl Serialize) -> Box<RawValue> {
    to_raw_value(&value).expect("it serialises into memory")
}
