//! The control port: steers a running engine over HTTP, from any language.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `listener` | accepts connections up to a bound, and bounds each request's time |
//! | `guard` | who may make requests: loopback, or whoever brings the token; no other site's page |
//! | `routes` | which path does what; `openapi.json` says so for people and tools |
//! | `problem` | an error, as an answer |
//! | `body` | requests read, bounded in size and time |
//! | `state` | the engine, and when it was told to end |
//! | `look` | requests that read: the engine, its connections, its faults, its verdict |
//! | `steer` | requests that change something: steps, faults, the tape, the end |
//! | `journal` | the journal, whole or followed |
//! | `wait` | an answer once a condition holds |
//! | `page` | the page that a browser gets |
//! | `thread` | a port with a thread of its own, so that it answers whatever the engine's clients do |
//! | `toxiproxy` | another such port: Toxiproxy's API in front of a real engine |

mod body;
mod error;
mod guard;
mod journal;
mod listener;
mod look;
mod page;
mod problem;
mod routes;
mod state;
mod steer;
mod thread;
mod toxiproxy;
mod wait;

use std::net::SocketAddr;
use std::sync::Arc;

use self::guard::Guard;
use self::state::State;
use self::thread::{Served, serve};
use crate::engine::Engine;

pub use self::body::{MAX_BODY_WAIT, MAX_REQUEST_BYTES, MAX_TAPE_BYTES};
pub use self::error::ControlError;
pub use self::journal::MAX_FOLLOWERS;
pub use self::listener::{MAX_CONTROL_CONNECTIONS, MAX_HEAD_WAIT};
pub use self::toxiproxy::{MAX_PROXIES, MAX_TOXICS, OWN_PROXY, Toxiproxy};
pub use self::wait::MAX_WAIT;

/// The control port of an engine. Dropping it closes the port.
#[derive(Debug)]
pub struct Control {
    served: Served,
    state: Arc<State>,
}

impl Engine {
    /// Opens a control port for this engine. It should have been built with
    /// [`followed`](crate::EngineBuilder::followed) and [`judging`](crate::EngineBuilder::judging):
    /// without them the journal and the verdict are empty.
    ///
    /// `ca` is a PEM file of the authority that signed the engine's certificate, for
    /// `GET /v1/engine`; with `token`, each request must bring it.
    ///
    /// # Errors
    /// If it can't listen on the address; if other machines can reach it and there is no token; or
    /// if the token can't be sent in a header.
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
        let state = Arc::new(State::new(self, ca));
        let router = || routes::router(Arc::clone(&state), Guard::new(token));
        let served = serve("control", addr, router)?;
        Ok(Control { served, state })
    }
}

impl Control {
    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.served.addr
    }

    /// Returns once somebody has told the engine to end.
    pub async fn ended(&self) {
        self.state.ended().await;
    }
}
