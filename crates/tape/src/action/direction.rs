//! `direction`: which way a link condition holds.

use crate::json::words;

/// Which way a link condition holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// `"both"`, the default.
    #[default]
    Both,
    /// `"to_client"`.
    ToClient,
    /// `"from_client"`.
    FromClient,
}

words!(Direction {
    Both = "both",
    ToClient = "to_client",
    FromClient = "from_client",
});
