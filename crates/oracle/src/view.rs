//! What a subscriber may show the judge: its mirror, and its record of the connection.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::connection::ConnectionRecord;
use crate::field::Field;
use crate::told::Told;

/// A subscriber's mirror: what it shows its user of the latest readings.
///
/// Only [`json`](Self::json) is required. The rest have defaults that use it; implement them
/// directly for a subscriber that is played by the ten thousand.
pub trait Mirror: Send + Sync {
    /// The whole mirror. Rules look at its members `status`, `positions`, `risk` and `regime`
    /// (`null`, or `{"value":…,"as_of":…,"n":null,"source":…}`) and `last_heartbeat` (RFC 3339);
    /// any others are yours, and show in an outcome.
    fn json(&self) -> Value;

    /// Appends one field as JSON text. Called after every step: it should be quick.
    fn field(&self, field: Field, into: &mut Vec<u8>) {
        let mirror = self.json();
        let found = mirror.get(field.name()).unwrap_or(&Value::Null);
        into.extend_from_slice(found.to_string().as_bytes());
    }

    /// Whether the field certainly hasn't changed since [`field`](Self::field) was last called for
    /// it, so that it need not be written out again. `false` is always right.
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

    /// Puts a reading that came over HTTP into the mirror: `payload` is JSON that decodes, true at
    /// `as_of`. Returns whether the subscriber accepts such readings at all.
    fn backfill(&self, field: Field, payload: &str, as_of: DateTime<Utc>) -> bool {
        let _ = (field, payload, as_of);
        false
    }
}

/// A subscriber's record of its connection.
pub trait Record: Send + Sync {
    /// The record as it stands.
    fn record(&self) -> ConnectionRecord;

    /// The part that any subscriber may have; a subscriber without the contract's settings is
    /// judged by it.
    fn told(&self) -> Told {
        Told::from(self.record())
    }
}

/// What the judge can see of a subscriber. Rules that need what is missing are not judged.
#[derive(Clone, Copy, Default)]
pub struct View<'a> {
    /// Its mirror, for R9.
    pub mirror: Option<&'a dyn Mirror>,
    /// Its record of the connection, for R10 and R12.
    pub record: Option<&'a dyn Record>,
}
