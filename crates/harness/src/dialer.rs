//! Dialers that lead to the engine of a scenario.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use wstape_mock_engine::{Clock, Engine, MemoryNet};
use wstape_tape::Micros;

use crate::net::{Dialer, Dialing, Transport};

/// The URL handed to a subscriber in plain time. Its port is closed everywhere, so a dial that
/// bypasses the scenario fails instead of reaching somebody.
pub const PLAIN_URL: &str = "ws://127.0.0.1:1/ws";
/// The host in [`PLAIN_URL`].
pub const PLAIN_HOST: &str = "127.0.0.1";

/// How many dials may come at one instant: more than anybody needs. The next one never ends;
/// otherwise a subscriber that spins would go on for ever without time passing.
pub const MAX_DIALS_AT_ONCE: u64 = 256;

/// Dials the engine in memory; a dial takes no time.
#[derive(Debug, Clone)]
pub struct MemoryDialer {
    net: MemoryNet,
    dials: Arc<Dials>,
}

/// The dials of one scenario.
#[derive(Debug)]
struct Dials {
    clock: Clock,
    count: AtomicU64,
    /// When the last one was, and how many there were at that instant.
    last: Mutex<(Micros, u64)>,
    spins: Notify,
}

impl MemoryDialer {
    /// Dials the engine that listens on `net` and whose clock is `clock`.
    #[must_use]
    pub fn new(net: MemoryNet, clock: Clock) -> Self {
        let dials = Dials {
            clock,
            count: AtomicU64::new(0),
            last: Mutex::new((Micros::ZERO, 0)),
            spins: Notify::new(),
        };
        Self {
            net,
            dials: Arc::new(dials),
        }
    }

    /// How many dials there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.dials.count.load(Ordering::Relaxed)
    }

    /// Returns once the subscriber spins: more than [`MAX_DIALS_AT_ONCE`] dials at one instant.
    pub async fn spins(&self) -> Micros {
        self.dials.spins.notified().await;
        self.dials.last.lock().0
    }
}

impl Dialer for MemoryDialer {
    fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> Dialing<'a> {
        Box::pin(async {
            self.dials.count.fetch_add(1, Ordering::Relaxed);
            let now = self.dials.clock.now();
            let at_once = {
                let mut last = self.dials.last.lock();
                let at_once = if last.0 == now { last.1 + 1 } else { 1 };
                *last = (now, at_once);
                at_once
            };
            if at_once > MAX_DIALS_AT_ONCE {
                self.dials.spins.notify_one();
                std::future::pending::<()>().await;
            }
            let stream = self.net.connect().await?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

/// Dials the engine over TCP, and tells its journal of dials that the port refused, which the
/// engine can't see.
#[derive(Debug, Clone)]
pub struct TcpDialer {
    engine: Engine,
}

impl TcpDialer {
    /// Dials `engine`, which listens on TCP.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

impl Dialer for TcpDialer {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let stream = match TcpStream::connect((host, port)).await {
                Ok(stream) => stream,
                Err(error) => {
                    if error.kind() == io::ErrorKind::ConnectionRefused {
                        self.engine.dial_refused();
                    }
                    return Err(error);
                }
            };
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

/// Routes dials through `wstape_dial` on this thread to `dialer`, until the returned value is
/// dropped.
#[must_use = "dropping it leads nowhere again"]
pub fn lead(dialer: Arc<dyn Dialer>) -> wstape_dial::Entered {
    wstape_dial::enter(Rc::new(Led(dialer)))
}

/// A dialer as the network of a scenario.
struct Led(Arc<dyn Dialer>);

impl wstape_dial::Network for Led {
    fn dial(&self, host: &str, port: u16) -> wstape_dial::Dialing {
        let (dialer, host) = (Arc::clone(&self.0), host.to_owned());
        Box::pin(async move { dialer.dial(&host, port).await })
    }
}
