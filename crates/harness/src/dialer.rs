//! Dialers that lead to the engine of a scenario.

use std::io;

use engine_client::{DialError, Dialer, Dialing, Target, Transport};
use tokio::net::TcpStream;
use wstape_mock_engine::{Engine, MemoryNet};

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
    fn dial<'a>(&'a self, _target: &'a Target) -> Dialing<'a> {
        Box::pin(async {
            let stream = self.net.connect().await.map_err(DialError::Connect)?;
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
    fn dial<'a>(&'a self, target: &'a Target) -> Dialing<'a> {
        Box::pin(async move {
            let stream = match TcpStream::connect((target.host(), target.port())).await {
                Ok(stream) => stream,
                Err(error) => {
                    if error.kind() == io::ErrorKind::ConnectionRefused {
                        self.engine.dial_refused();
                    }
                    return Err(DialError::Connect(error));
                }
            };
            stream.set_nodelay(true).map_err(DialError::Connect)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}
