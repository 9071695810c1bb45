//! Steps as the proxy makes them: of one connection, and with keys of their own.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use wstape_tape::{Action, Conn, Micros, Step};

/// A step of one connection.
pub(super) fn conn_step(conn: u64, at: Micros, action: Action) -> Step {
    let mut step = Step::at(at, action);
    step.conn = Conn::Nth(conn);
    step
}

/// A key of a step that players don't read.
pub(super) fn extension(key: &str, value: &impl Serialize) -> (String, Box<RawValue>) {
    let value = to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned());
    (key.to_owned(), value)
}
