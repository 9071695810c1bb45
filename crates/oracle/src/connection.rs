//! What a subscriber records about its own connection.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::end_reason::EndReason;

/// A subscriber's own record of its connection at the time of a look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ConnectionRecord {
    /// Whether the WebSocket is up: from the end of the handshake to the end of the connection.
    pub ws_connected: bool,
    /// Dials since the last one that succeeded; 0 while connected.
    pub reconnect_count: u32,
    /// The number of dials ever made.
    pub total_attempts: u64,
    /// When the latest dial started.
    pub last_reconnect_at: Option<DateTime<Utc>>,
    /// When the latest handshake succeeded.
    pub connected_at: Option<DateTime<Utc>>,
    /// When the latest whole frame came in.
    pub last_frame_at: Option<DateTime<Utc>>,
    /// When the latest event came in.
    pub last_event_at: Option<DateTime<Utc>>,
    /// When the latest Pong came in that answers one of the subscriber's Pings.
    pub last_pong_at: Option<DateTime<Utc>>,
    /// Why the latest connection, or attempt at one, ended.
    pub last_end: Option<EndReason>,
    /// When it ended.
    pub last_end_at: Option<DateTime<Utc>>,
    /// HTTP status of the latest refused handshake; `None` once connected.
    pub refused_status: Option<u16>,
    /// Messages dropped because they are not events at all.
    pub undecodable: u64,
    /// Events of a known kind whose payload was not a reading of that kind.
    pub failed_payloads: u64,
}
