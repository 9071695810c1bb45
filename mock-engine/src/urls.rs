//! Where the engines of a run are dialled, by their names.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Where the engines of a run are dialled, by their names: what `${url:NAME}` in a tape looks up.
/// A clone is the same list.
///
/// Each engine that is built with [`EngineBuilder::urls`](crate::EngineBuilder::urls) and has a
/// name is in it.
#[derive(Debug, Clone, Default)]
pub struct Urls(Arc<Mutex<BTreeMap<String, String>>>);

impl Urls {
    /// Has `name` stand for an engine, one of another program's included.
    pub fn set(&self, name: impl Into<String>, url: impl Into<String>) {
        self.0.lock().insert(name.into(), url.into());
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.lock().get(name).cloned()
    }
}
