//! The subscriber from outside: how it starts, its handle, the look at its mirror.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine_client::{ConnectionHealth, EngineEvent, EngineState, Target};
use parking_lot::RwLock;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::flaw::Flaw;
use super::mirror::Mirror;
use super::reconnect::Subscription;
use crate::ours;
use crate::subject::{Field, Handle, Heard, Judged, Opening, Receiver, Started, Stopping, View};

/// A subscriber with one flaw, or with none.
///
/// ```
/// use wstape_chaos::Judged;
/// use wstape_chaos::planted::{Flaw, Planted};
///
/// assert_eq!(Planted::flawless().name(), "planted: no flaw");
/// assert_eq!(Planted::with(Flaw::HotLoop).name(), "planted: hot-loop");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    flaw: Option<Flaw>,
}

impl Planted {
    /// One that keeps every rule.
    #[must_use]
    pub fn flawless() -> Self {
        Self { flaw: None }
    }

    /// One with this flaw.
    #[must_use]
    pub fn with(flaw: Flaw) -> Self {
        Self { flaw: Some(flaw) }
    }
}

impl Judged for Planted {
    fn name(&self) -> String {
        let flaw = self.flaw.map_or("no flaw", Flaw::name);
        format!("planted: {flaw}")
    }

    fn start(&self, opening: Opening) -> Result<Started, String> {
        let Opening {
            url,
            settings,
            clock,
            dialer,
        } = opening;
        let target = Target::parse(&url).map_err(|error| error.to_string())?;
        let state = EngineState::shared();
        let (events, receiver) = broadcast::channel(settings.events_capacity);
        let mirror = Mirror {
            flaw: self.flaw,
            state: Arc::clone(&state),
            events: events.clone(),
            capacity: settings.events_capacity,
            clock,
        };
        let (wish, wished) = watch::channel(false);
        let subscription = Subscription::new(&url, target, settings, dialer, mirror, wished);
        let handle = PlantedHandle {
            flaw: self.flaw,
            state: Arc::clone(&state),
            events,
            wish,
            task: tokio::spawn(subscription.run()),
        };
        Ok(Started {
            view: Arc::new(PlantedView {
                flaw: self.flaw,
                mirror: ours::Mirror::new(Arc::clone(&state)),
                state,
            }),
            handle: Box::new(handle),
            receiver: listen(receiver, self.flaw),
        })
    }
}

struct PlantedView {
    flaw: Option<Flaw>,
    mirror: ours::Mirror,
    state: Arc<RwLock<EngineState>>,
}

impl View for PlantedView {
    fn field(&self, field: Field, into: &mut Vec<u8>) {
        self.mirror.field(field, into);
    }

    fn is_unchanged(&self, field: Field) -> bool {
        self.mirror.is_unchanged(field)
    }

    fn last_heartbeat(&self) -> Option<DateTime<Utc>> {
        self.mirror.last_heartbeat()
    }

    fn health(&self) -> ConnectionHealth {
        self.mirror.health()
    }

    fn backfill(&self, field: Field, payload: &str, as_of: DateTime<Utc>) {
        self.mirror.backfill(field, payload, as_of);
        if self.flaw == Some(Flaw::HeartbeatMovedByHttp) {
            self.state.write().last_heartbeat = Some(as_of);
        }
    }
}

struct PlantedHandle {
    flaw: Option<Flaw>,
    state: Arc<RwLock<EngineState>>,
    events: broadcast::Sender<EngineEvent>,
    wish: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Handle for PlantedHandle {
    fn receiver(&self) -> Box<dyn Receiver> {
        listen(self.events.subscribe(), self.flaw)
    }

    fn shutdown(self: Box<Self>) -> Stopping {
        Box::pin(async move {
            self.wish.send_replace(true);
            self.task.await.map_err(|error| error.to_string())?;
            if self.flaw != Some(Flaw::ConnectedAfterShutdown) {
                self.state.write().on_ws_disconnected();
            }
            Ok(())
        })
    }
}

fn listen(receiver: broadcast::Receiver<EngineEvent>, flaw: Option<Flaw>) -> Box<dyn Receiver> {
    if flaw == Some(Flaw::LagUntold) {
        Box::new(Untold(receiver))
    } else {
        Box::new(receiver)
    }
}

/// A receiver that keeps to itself what it missed.
struct Untold(broadcast::Receiver<EngineEvent>);

impl Receiver for Untold {
    fn hear(&mut self) -> Option<Heard> {
        match self.0.hear() {
            Some(Heard::Lagged(_)) => self.0.hear(),
            heard => heard,
        }
    }
}
