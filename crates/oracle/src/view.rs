//! What a subscriber may let the judge look at: its mirror, and its record of the connection.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::connection::ConnectionRecord;
use crate::field::Field;
use crate::told::Told;

/// A subscriber's mirror: what it shows its user of the latest readings.
///
/// Only [`json`](Self::json) must be written. The rest has defaults that read it; a subscriber that
/// is played by the ten thousand does better by saying them itself.
pub trait Mirror: Send + Sync {
    /// The whole mirror. Its members `status`, `positions`, `risk` and `regime` are what rules look
    /// at (`null`, or `{"value":…,"as_of":…,"n":null,"source":…}`), and `last_heartbeat` (RFC 3339);
    /// others are shown in an outcome, and free.
    fn json(&self) -> Value;

    /// Appends one field as JSON text. Called after every step: it should be quick.
    fn field(&self, field: Field, into: &mut Vec<u8>) {
        let mirror = self.json();
        let found = mirror.get(field.name()).unwrap_or(&Value::Null);
        into.extend_from_slice(found.to_string().as_bytes());
    }

    /// Whether the field is certainly what it was when [`field`](Self::field) was last asked for
    /// it: then it need not be written out again. Saying no is always right.
    fn is_unchanged(&self, field: Field) -> bool {
        let _ = field;
        false
    }

    /// The mirror's `last_heartbeat`.
    fn last_heartbeat(&self) -> Option<DateTime<Utc>> {
        let mirror = self.json();
        let text = mirror.get("last_heartbeat")?.as_str()?;
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        Some(time.with_timezone(&Utc))
    }

    /// Puts a reading that came over HTTP into the mirror: `payload` is the JSON of one that
    /// decodes, true at `as_of`. Returns whether the subscriber takes such readings at all.
    fn backfill(&self, field: Field, payload: &str, as_of: DateTime<Utc>) -> bool {
        let _ = (field, payload, as_of);
        false
    }
}

/// A subscriber's record of its connection.
pub trait Record: Send + Sync {
    /// The record as it stands.
    fn record(&self) -> ConnectionRecord;

    /// What of it any subscriber may have, by which one is judged that gives no settings of the
    /// contract's.
    fn told(&self) -> Told {
        Told::from(self.record())
    }
}

/// What of a subscriber can be looked at. Rules that need what is missing are not judged.
#[derive(Clone, Copy, Default)]
pub struct View<'a> {
    /// Its mirror, for R9, R12's payloads and R11.
    pub mirror: Option<&'a dyn Mirror>,
    /// Its record of the connection, for R10 and R12.
    pub record: Option<&'a dyn Record>,
}
