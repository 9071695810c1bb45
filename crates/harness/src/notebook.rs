//! What a subscriber under test reports about itself while it runs.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use wstape_mock_engine::Engine;
use wstape_tape::Micros;

/// Reconnects that are kept one by one; any more are only counted.
const MAX_RECONNECTS: usize = 65_536;

/// One reconnect: an end, and the dial that followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconnect {
    /// When the attempt or the connection ended.
    pub ended_at: Micros,
    /// Why it ended, in words.
    pub why: String,
    /// When the next dial started; `None` if the run ended first.
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

/// Records what a subscriber says happened to it, in one order with the engine's journal.
#[derive(Debug, Clone, Default)]
pub struct Notebook {
    /// `None` if nobody reads it.
    kept: Option<Kept>,
}

/// The reconnects of a run, the first ones one by one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reconnects {
    pub(crate) listed: Vec<Reconnect>,
    pub(crate) more: u64,
}

#[derive(Debug, Clone)]
struct Kept {
    engine: Engine,
    reconnects: Arc<Mutex<Reconnects>>,
}

impl Notebook {
    /// A notebook that nobody reads.
    #[must_use]
    pub fn unread() -> Self {
        Self::default()
    }

    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            kept: Some(Kept {
                engine,
                reconnects: Arc::default(),
            }),
        }
    }

    /// Whether anybody reads it: if not, a subscriber need not observe itself.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.kept.is_some()
    }

    /// Adds a line to the timeline.
    pub fn note(&self, text: impl AsRef<str>) {
        if let Some(kept) = &self.kept {
            kept.engine.note(None, format!("client {}", text.as_ref()));
        }
    }

    /// Records that an attempt or a connection ended now; the next dial is to follow after `delay`,
    /// for which the backoff rule gives `cap`.
    pub fn ended(&self, why: impl Into<String>, delay: Duration, cap: Duration) {
        let Some(kept) = &self.kept else { return };
        let why = why.into();
        let due = Micros::from(delay);
        self.note(format!("lost: {why}; next dial in {due}"));
        let mut reconnects = kept.reconnects.lock();
        if reconnects.listed.len() == MAX_RECONNECTS {
            reconnects.more += 1;
            return;
        }
        reconnects.listed.push(Reconnect {
            ended_at: kept.engine.clock().now(),
            why,
            dialed_at: None,
            cap,
        });
    }

    /// Records that a dial starts now.
    pub fn dial(&self) {
        let Some(kept) = &self.kept else { return };
        let mut reconnects = kept.reconnects.lock();
        if reconnects.more == 0
            && let Some(last) = reconnects.listed.last_mut()
            && last.dialed_at.is_none()
        {
            last.dialed_at = Some(kept.engine.clock().now());
        }
    }

    /// Records that the handshake is done.
    pub fn connected(&self) {
        self.note("connected");
    }

    pub(crate) fn reconnects(&self) -> Reconnects {
        let kept = self.kept.as_ref();
        kept.map(|kept| kept.reconnects.lock().clone())
            .unwrap_or_default()
    }
}
