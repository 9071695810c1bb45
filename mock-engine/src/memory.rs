//! The network in memory: dials become links without a socket.

use std::io;
use std::pin::pin;

use crate::acceptor::Acceptor;
use crate::journal::JournalKind;
use crate::link::ClientEnd;

/// Dials an engine in memory. Clones dial the same one.
#[derive(Debug, Clone)]
pub struct MemoryNet {
    acceptor: Acceptor,
}

impl MemoryNet {
    pub(crate) fn new(acceptor: Acceptor) -> Self {
        Self { acceptor }
    }

    /// Dials. This takes no time: the connection is there, or refused, at once. It waits only while
    /// the tape keeps dials pending.
    ///
    /// # Errors
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) while the port is down, and once the
    /// engine is gone; [`InvalidData`](io::ErrorKind::InvalidData) if the tape makes its
    /// certificate wrong (no TLS is spoken here).
    pub async fn connect(&self) -> io::Result<ClientEnd> {
        let hub = self.acceptor.hub();
        let mut is_new = true;
        loop {
            // Subscribed before the port is checked, so that nothing is missed between the two.
            let mut progress = pin!(hub.progress().notified());
            progress.as_mut().enable();
            if let Some(dialed) = self.acceptor.accept()? {
                return match dialed.failure {
                    Some(text) => Err(io::Error::new(io::ErrorKind::InvalidData, text)),
                    None => Ok(dialed.end),
                };
            }
            if is_new {
                hub.log().write(None, JournalKind::DialPending);
            }
            is_new = false;
            progress.await;
        }
    }
}
