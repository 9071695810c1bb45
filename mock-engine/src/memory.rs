//! The network in memory: dials that become links without a socket between.

use std::io;

use crate::acceptor::Acceptor;
use crate::link::ClientEnd;

/// Dials an engine in memory. A clone dials the same one.
#[derive(Debug, Clone)]
pub struct MemoryNet {
    acceptor: Acceptor,
}

impl MemoryNet {
    pub(crate) fn new(acceptor: Acceptor) -> Self {
        Self { acceptor }
    }

    /// Dials. It takes no time: the connection is there, or refused, at once.
    ///
    /// # Errors
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) while the port is down, and once
    /// the engine is gone; [`InvalidData`](io::ErrorKind::InvalidData) where its certificate is
    /// wrong by the tape (no TLS is spoken here).
    // Async like any dial, so that callers need not know which world they are in.
    pub async fn connect(&self) -> io::Result<ClientEnd> {
        std::future::ready(self.dial()).await
    }

    fn dial(&self) -> io::Result<ClientEnd> {
        let dialed = self.acceptor.accept()?;
        match dialed.failure {
            Some(text) => Err(io::Error::new(io::ErrorKind::InvalidData, text)),
            None => Ok(dialed.end),
        }
    }
}
