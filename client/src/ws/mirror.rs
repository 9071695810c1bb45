//! The mirror as its one writer sees it: a reader that stalls with the lock in its hand holds up
//! that lock, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use crate::EngineState;
use crate::kind::Kind;

/// How long readers are waited for. One that copies what it shows is done long before.
const PATIENCE: Duration = Duration::from_millis(1);

/// How soon readers that are in the way of the last change are looked at again.
const LAST_RETRY: Duration = Duration::from_millis(10);

/// The shared mirror, and what readers have not let in yet.
pub(crate) struct Mirror {
    shared: Arc<RwLock<EngineState>>,
    /// The mirror as it should be, while a reader is in the way; as large as the mirror, however
    /// much is folded meanwhile.
    late: Option<Box<Late>>,
}

struct Late {
    state: EngineState,
    /// Which of its payloads were folded since, each once; the others may have been written by
    /// somebody else.
    folded: Vec<Kind>,
}

impl Mirror {
    pub(crate) fn new(shared: Arc<RwLock<EngineState>>) -> Self {
        Self { shared, late: None }
    }

    /// Changes the mirror, a payload of `kind` among it, in one step for every reader: now, or as
    /// soon as [`publish`](Self::publish) finds readers out of the way.
    #[inline]
    pub(crate) fn change<T>(
        &mut self,
        kind: Option<Kind>,
        change: impl FnOnce(&mut EngineState) -> T,
    ) -> T {
        if self.publish()
            && let Some(mut state) = self.shared.try_write_for(PATIENCE)
        {
            return change(&mut state);
        }
        change(self.set_aside(kind))
    }

    /// Shows what is late, if it can; whether nothing is late any more.
    #[inline]
    pub(crate) fn publish(&mut self) -> bool {
        self.late.is_none() || self.publish_late()
    }

    /// Whether readers are in the way of something.
    pub(crate) fn is_late(&self) -> bool {
        self.late.is_some()
    }

    /// Makes the last change, which must not be lost, without ever waiting: a reader on this very
    /// thread may hold its guard over an await. While readers are in the way, a thread of its own
    /// looks whether they have gone; it never queues for the lock, which would shut out new readers.
    pub(crate) fn change_at_last(&mut self, change: impl FnOnce(&mut EngineState)) {
        if self.publish()
            && let Some(mut state) = self.shared.try_write()
        {
            return change(&mut state);
        }
        change(self.set_aside(None));
        let waiter = std::thread::Builder::new().name("engine-client-last".to_owned());
        let mut last = Self {
            shared: Arc::clone(&self.shared),
            late: self.late.take(),
        };
        let waiting = waiter.spawn(move || {
            while !last.publish() {
                // Nobody else holds the mirror: nobody is left to be told.
                if Arc::strong_count(&last.shared) == 1 {
                    return;
                }
                std::thread::sleep(LAST_RETRY);
            }
        });
        if let Err(error) = waiting {
            tracing::error!(%error, "no thread to tell readers that the subscriber has ended");
        }
    }

    #[cold]
    fn publish_late(&mut self) -> bool {
        let Some(mut state) = self.shared.try_write() else {
            return false;
        };
        if let Some(late) = self.late.take() {
            late.show(&mut state);
        }
        true
    }

    #[cold]
    fn set_aside(&mut self, kind: Option<Kind>) -> &mut EngineState {
        let late = self.late.get_or_insert_with(|| {
            Box::new(Late {
                // Readers do not keep readers out.
                state: self.shared.read().clone(),
                folded: Vec::new(),
            })
        });
        if let Some(kind) = kind
            && !late.folded.contains(&kind)
        {
            late.folded.push(kind);
        }
        &mut late.state
    }
}

impl Late {
    fn show(self, shared: &mut EngineState) {
        let mut state = self.state;
        shared.connection = state.connection;
        shared.last_heartbeat = state.last_heartbeat;
        for kind in self.folded {
            match kind {
                Kind::Heartbeat => {}
                Kind::Status => shared.status = state.status.take(),
                Kind::Positions => shared.positions = state.positions.take(),
                Kind::Risk => shared.risk = state.risk.take(),
                Kind::Regime => shared.regime = state.regime.take(),
            }
        }
    }
}
