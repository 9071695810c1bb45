//! The events channel, with a flag that spares the hot path the channel's lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tokio::sync::broadcast;

use crate::EngineEvent;

/// Where events go out to the receivers.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    sender: broadcast::Sender<EngineEvent>,
    /// False only where there is no receiver.
    heard: Arc<AtomicBool>,
}

impl Events {
    /// A channel that receivers may fall behind on by `capacity`.
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

    /// Looks whether anybody still is. To be called now and then: a receiver says nothing when it
    /// goes.
    pub(crate) fn recount(&self) {
        if self.sender.receiver_count() == 0 {
            self.heard.store(false, SeqCst);
            // One that came meanwhile may have raised the flag before it was lowered.
            if self.sender.receiver_count() > 0 {
                self.heard.store(true, SeqCst);
            }
        }
    }

    /// How many receivers there are.
    pub(crate) fn receivers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Sends to all; nobody listening any more is no error.
    pub(crate) fn send(&self, event: EngineEvent) {
        let _ = self.sender.send(event);
    }
}
