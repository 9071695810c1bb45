//! Where the engines of a run are dialled, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Where the engines of a run are dialled, by name: what `${url:NAME}` in a tape looks up. Clones
/// share one list.
///
/// It lists each engine built with [`EngineBuilder::urls`](crate::EngineBuilder::urls) that has a
/// name.
#[derive(Debug, Clone, Default)]
pub struct Urls(Arc<Mutex<BTreeMap<String, String>>>);

impl Urls {
    /// Makes `name` stand for an engine, even one of another program.
    pub fn set(&self, name: impl Into<String>, url: impl Into<String>) {
        self.0.lock().insert(name.into(), url.into());
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.lock().get(name).cloned()
    }
}
