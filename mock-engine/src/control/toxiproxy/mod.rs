//! Toxiproxy's HTTP API before a real engine, as far as its published clients use it.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `routes` | which path is what, and what is answered |
//! | `proxies` | the proxies there are: ports to the same real engine, and the toxics of each |
//! | `proxy` | a proxy as its JSON has it |
//! | `toxic` | a toxic as its JSON has it, and what that does |
//! | `refusal` | what went wrong, in Toxiproxy's words |
//!
//! It listens on loopback only, and reaches the real engine of the command line and no other.

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

/// Toxiproxy's API of an engine. Dropping it closes the port; the toxics it has laid stay.
#[derive(Debug)]
pub struct Toxiproxy {
    served: Served,
}

impl Engine {
    /// Opens Toxiproxy's API for this engine, whose real engine is at `upstream`, such as
    /// `engine.example:443`.
    ///
    /// # Errors
    /// [`ControlError::NotLoopback`] if other machines could reach it; [`ControlError::NoUpstream`]
    /// if the engine plays a tape; and an error if the address can't be had.
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
