//! A running engine.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use wstape_tape::Micros;

use crate::accepted::Accepted;
use crate::acceptor::Acceptor;
use crate::authorization::Authorization;
use crate::clock::Clock;
use crate::driver;
use crate::encryption::Encryption;
use crate::error::EngineError;
use crate::expect::Verdict;
use crate::faults::PortState;
use crate::hub::{Core, Hub};
use crate::ids::{ConnId, LayerIndex};
use crate::journal::{Journal, JournalKind};
use crate::paths::Paths;
use crate::playback::PlayEnd;
use crate::port::TcpPort;
use crate::server;
use crate::tcp;
use crate::upstream::{self, Upstream};

/// How long the engine's tasks may take to end before they are cut off.
const SHUTDOWN_WAIT: Micros = Micros::from_ms(2_000);

/// A mock engine: plays its tapes to whoever connects, and obeys its controls.
///
/// A clone is a handle to the same engine, which ends with its last handle. It lives on the runtime
/// that it was built on and ends with that: whoever waits on another runtime then gets
/// [`EngineError::ShutDown`].
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    hub: Arc<Hub>,
    /// The layer of Rust's controls.
    controls: LayerIndex,
    background: Mutex<Background>,
    /// What is needed to open another port; `None` in memory.
    ports: Mutex<Option<MorePorts>>,
}

/// What is needed to open another port.
type MorePorts = (Acceptor, Encryption, Handle);

#[derive(Debug, Default)]
struct Background {
    driver: Option<JoinHandle<()>>,
    acceptor: Option<JoinHandle<()>>,
    server: Option<JoinHandle<()>>,
    stop_server: Option<oneshot::Sender<()>>,
}

