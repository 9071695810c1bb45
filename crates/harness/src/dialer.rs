//! Dialers that lead to the engine of a scenario.

use std::io;

use tokio::net::TcpStream;
use wstape_mock_engine::{Engine, MemoryNet};

use crate::net::{Dialer, Dialing, Transport};

/// Dials the engine in memory; a dial takes no time.
#[derive(Debug, Clone)]
pub struct MemoryDialer {
    net: MemoryNet,
}

impl MemoryDialer {
    /// To the engine that listens on `net`.
    #[must_use]
    pub fn new(net: MemoryNet) -> Self {
        Self { net }
    }
}

impl Dialer for MemoryDialer {
    fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> Dialing<'a> {
        Box::pin(async {
            let stream = self.net.connect().await?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

/// Dials the engine over TCP, and tells its journal of the dials that it can't see itself: those
/// that the port refused.
#[derive(Debug, Clone)]
pub struct TcpDialer {
    engine: Engine,
}

impl TcpDialer {
    /// To `engine`, which listens on TCP.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

impl Dialer for TcpDialer {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let stream = match TcpStream::connect((host, port)).await {
                Ok(stream) => stream,
                Err(error) => {
                    if error.kind() == io::ErrorKind::ConnectionRefused {
                        self.engine.dial_refused();
                    }
                    return Err(error);
                }
            };
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}
