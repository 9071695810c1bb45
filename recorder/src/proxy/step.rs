//! The steps of the proxy: each is on one connection, and may have keys of the proxy's own.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use wstape_tape::{Action, Conn, Micros, Step};

/// Takes the steps of a connection, in order.
pub(crate) trait Steps {
    /// Takes the next step.
    fn push(&mut self, step: Step);

    /// Takes an engine's whole text message that begins and ends with a brace, a slice of `of`.
    /// Most messages of feeds are like that: an implementation that writes them at once need not
    /// make a step of each.
    fn message(&mut self, conn: u64, at: Micros, message: &[u8], of: &Bytes) {
        self.push(conn_step(conn, at, Action::Emit(of.slice_ref(message))));
    }
}

impl Steps for Vec<Step> {
    fn push(&mut self, step: Step) {
        Vec::push(self, step);
    }
}

/// A step on one connection.
pub(super) fn conn_step(conn: u64, at: Micros, action: Action) -> Step {
    let mut step = Step::at(at, action);
    step.conn = Conn::Nth(conn);
    step
}

/// A key of a step that engines ignore when they play the tape.
pub(super) fn extension(key: &str, value: &impl Serialize) -> (String, Box<RawValue>) {
    let value = to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned());
    (key.to_owned(), value)
}
