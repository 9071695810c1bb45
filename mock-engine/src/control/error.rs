//! Why there is no control port.

use std::io;
use std::net::SocketAddr;

use crate::error::cannot_listen;

/// Why there is no control port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Others than this machine could reach it, and nobody would have to bring a token.
    #[error(
        "{0} can be reached from other machines, so a control port there needs a token \
         (--control-token-env)"
    )]
    NeedsToken(SocketAddr),
    /// A token that no header can hold, or none at all.
    #[error("the token must be visible ASCII without spaces, because it is sent in a header")]
    BadToken,
    /// Others than this machine could reach Toxiproxy's API, which knows no token.
    #[error("{0} can be reached from other machines, but Toxiproxy's API is for loopback only")]
    NotLoopback(SocketAddr),
    /// There is no real engine for Toxiproxy's API to stand before.
    #[error("Toxiproxy's API needs a port with a real engine behind it")]
    NoUpstream,
    /// The address could not be had.
    #[error("cannot listen on {addr}: {}", cannot_listen(source))]
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
