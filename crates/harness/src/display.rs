//! Where a function under test leaves its mirror and record to be shown.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use wstape_oracle::{ConnectionRecord, Mirror, Record, Told};

/// Returns a mirror's current state.
type Json = dyn Fn() -> Value + Send + Sync;
/// Returns a record's current state.
type Telling = dyn Fn() -> Told + Send + Sync;

/// Where a function under test leaves its mirror and record to be shown; see
/// [`Stage::show_mirror`](crate::Stage::show_mirror).
#[derive(Clone, Default)]
pub struct Display(Arc<Mutex<Shown>>);

#[derive(Default)]
struct Shown {
    mirror: Option<Arc<Json>>,
    record: Option<Arc<Telling>>,
}

impl fmt::Debug for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.lock();
        f.debug_struct("Display")
            .field("mirror", &shown.mirror.is_some())
            .field("record", &shown.record.is_some())
            .finish()
    }
}

impl Display {
    pub(crate) fn set_mirror(&self, json: Arc<Json>) {
        self.0.lock().mirror = Some(json);
    }

    pub(crate) fn set_record(&self, told: Arc<Telling>) {
        self.0.lock().record = Some(told);
    }

    /// The mirror that was left here.
    pub(crate) fn mirror(&self) -> Option<Arc<dyn Mirror>> {
        let json = self.0.lock().mirror.clone()?;
        Some(Arc::new(ShownMirror(json)))
    }

    /// The record that was left here.
    pub(crate) fn record(&self) -> Option<Arc<dyn Record>> {
        let told = self.0.lock().record.clone()?;
        Some(Arc::new(ShownRecord(told)))
    }
}

struct ShownMirror(Arc<Json>);

impl Mirror for ShownMirror {
    fn json(&self) -> Value {
        (self.0)()
    }
}

struct ShownRecord(Arc<Telling>);

impl Record for ShownRecord {
    fn record(&self) -> ConnectionRecord {
        let told = self.told();
        ConnectionRecord {
            ws_connected: told.connected.unwrap_or_default(),
            total_attempts: told.attempts.unwrap_or_default(),
            undecodable: told.undecodable.unwrap_or_default(),
            ..ConnectionRecord::default()
        }
    }

    fn told(&self) -> Told {
        (self.0)()
    }
}
