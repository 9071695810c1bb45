//! A mutant from outside: how it starts, its handle, what it shows.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use wstape_harness::{
    Arrival, Handle, Hearing, Receiver, Running, Stage, Stopping, Subject, Terms, Time,
};
use wstape_oracle::Heard;

use super::address::Address;
use super::flaw::Flaw;
use super::mirror::Mirror;
use super::reconnect::Subscription;
use super::state::{Shown, State};
use crate::fnv::Fnv;

/// A subscriber with one flaw, or, as the control, with none.
///
/// ```
/// use wstape_chaos::mutants::{Flaw, Mutant};
/// use wstape_harness::Subject;
///
/// assert_eq!(Mutant::flawless().name(), "mutant: no flaw");
/// assert_eq!(Mutant::with(Flaw::HotLoop).name(), "mutant: hot-loop");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mutant {
    flaw: Option<Flaw>,
}

impl Mutant {
    /// The control: it keeps every rule.
    #[must_use]
    pub fn flawless() -> Self {
        Self { flaw: None }
    }

    /// The mutant with this flaw.
    #[must_use]
    pub fn with(flaw: Flaw) -> Self {
        Self { flaw: Some(flaw) }
    }

    /// All mutants, the control first.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::flawless()).chain(Flaw::ALL.map(Self::with))
    }

    /// What is wrong with it; `None` for the control.
    #[must_use]
    pub fn flaw(self) -> Option<Flaw> {
        self.flaw
    }

    /// Where its seeds start, unless told otherwise: a hash of its name. So no start is picked to
    /// suit a mutant, and they don't all start with the same seed.
    #[must_use]
    pub fn first_seed(self) -> u64 {
        let mut hash = Fnv::new();
        hash.take(self.label().as_bytes());
        hash.value() >> 16
    }

    /// The mutant's name in a table.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.flaw.map_or("(no flaw)", Flaw::name)
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl Subject for Mutant {
    fn name(&self) -> String {
        let flaw = self.flaw.map_or("no flaw", Flaw::name);
        format!("mutant: {flaw}")
    }

    fn time(&self) -> Time {
        Time::Fine
    }

    fn terms(&self) -> Terms {
        Terms::Settings
    }

    fn start(&self, stage: Stage) -> Result<Running, String> {
        let Stage {
            url,
            settings,
            clock,
            dialer,
            ..
        } = stage;
        let target = Address::parse(&url).ok_or_else(|| format!("{url} is no URL"))?;
        let kept = Arc::new(RwLock::new(State::default()));
        let (events, receiver) = broadcast::channel(settings.events_capacity);
        let mirror = Mirror {
            flaw: self.flaw,
            state: Arc::clone(&kept),
            events: events.clone(),
            capacity: settings.events_capacity,
            clock,
        };
        let (wish, wished) = watch::channel(false);
        let subscription = Subscription::new(&url, target, settings, dialer, mirror, wished);
        let handle = MutantHandle {
            flaw: self.flaw,
            state: Arc::clone(&kept),
            events,
            wish,
            task: tokio::spawn(subscription.run()),
        };
        let shown = Arc::new(Shown {
            flaw: self.flaw,
            state: kept,
        });
        Ok(Running {
            mirror: Some(Arc::clone(&shown) as _),
            record: Some(shown),
            receiver: Some(listen(receiver, self.flaw)),
            handle: Some(Box::new(handle)),
        })
    }
}

struct MutantHandle {
    flaw: Option<Flaw>,
    state: Arc<RwLock<State>>,
    events: broadcast::Sender<Heard>,
    wish: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Handle for MutantHandle {
    fn receiver(&self) -> Option<Box<dyn Receiver>> {
        Some(listen(self.events.subscribe(), self.flaw))
    }

    fn shutdown(self: Box<Self>) -> Stopping {
        Box::pin(async move {
            self.wish.send_replace(true);
            self.task.await.map_err(|error| error.to_string())?;
            if self.flaw != Some(Flaw::ConnectedAfterShutdown) {
                self.state.write().disconnected();
            }
            Ok(())
        })
    }
}

fn listen(events: broadcast::Receiver<Heard>, flaw: Option<Flaw>) -> Box<dyn Receiver> {
    Box::new(Listener {
        events,
        tells_lag: flaw != Some(Flaw::LagUntold),
    })
}

/// A receiver; depending on the mutant, it may not report what it missed.
struct Listener {
    events: broadcast::Receiver<Heard>,
    tells_lag: bool,
}

impl Receiver for Listener {
    fn hear(&mut self) -> Option<Heard> {
        match self.events.try_recv() {
            Ok(heard) => Some(heard),
            Err(TryRecvError::Lagged(missed)) if self.tells_lag => Some(Heard::Lagged(missed)),
            Err(TryRecvError::Lagged(_)) => self.events.try_recv().ok(),
            Err(TryRecvError::Closed) => Some(Heard::Closed),
            Err(TryRecvError::Empty) => None,
        }
    }

    fn next(&mut self) -> Hearing<'_> {
        Box::pin(async {
            match self.events.recv().await {
                Ok(Heard::Heartbeat(_)) => Arrival::Event("heartbeat".into()),
                Ok(Heard::Reading(field, _)) => Arrival::Event(field.name().into()),
                Ok(Heard::Unknown { event, .. }) => Arrival::Event(event.into()),
                Ok(Heard::Lagged(missed)) | Err(RecvError::Lagged(missed)) => {
                    Arrival::Missed(missed)
                }
                Ok(Heard::Closed) | Err(RecvError::Closed) => Arrival::Closed,
            }
        })
    }
}
