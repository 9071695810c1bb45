//! Toxiproxy's HTTP API in front of a real engine, as far as its published clients use it.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `routes` | which path does what, and its answers |
//! | `proxies` | all proxies: ports to the same real engine, and the toxics of each |
//! | `proxy` | a proxy as JSON |
//! | `toxic` | a toxic as JSON, and its effect |
//! | `refusal` | an error, in Toxiproxy's words |
//!
//! It listens on loopback only, and reaches only the real engine that it is given.

mod proxies;
mod proxy;
mod refusal;
mod routes;
mod toxic;

use std::net::SocketAddr;
use std::sync::Arc;

use self::proxies::Proxies;
use super::error::ControlError;
use super::guard::Guard;
use super::thread::{Served, serve};
use crate::engine::Engine;

pub use self::proxies::{MAX_PROXIES, MAX_TOXICS, OWN_PROXY};

/// Toxiproxy's API for an engine. Dropping it closes the port; the toxics laid through it stay.
#[derive(Debug)]
pub struct Toxiproxy {
    served: Served,
}

impl Engine {
    /// Opens Toxiproxy's API for this engine. `upstream` is where the real engine behind it is,
    /// such as `engine.example:443`.
    ///
    /// # Errors
    /// [`ControlError::NotLoopback`] if other machines could reach it; [`ControlError::NoUpstream`]
    /// if the engine plays a tape; and an error if it can't listen on the address.
    pub fn toxiproxy(&self, addr: SocketAddr, upstream: &str) -> Result<Toxiproxy, ControlError> {
        if !addr.ip().is_loopback() {
            return Err(ControlError::NotLoopback(addr));
        }
        let proxies = Proxies::of(self, upstream).ok_or(ControlError::NoUpstream)?;
        let router = || routes::router(Arc::new(proxies), Guard::new(None));
        Ok(Toxiproxy {
            served: serve("toxiproxy", addr, router)?,
        })
    }
}

impl Toxiproxy {
    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.served.addr
    }
}
