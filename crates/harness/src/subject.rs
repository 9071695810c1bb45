//! The subscriber under test: anything that can be started against a URL or a dialer and asked
//! for its mirror as JSON.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use engine_client::{Clock, Dialer};
use serde_json::Value;

use crate::notebook::Notebook;
use crate::settings::Settings;

/// What a subscriber is started with.
#[derive(Debug)]
pub struct Stage {
    /// Where the engine is. In virtual time only the dialer leads there.
    pub url: String,
    /// How the run is set.
    pub settings: Settings,
    /// The scenario's clock. A subscriber that runs in virtual time takes all its time from it.
    pub clock: Arc<dyn Clock>,
    /// Leads to the engine.
    pub dialer: Arc<dyn Dialer>,
    /// Takes down what the subscriber tells of itself; one that tells nothing still gets the
    /// engine's half of the outcome.
    pub notebook: Notebook,
}

/// A subscriber that can be put under test.
pub trait Subject: Sync {
    /// What it is, in a line of the outcome.
    fn describe(&self, settings: &Settings) -> String;

    /// Starts it on the current tokio runtime.
    ///
    /// # Errors
    /// Why it can't start, in words.
    fn start(&self, stage: Stage) -> Result<Box<dyn Running>, String>;
}

/// What [`Running::stop`] returns.
pub type Stopping = Pin<Box<dyn Future<Output = ()>>>;

/// A subscriber that runs.
pub trait Running {
    /// Its mirror as JSON; `None` where it shows none.
    fn mirror(&self) -> Option<Value>;

    /// How many events of each kind its receivers saw.
    fn events(&self) -> BTreeMap<String, u64>;

    /// Ends it.
    fn stop(self: Box<Self>) -> Stopping;
}
