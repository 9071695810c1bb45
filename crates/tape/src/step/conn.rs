//! Which connections a step with a time is for.

use crate::error::Flaw;
use crate::json::Field;

/// Which connections an `at_ms` step is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Conn {
    /// All that are open, and for states those to come.
    #[default]
    All,
    /// The one with this number, from 1.
    Nth(u64),
}

/// Reads `conn`.
pub(super) fn read_conn(field: &Field<'_>) -> Result<Conn, Flaw> {
    match field.value.text {
        "\"all\"" => Ok(Conn::All),
        _ => field
            .whole(1..=u64::MAX)
            .map(Conn::Nth)
            .map_err(|_| field.wrong("\"all\" or the number of a connection, from 1")),
    }
}
