//! Accepts connections and carries each to the real engine.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::config::Upstream;
use super::session::Session;
use crate::accepted::Accepted;
use crate::hub::Hub;

/// Carries whatever arrives until `stop` fires, or its sender is gone.
pub(crate) async fn run(
    hub: Arc<Hub>,
    upstream: Upstream,
    mut arrivals: mpsc::Receiver<Accepted>,
    mut stop: oneshot::Receiver<()>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut stop => return,
            accepted = arrivals.recv() => accepted,
        };
        let Some(accepted) = accepted else { return };
        let attached = hub.core().attach(accepted.id());
        // A step may have ended it already.
        if let Some(attached) = attached {
            let session = Session::new(Arc::clone(&hub), upstream.clone(), accepted, attached);
            hub.spawn(session.carry());
        }
    }
}
