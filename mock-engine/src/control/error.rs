//! Why a control port could not be opened.

use std::io;
use std::net::SocketAddr;

use crate::error::cannot_listen;

/// Why a control port, or Toxiproxy's API, could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Other machines could reach the port, and would need no token.
    #[error(
        "{0} can be reached from other machines, so a control port there needs a token \
         (--control-token-env)"
    )]
    NeedsToken(SocketAddr),
    /// The token is empty, or can't be sent in a header.
    #[error("the token must be visible ASCII without spaces, because it is sent in a header")]
    BadToken,
    /// Other machines could reach Toxiproxy's API, which has no tokens.
    #[error("{0} can be reached from other machines, but Toxiproxy's API is for loopback only")]
    NotLoopback(SocketAddr),
    /// There is no real engine for Toxiproxy's API to stand in front of.
    #[error("Toxiproxy's API needs a port with a real engine behind it")]
    NoUpstream,
    /// Listening on the address failed.
    #[error("cannot listen on {addr}: {}", cannot_listen(source))]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system could not start a thread or a runtime.
    #[error("cannot start the control port: {0}")]
    Start(io::Error),
}
