//! The handle: [`WsSubscriber`].

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::{Notify, broadcast, oneshot};
use tokio::task::JoinHandle;

use super::error::WsError;
use super::events::Events;
use crate::{EngineEvent, EngineState};

/// Handle to a running subscriber.
///
/// Dropping the handle does not stop the subscriber: it goes on folding into the mirror that its
/// readers share, at no cost beyond that. [`shutdown`](Self::shutdown) ends it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use engine_client::{EngineState, WsSubscriber};
///
/// let mirror = EngineState::shared();
/// let subscriber = WsSubscriber::spawn("ws://127.0.0.1:9/ws", None, mirror.clone()).unwrap();
/// subscriber.wait_until(|state| state.connection.total_attempts == 1).await;
/// subscriber.shutdown().await.unwrap();
/// assert!(!mirror.read().connection.ws_connected);
/// # }
/// ```
pub struct WsSubscriber {
    pub(crate) state: Arc<RwLock<EngineState>>,
    pub(crate) events: Events,
    pub(crate) changed: Arc<Notify>,
    pub(crate) shutdown: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<()>,
}

impl WsSubscriber {
    /// The mirror that this subscriber folds into.
    #[must_use]
    pub fn state(&self) -> Arc<RwLock<EngineState>> {
        Arc::clone(&self.state)
    }

    /// A receiver of the events from now on. One that falls behind by more than the channel holds
    /// (128, unless set otherwise) is told how many it missed; it holds up nobody else. To miss
    /// nothing from the first connection on, take it from the
    /// [builder](crate::SubscriberBuilder::events).
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<EngineEvent> {
        self.events.subscribe()
    }

    /// Waits until `condition` holds for the mirror: checks at once, then after each change that
    /// this subscriber makes. What others write into the mirror (HTTP backfill) does not wake it.
    ///
    /// The condition runs under the mirror's read lock. If it never holds, the wait never ends:
    /// give it a timeout if that can happen.
    pub async fn wait_until(&self, mut condition: impl FnMut(&EngineState) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if condition(&self.state.read()) {
                return;
            }
            changed.await;
        }
    }

    /// Ends the subscriber, whatever it is doing, and waits for that. If connected, it sends Close
    /// 1000 and waits up to a second for the answer; frames that come before it still fold. Returns
    /// within that second whatever the peer does, with `ws_connected` false.
    ///
    /// # Errors
    /// [`WsError::Shutdown`] if the task had panicked or been cancelled.
    pub async fn shutdown(self) -> Result<(), WsError> {
        // A task that is gone already can't be told: the join below says so.
        let _ = self.shutdown.send(());
        self.task
            .await
            .map_err(|error| WsError::Shutdown(error.to_string()))
    }
}

impl fmt::Debug for WsSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WsSubscriber")
            .field("connection", &self.state.read().connection)
            .field("receivers", &self.events.receivers())
            .finish_non_exhaustive()
    }
}
