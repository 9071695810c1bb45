//! Accepts dials: each becomes a link with a number, and meets what the tape has ready for it.

use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;
use wstape_tape::TlsFault;

use crate::accepted::Accepted;
use crate::driver;
use crate::faults::{Greeting, PortState};
use crate::hub::Hub;
use crate::ids::{ConnId, PortId};
use crate::journal::JournalKind;
use crate::link::{self, Budget, ClientEnd};

/// The most connections that may wait for the server to take them, as in a socket's backlog;
/// further ones are reset.
const MAX_BACKLOG: usize = 65_536;

impl Dialed {
    fn new(id: Option<ConnId>, end: ClientEnd) -> Self {
        Self {
            id,
            end,
            tls: None,
            failure: None,
        }
    }
}

/// Where dials arrive, in memory and over TCP alike. Clones serve the same engine.
#[derive(Debug, Clone)]
pub(crate) struct Acceptor {
    hub: Arc<Hub>,
    server: mpsc::Sender<Accepted>,
    /// The limit on bytes that wait for all clients together.
    budget: Budget,
    /// Whether the port speaks TLS.
    speaks_tls: bool,
    /// The port that dials reach.
    port: PortId,
}

/// A dial that was accepted.
#[derive(Debug)]
pub(crate) struct Dialed {
    /// Its number; `None` if it was reset before it got one.
    pub(crate) id: Option<ConnId>,
    pub(crate) end: ClientEnd,
    /// The fault in its TLS, if it meets one.
    pub(crate) tls: Option<TlsFault>,
    /// Why its TLS failed, where the port speaks none and the failure is only reported.
    pub(crate) failure: Option<String>,
}

impl Acceptor {
    /// An acceptor, and the receiver from which the server takes connections.
    pub(crate) fn new(hub: Arc<Hub>, speaks_tls: bool) -> (Self, mpsc::Receiver<Accepted>) {
        let (server, arrivals) = mpsc::channel(MAX_BACKLOG);
        let acceptor = Self {
            hub,
            server,
            budget: Budget::default(),
            speaks_tls,
            port: PortId::OWN,
        };
        (acceptor, arrivals)
    }

    /// The same acceptor, for dials to another port.
    pub(crate) fn of_port(&self, port: PortId) -> Self {
        Self {
            port,
            ..self.clone()
        }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Accepts a dial that has reached the port: gives it a link and a number, and does what the
    /// tape has ready for it. `None` if the dial stays pending, neither accepted nor refused.
    pub(crate) fn accept(&self) -> io::Result<Option<Dialed>> {
        let hub = &self.hub;
        if hub.stopped() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        // Everything due at this instant happens before the dial arrives.
        driver::catch_up(hub);
        let clock = hub.log().clock().clone();
        let drained = Arc::clone(hub.drained());
        let (engine_end, client_end, handle) = link::pair_with(clock, drained, self.budget.clone());
        let mut core = hub.core();
        match core.meet_dial() {
            PortState::Up => {}
            PortState::Pending => return Ok(None),
            PortState::Draining | PortState::Refusing => {
                hub.log().write(None, JournalKind::DialRefused);
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            PortState::Resetting => {
                handle.reset();
                return Ok(Some(Dialed::new(None, client_end)));
            }
        }
        let (id, greeting) = core.accept(handle, self.port);
        let accepted = Accepted::new(engine_end, id, Arc::clone(hub));
        let mut dialed = Dialed::new(Some(id), client_end);
        dialed.tls = greeting.as_ref().and_then(|_| core.tls(id));
        match dialed.tls {
            Some(TlsFault::Stalled) => {
                core.hung(id);
                drop(core);
                hub.spawn(accepted.drain());
                return Ok(Some(dialed));
            }
            Some(fault) if !self.speaks_tls && fault != TlsFault::NoCloseNotify => {
                let text = format!("certificate {}", fault.word());
                core.tls_failed(id, text.clone());
                drop(core);
                dialed.failure = Some(text);
                return Ok(Some(dialed));
            }
            _ => {}
        }
        // Release the lock before `accepted` can be dropped: its drop takes the lock again.
        match greeting {
            // A prologue step has ended it.
            None => drop(core),
            Some(Greeting::Serve) => {
                drop(core);
                if let Err(refused) = self.server.try_send(accepted) {
                    hub.core().turn_back(id);
                    drop(refused);
                }
            }
            Some(Greeting::Hang) => {
                core.hung(id);
                drop(core);
                hub.spawn(accepted.drain());
            }
            Some(Greeting::Garbage(garbage)) => {
                core.send_garbage(id, &garbage);
                drop(core);
                hub.spawn(accepted.drain());
            }
        }
        Ok(Some(dialed))
    }
}
