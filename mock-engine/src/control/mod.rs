//! The control port: a running engine steered over HTTP, from any language.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `listener` | connections taken, so many at a time, each request within its time |
//! | `guard` | who may ask: loopback, or who brings the token; no other site's page |
//! | `routes` | which path is what; `openapi.json` says it for people and tools |
//! | `problem` | what went wrong, as an answer |
//! | `body` | requests read, bounded in size and time |
//! | `state` | the engine, and when it was told to end |
//! | `look` | what is: the engine, its connections, its faults, its verdict |
//! | `steer` | what changes: steps, faults, the tape, the end |
//! | `journal` | the journal, whole or followed |
//! | `wait` | an answer once something is so |
//! | `page` | the page that a browser gets |
//!
//! It has a thread of its own, so that it answers whatever the engine's clients do.

mod body;
mod guard;
mod journal;
mod listener;
mod look;
mod page;
mod problem;
mod routes;
mod state;
mod steer;
mod wait;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use self::guard::Guard;
use self::state::State;
use crate::engine::Engine;

pub use self::body::{MAX_BODY_WAIT, MAX_REQUEST_BYTES, MAX_TAPE_BYTES};
pub use self::journal::MAX_FOLLOWERS;
pub use self::listener::{MAX_CONTROL_CONNECTIONS, MAX_HEAD_WAIT};
pub use self::wait::MAX_WAIT;

/// Why there is no control port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Others than this machine could reach it, and nobody would have to bring a token.
    #[error("{0} can be reached from other machines: a control port there needs a token")]
    NeedsToken(SocketAddr),
    /// A token that no header can hold, or none at all.
    #[error("the token must be visible ASCII without spaces, for it is sent in a header")]
    BadToken,
    /// The address could not be had.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no thread left, or no runtime.
    #[error("cannot start the control port: {0}")]
    Start(io::Error),
}

/// The control port of an engine. Dropping it closes the port.
#[derive(Debug)]
pub struct Control {
    addr: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Opens a control port for this engine. It should have been built with
    /// [`followed`](crate::EngineBuilder::followed) and [`judging`](crate::EngineBuilder::judging):
    /// without them the journal and the verdict are empty.
    ///
    /// `ca` is a PEM file of the authority that the engine's certificate is signed by, for
    /// `GET /v1/engine`; with `token`, each request must bring it.
    ///
    /// # Errors
    /// Where the address can't be had, or could be reached from elsewhere and there is no token.
    pub fn control(
        &self,
        addr: SocketAddr,
        token: Option<String>,
        ca: Option<String>,
    ) -> Result<Control, ControlError> {
        match &token {
            None if !addr.ip().is_loopback() => return Err(ControlError::NeedsToken(addr)),
            Some(token) if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) => {
                return Err(ControlError::BadToken);
            }
            _ => {}
        }
        let listen = |source| ControlError::Listen { addr, source };
        let socket = std::net::TcpListener::bind(addr).map_err(listen)?;
        socket.set_nonblocking(true).map_err(listen)?;
        let bound = socket.local_addr().map_err(listen)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ControlError::Start)?;
        let state = Arc::new(State::new(self, ca));
        let router = routes::router(Arc::clone(&state), Guard::new(token));
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            // Where it can't be had, whoever asks finds the port closed.
            if let Ok(listener) = TcpListener::from_std(socket) {
                listener::serve(listener, router, stopped).await;
            }
        };
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || runtime.block_on(serve))
            .map_err(ControlError::Start)?;
        Ok(Control {
            addr: bound,
            state,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Control {
    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns once somebody has told the engine to end.
    pub async fn ended(&self) {
        self.state.ended().await;
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends within the time that answers under way may take, and does not panic.
            let _ = thread.join();
        }
    }
}