impl Engine {
    /// Starts the engine's background tasks.
    pub(crate) fn run(
        hub: Arc<Hub>,
        authorization: Authorization,
        paths: Paths,
        upstream: Option<Upstream>,
        arrivals: mpsc::Receiver<Accepted>,
        controls: LayerIndex,
    ) -> Self {
        let (stop_server, stopped) = oneshot::channel();
        let engine = Arc::clone(&hub);
        let server = match upstream {
            None => tokio::spawn(server::run(engine, authorization, paths, arrivals, stopped)),
            Some(upstream) => tokio::spawn(upstream::run(engine, upstream, arrivals, stopped)),
        };
        let background = Background {
            driver: Some(tokio::spawn(driver::drive(Arc::clone(&hub)))),
            acceptor: None,
            server: Some(server),
            stop_server: Some(stop_server),
        };
        let inner = Inner {
            hub,
            controls,
            background: Mutex::new(background),
            ports: Mutex::new(None),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Accepts connections on a TCP port from now on.
    pub(crate) fn accept_from(
        &self,
        acceptor: Acceptor,
        port: Arc<TcpPort>,
        encryption: Encryption,
    ) {
        let more = (acceptor.clone(), encryption.clone(), Handle::current());
        *self.inner.ports.lock() = Some(more);
        let acceptor = tokio::spawn(tcp::accept_all(acceptor, port, encryption));
        self.inner.background.lock().acceptor = Some(acceptor);
    }

    /// What is needed to open another port; `None` in memory.
    pub(crate) fn more_ports(&self) -> Option<MorePorts> {
        self.inner.ports.lock().clone()
    }

    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.inner.hub.core()
    }

    pub(crate) fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.inner.hub)
    }

    /// The layer of steps that are posted over HTTP.
    pub(crate) fn posted(&self) -> LayerIndex {
        LayerIndex(self.inner.controls.0 + 1)
    }

    pub(crate) fn controls(&self) -> LayerIndex {
        self.inner.controls
    }

    /// Starts the tape: its time 0 is now. The states at its very beginning hold when this returns.
    /// A second call does nothing.
    pub fn start(&self) {
        let hub = &self.inner.hub;
        let mut playback = hub.playback();
        {
            let mut core = hub.core();
            if core.zero().is_some() {
                return;
            }
            core.begin();
        }
        driver::play_first_states(hub, &mut playback);
    }

    /// Applies what holds from the tape's beginning before anybody can connect. If the port is down
    /// then, the tape's time starts at once, since no client could start it.
    pub(crate) fn prepare(&self) {
        let hub = &self.inner.hub;
        driver::play_first_states(hub, &mut hub.playback());
        let mut core = hub.core();
        if core.port() != PortState::Up {
            core.begin();
        }
    }

    /// Returns once the last step of the tape has been played. A looped tape never ends.
    ///
    /// # Errors
    /// [`EngineError::Tape`] if a step could not be read; all before it were played.
    /// [`EngineError::ShutDown`] if the engine, or the runtime it was built on, ended first.
    pub async fn finished(&self) -> Result<PlayEnd, EngineError> {
        let mut outcome = self.inner.hub.playback().outcome();
        let ended = outcome.wait_for(Option::is_some).await;
        match ended.ok().and_then(|ended| ended.clone()) {
            Some(end) => end,
            None => Err(EngineError::ShutDown),
        }
    }

    /// Where clients connect. In memory the host is a name that only the
    /// [`MemoryNet`](crate::MemoryNet) resolves.
    #[must_use]
    pub fn url(&self) -> String {
        self.inner.hub.log().journal().header().url.clone()
    }

    /// Its name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.inner.hub.playback().name().map(str::to_owned)
    }

    /// The address it listens on; `None` in memory.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.core().local_addr()
    }

    /// The engine's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.inner.hub.log().clock().clone()
    }

    /// The engine's clock at the tape's time 0, once it has begun.
    #[must_use]
    pub fn started_at(&self) -> Option<Micros> {
        self.core().zero()
    }

    /// The journal: what has happened so far.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.inner.hub.log().journal().clone()
    }

    /// The number of transport connections accepted so far, which is the number of the newest.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.core().accepted()
    }

    /// Returns once `n` connections in all have been upgraded, including those that have ended.
    ///
    /// # Errors
    /// [`EngineError::ShutDown`] if the engine ended before so many came.
    pub async fn wait_for_connections(&self, n: u64) -> Result<(), EngineError> {
        self.progress_until(|core| (core.upgraded() >= n).then_some(()))
            .await
    }

    /// The next verdict on what the tapes expect of clients. Each `expect` step played gets one
    /// when its time is over, if the builder's [`judging`](crate::EngineBuilder::judging) is set.
    /// Waits until there is one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`EngineError::ShutDown`] if the engine has ended and every verdict was taken.
    pub async fn next_verdict(&self) -> Result<Verdict, EngineError> {
        self.progress_until(Core::take_verdict).await
    }

    /// The next verdict that nobody has taken, if there is one.
    #[must_use]
    pub fn take_verdict(&self) -> Option<Verdict> {
        self.core().take_verdict()
    }

    /// The next remark on a client that the tapes leave without what it asked for: no message is for
    /// its path, or none of its subprotocols is chosen. There is one for each such path, up to a
    /// bound, and one for subprotocols. Waits until there is one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`EngineError::ShutDown`] if the engine has ended and every remark was taken.
    pub async fn next_stranger(&self) -> Result<String, EngineError> {
        self.progress_until(Core::take_stranger).await
    }

    /// The number of expectations not met so far, whoever took their verdicts.
    #[must_use]
    pub fn unmet(&self) -> u64 {
        self.core().tally().unmet
    }

    /// Returns once every `expect` step played has its verdict, and all have been taken.
    ///
    /// # Errors
    /// [`EngineError::ShutDown`] if the engine ended before that.
    pub async fn all_judged(&self) -> Result<(), EngineError> {
        self.progress_until(|core| core.all_judged().then_some(()))
            .await
    }

    /// Checks at each change in the connections until there is a result, or there can't be one any
    /// more.
    async fn progress_until<T>(
        &self,
        mut look: impl FnMut(&mut Core) -> Option<T>,
    ) -> Result<T, EngineError> {
        let hub = &self.inner.hub;
        loop {
            let mut progress = std::pin::pin!(hub.progress().notified());
            progress.as_mut().enable();
            // What came before the end counts, so the end is checked first.
            let over = hub.stopped();
            if let Some(found) = look(&mut hub.core()) {
                return Ok(found);
            }
            if over {
                return Err(EngineError::ShutDown);
            }
            progress.await;
        }
    }

    /// The number of bytes that wait for a connection's client: sent, but not handed to the system
    /// yet. `None` if the connection is over.
    #[must_use]
    pub fn waiting_bytes(&self, conn: u64) -> Option<usize> {
        self.core().waiting_bytes(ConnId::new(conn))
    }

    /// Journals a refused dial, on behalf of the dialer: over TCP only it can know.
    pub fn dial_refused(&self) {
        self.inner.hub.log().write(None, JournalKind::DialRefused);
    }

    /// Journals a remark.
    pub fn note(&self, conn: Option<u64>, text: impl Into<String>) {
        self.inner.hub.log().note(conn.map(ConnId::new), text);
    }

    /// Ends every connection with a FIN after what is in flight, gives the port up, and returns
    /// once no task is left. Anything that takes longer than two seconds is cut off.
    pub async fn shutdown(&self) {
        let (mut tasks, background) = self.inner.stop();
        let log = self.inner.hub.log();
        let patience = log.in_future(SHUTDOWN_WAIT);
        let mut server = background.server;
        tokio::select! {
            biased;
            () = async {
                while tasks.join_next().await.is_some() {}
                if let Some(server) = &mut server {
                    // It cannot be cancelled and does not panic.
                    let _ = server.await;
                }
            } => server = None,
            () = log.clock().sleep_until(patience) => {}
        }
        tasks.shutdown().await;
        for task in [background.driver, background.acceptor, server]
            .into_iter()
            .flatten()
        {
            task.abort();
            // It was cancelled on purpose.
            let _ = task.await;
        }
    }
}

impl Inner {
    /// Stops accepting, ends all connections, and returns what still runs.
    fn stop(&self) -> (tokio::task::JoinSet<()>, Background) {
        let mut background = std::mem::take(&mut *self.background.lock());
        // Before the driver is stopped: when that goes, it cuts off what is left, while these tasks
        // may end by themselves.
        let tasks = self.hub.stop();
        for task in [&background.driver, &background.acceptor]
            .into_iter()
            .flatten()
        {
            task.abort();
        }
        self.hub.playback().finish(Err(EngineError::ShutDown));
        self.hub.core().end_all();
        drop(background.stop_server.take());
        (tasks, background)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Dropping the set cuts off its tasks; the server ends by itself.
        drop(self.stop());
    }
}
