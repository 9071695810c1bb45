//! Streams to a real engine, and their dialers.

use std::fmt;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::link::ClientEnd;
use crate::memory::MemoryNet;
use crate::pump::reset;

/// A byte stream to a real engine, the one inside TLS if TLS is spoken. Dropping it sends a FIN.
pub trait UpstreamStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Ends it with an RST: anything in flight is discarded.
    fn reset(self: Box<Self>);
}

impl UpstreamStream for TcpStream {
    fn reset(self: Box<Self>) {
        reset(*self);
    }
}

/// A dial under way: gives a stream, or a few words on why there is none.
pub type UpstreamDialing<'a> =
    Pin<Box<dyn Future<Output = Result<Box<dyn UpstreamStream>, String>> + Send + 'a>>;

/// The way to a real engine.
pub trait UpstreamDialer: fmt::Debug + Send + Sync + 'static {
    /// Dials once.
    fn dial(&self) -> UpstreamDialing<'_>;
}

impl UpstreamStream for ClientEnd {
    fn reset(self: Box<Self>) {
        ClientEnd::reset(*self);
    }
}

/// Puts an engine in memory behind another, for tests in virtual time.
impl UpstreamDialer for MemoryNet {
    fn dial(&self) -> UpstreamDialing<'_> {
        Box::pin(async move {
            match self.connect().await {
                Ok(end) => Ok(Box::new(end) as Box<dyn UpstreamStream>),
                Err(error) => Err(error.to_string()),
            }
        })
    }
}
