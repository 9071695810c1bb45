//! The hub: everything an engine shares between its tasks.
//!
//! All state stands behind one lock and every step is performed in one go under it, so that the
//! order of what happens is exact. Links and journal have locks of their own, always taken
//! inside; nothing is awaited while one is held.

mod agenda;
mod conn;
mod delivery;
mod held;
mod perform;
mod places;
mod state;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use parking_lot::{Mutex, MutexGuard};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use wstape_tape::End;

pub(crate) use held::Decision;
pub(crate) use state::{Beginning, Prologue, State};

use crate::clock::Clock;
use crate::journal::{Journal, JournalKind};
use crate::layers::Greeting;
use crate::link::{self, ClientEnd, EngineEnd};
use crate::player::Play;
use crate::server::Authorization;

/// Connections that may wait for the server to take them, as in a socket's backlog; further
/// ones are reset.
pub(crate) const BACKLOG: usize = 65_536;

/// What an engine's tasks share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) authorization: Authorization,
    /// Wakes the driver: something is due, or the tape may go on.
    pub(crate) wake: Arc<Notify>,
    /// Told when a client has caught up.
    drained: Arc<Notify>,
    /// Told of each change in the connections.
    pub(crate) progress: Arc<Notify>,
    /// The tapes; taken before the state where both are.
    play: Mutex<Play>,
    state: Mutex<State>,
    server: mpsc::Sender<Accepted>,
    start_on_accept: AtomicBool,
    start_on_upgrade: AtomicBool,
    stopped: AtomicBool,
    tasks: Mutex<JoinSet<()>>,
}

/// What begins the tape by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginner {
    Nothing,
    Accept,
    Upgrade,
}

impl Hub {
    pub(crate) fn new(
        beginning: Beginning,
        play: Play,
        authorization: Authorization,
        drained: Arc<Notify>,
        beginner: Beginner,
        server: mpsc::Sender<Accepted>,
    ) -> Self {
        let (clock, journal, wake) = (
            beginning.clock.clone(),
            beginning.journal.clone(),
            Arc::clone(&beginning.wake),
        );
        let state = State::new(beginning);
        Self {
            clock,
            journal,
            authorization,
            wake,
            drained,
            progress: Arc::clone(&state.progress),
            play: Mutex::new(play),
            state: Mutex::new(state),
            server,
            start_on_accept: AtomicBool::new(beginner == Beginner::Accept),
            start_on_upgrade: AtomicBool::new(beginner == Beginner::Upgrade),
            stopped: AtomicBool::new(false),
            tasks: Mutex::new(JoinSet::new()),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(crate) fn play(&self) -> MutexGuard<'_, Play> {
        self.play.lock()
    }

    pub(crate) fn log(&self, conn: Option<u64>, kind: JournalKind) {
        self.journal.write(self.clock.now(), conn, kind);
    }

    /// Runs `task` as one of the engine's own: it ends with the engine at the latest.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock();
        while tasks.try_join_next().is_some() {}
        if !self.stopped.load(Ordering::Acquire) {
            tasks.spawn(task);
        }
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Takes no more connections and tasks; hands out the tasks there are.
    pub(crate) fn stop(&self) -> JoinSet<()> {
        let mut tasks = self.tasks.lock();
        self.stopped.store(true, Ordering::Release);
        std::mem::take(&mut *tasks)
    }

    /// A dial has reached the port: gives it a link, a number and whatever meets it.
    pub(crate) fn take_in(self: &Arc<Self>) -> io::Result<ClientEnd> {
        if self.stopped() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        // What is due at this instant has happened when the dial arrives.
        self.play().catch_up(self);
        let (engine_end, client_end, handle) =
            link::pair_with(self.clock.clone(), Arc::clone(&self.drained));
        let mut state = self.state();
        if state.down() {
            state.log(None, JournalKind::DialRefused);
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        // A tape whose answers are held is what lets anybody be upgraded.
        let begins = self.start_on_accept.swap(false, Ordering::AcqRel)
            || (state.answers_held() && self.start_on_upgrade.swap(false, Ordering::AcqRel));
        if begins && state.zero.is_none() {
            state.begin();
        }
        let (id, greeting) = state.accept(handle);
        let accepted = Accepted {
            io: engine_end,
            id,
            hub: Arc::clone(self),
        };
        // The lock is let go before `accepted` can be dropped: that takes it again.
        match greeting {
            // A prologue step has ended it.
            None => drop(state),
            Some(Greeting::Serve) => {
                drop(state);
                if let Err(
                    mpsc::error::TrySendError::Full(accepted)
                    | mpsc::error::TrySendError::Closed(accepted),
                ) = self.server.try_send(accepted)
                {
                    let mut state = self.state();
                    state.log(Some(id), JournalKind::Dropped(End::Reset));
                    state.end(id, End::Reset);
                    drop(state);
                    drop(accepted);
                }
            }
            Some(Greeting::Hang) => {
                state.hung(id);
                drop(state);
                self.spawn(accepted.outlast());
            }
            Some(Greeting::Garbage(garbage)) => {
                state.send_garbage(id, &garbage);
                drop(state);
                self.spawn(accepted.outlast());
            }
        }
        Ok(client_end)
    }

    /// The 101 for `id` is on its way.
    pub(crate) fn upgrade(&self, id: u64) {
        let mut state = self.state();
        state.upgrade(id);
        if self.start_on_upgrade.swap(false, Ordering::AcqRel) && state.zero.is_none() {
            state.begin();
        }
    }

    /// Told when a client has caught up.
    pub(crate) fn drained(&self) -> &Notify {
        &self.drained
    }
}

/// The engine's end of a connection that has a number: what the server and the connection's
/// own task read and write.
#[derive(Debug)]
pub(crate) struct Accepted {
    io: EngineEnd,
    pub(crate) id: u64,
    hub: Arc<Hub>,
}

impl Accepted {
    /// Reads and forgets until the client is gone: a connection that is never answered.
    async fn outlast(mut self) {
        let mut sink = [0; 1024];
        while matches!(self.read(&mut sink).await, Ok(1..)) {}
    }
}

impl AsyncRead for Accepted {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let (room, before) = (buf.remaining(), buf.filled().len());
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        match &read {
            Poll::Ready(Err(_)) => this.hub.state().client_gone(this.id, End::Reset),
            Poll::Ready(Ok(())) if room > 0 && buf.filled().len() == before => {
                this.hub.state().client_gone(this.id, End::Fin);
            }
            _ => {}
        }
        read
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

impl Drop for Accepted {
    fn drop(&mut self) {
        self.hub.state().remove(self.id);
    }
}
