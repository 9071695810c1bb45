//! The proxy's steps: each for one connection, with keys of their own.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use wstape_tape::{Action, Conn, Micros, Step};

/// Where a connection's steps go, in order.
pub(crate) trait Steps {
    /// The next one.
    fn push(&mut self, step: Step);

    /// The next one is an engine's whole text message between braces, a slice of `of`: most of what
    /// feeds send, so that a consumer that writes it at once needs no step for it.
    fn message(&mut self, conn: u64, at: Micros, message: &[u8], of: &Bytes) {
        self.push(conn_step(conn, at, Action::Emit(of.slice_ref(message))));
    }
}

impl Steps for Vec<Step> {
    fn push(&mut self, step: Step) {
        Vec::push(self, step);
    }
}

/// A step for one connection.
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
