//! The events channel, with a flag that spares the hot path the channel's lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tokio::sync::broadcast;

use crate::EngineEvent;

/// Where events go out to the receivers.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    sender: broadcast::Sender<EngineEvent>,
    /// False only if there is no receiver.
    heard: Arc<AtomicBool>,
}

impl Events {
    /// A channel on which receivers may fall behind by `capacity` events.
    ///
    /// # Panics
    /// As [`broadcast::Sender::new`].
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            sender: broadcast::Sender::new(capacity),
            heard: Arc::default(),
        }
    }

    /// A receiver of all that is sent from here on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<EngineEvent> {
        let receiver = self.sender.subscribe();
        self.heard.store(true, SeqCst);
        receiver
    }

    /// Whether anybody may be listening.
    #[inline]
    pub(crate) fn heard(&self) -> bool {
        self.heard.load(SeqCst)
    }

    /// Checks whether anybody is still listening. Call it now and then: a receiver says nothing
    /// when it goes.
    pub(crate) fn recount(&self) {
        if self.sender.receiver_count() == 0 {
            self.heard.store(false, SeqCst);
            // A receiver that came meanwhile may have raised the flag before it was lowered.
            if self.sender.receiver_count() > 0 {
                self.heard.store(true, SeqCst);
            }
        }
    }

    /// How many receivers there are.
    pub(crate) fn receivers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Sends to all; it is no error if nobody listens any more.
    pub(crate) fn send(&self, event: EngineEvent) {
        let _ = self.sender.send(event);
    }
}
