//! What any subscriber may record about its own connection.

use serde::Serialize;

use crate::connection::ConnectionRecord;

/// What any subscriber may record about its own connection. What it doesn't record is `None`, and
/// is not judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Whether it is connected: from the engine's 101 to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// How often it has dialled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// How many messages it could not decode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<u64>,
}

impl From<ConnectionRecord> for Told {
    fn from(record: ConnectionRecord) -> Self {
        Self {
            connected: Some(record.ws_connected),
            attempts: Some(record.total_attempts),
            undecodable: Some(record.undecodable),
        }
    }
}
