//! What a subscriber under test tells of itself while it runs.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use wstape_mock_engine::Engine;
use wstape_tape::Micros;

/// One reconnect: an end, and the dial that followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconnect {
    /// When the attempt or the connection ended.
    pub ended_at: Micros,
    /// Why, in words.
    pub why: String,
    /// When the next dial started; `None` where the run ended first.
    pub dialed_at: Option<Micros>,
    /// The cap that the backoff rule gives for this gap.
    pub cap: Duration,
}

impl Reconnect {
    /// From the end to the dial.
    #[must_use]
    pub fn gap(&self) -> Option<Micros> {
        self.dialed_at
            .map(|dialed| Micros(dialed.0 - self.ended_at.0))
    }
}

/// Takes down, in one order with the engine's journal, what a subscriber says happened to it.
#[derive(Debug, Clone)]
pub struct Notebook {
    engine: Engine,
    reconnects: Arc<Mutex<Vec<Reconnect>>>,
}

impl Notebook {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            reconnects: Arc::default(),
        }
    }

    /// A line of the timeline.
    pub fn note(&self, text: impl AsRef<str>) {
        self.engine.note(None, format!("client {}", text.as_ref()));
    }

    /// An attempt or a connection ended now; the next dial is to follow after `delay`, for which
    /// the backoff rule gives `cap`.
    pub fn ended(&self, why: impl Into<String>, delay: Duration, cap: Duration) {
        let why = why.into();
        let due = Micros::from(delay);
        self.note(format!("lost: {why}; next dial in {due}"));
        self.reconnects.lock().push(Reconnect {
            ended_at: self.engine.clock().now(),
            why,
            dialed_at: None,
            cap,
        });
    }

    /// A dial starts now.
    pub fn dial(&self) {
        if let Some(last) = self.reconnects.lock().last_mut()
            && last.dialed_at.is_none()
        {
            last.dialed_at = Some(self.engine.clock().now());
        }
    }

    /// The handshake is done.
    pub fn connected(&self) {
        self.note("connected");
    }

    pub(crate) fn reconnects(&self) -> Vec<Reconnect> {
        self.reconnects.lock().clone()
    }
}
