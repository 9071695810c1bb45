//! What every request may look at.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::engine::Engine;
use crate::hub::Hub;
use crate::ids::LayerIndex;

/// The engine, without a handle that keeps it alive, and whether it has been told to end.
#[derive(Debug)]
pub(super) struct State {
    pub(super) hub: Arc<Hub>,
    /// The layer of posted steps that may hold references. Those that hold none go to `controls`.
    pub(super) layer: LayerIndex,
    pub(super) controls: LayerIndex,
    /// PEM file of the authority that signed the engine's certificate.
    pub(super) ca: Option<String>,
    followers: Arc<AtomicUsize>,
    ended: watch::Sender<bool>,
}

/// A place among the followers of the journal, given back when dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl State {
    pub(super) fn new(engine: &Engine, ca: Option<String>) -> Self {
        Self {
            hub: engine.hub(),
            layer: engine.posted(),
            controls: engine.controls(),
            ca,
            followers: Arc::default(),
            ended: watch::channel(false).0,
        }
    }

    /// Tells the engine to end.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Returns once the engine has been told to end.
    pub(super) async fn ended(&self) {
        // This can't fail: the sender lives as long as `self`.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Takes a place among at most `most` followers, if one is free.
    pub(super) fn follow(&self, most: usize) -> Option<Place> {
        let place = Place(Arc::clone(&self.followers));
        let before = self.followers.fetch_add(1, Ordering::Relaxed);
        // A place beyond the limit is dropped here, and gives back what it took.
        (before < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
