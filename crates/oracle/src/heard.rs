//! What a receiver of a subscriber's events heard.

use chrono::{DateTime, Utc};

use crate::field::Field;

/// What a receiver heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A heartbeat with this time.
    Heartbeat(DateTime<Utc>),
    /// A reading of one kind: its payload's JSON text, normalised as [`model`](crate::model) does.
    Reading(Field, String),
    /// An event with another name, or whose payload was not a reading of its kind.
    Unknown {
        /// Its name.
        event: String,
        /// Its time.
        ts: DateTime<Utc>,
        /// The payload's JSON text; `null` where there was none.
        data: String,
    },
    /// This many were missed.
    Lagged(u64),
    /// Nothing more will come.
    Closed,
}
