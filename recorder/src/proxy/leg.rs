//! The two streams of a connection, and where they come from.

use std::future::Future;
use std::io;

use engine_client::{DialError, NetDialer, NetStream, Target};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A byte stream that can end with a reset. Dropping it sends a FIN.
pub trait Leg: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Ends it with a reset: what is in flight is discarded.
    fn reset(self);
}

/// Where clients come from.
pub trait Listen: Send {
    /// A client's stream.
    type Leg: Leg;

    /// Waits for a client. Cancel safe.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Leg>> + Send;
}

/// How to reach the engine.
pub trait Reach: Send + Sync + 'static {
    /// A stream to the engine; if TLS is used, the one inside TLS.
    type Leg: Leg;

    /// Connects once.
    fn dial(&self) -> impl Future<Output = Result<Self::Leg, DialError>> + Send;
}

impl Leg for TcpStream {
    fn reset(self) {
        // If the socket refuses, the peer sees an ordinary end.
        let _ = self.set_zero_linger();
    }
}

impl Leg for NetStream {
    fn reset(self) {
        let _ = self.socket().set_zero_linger();
    }
}

impl Listen for TcpListener {
    type Leg = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Disables Nagle's algorithm, so that bytes are passed on as they come.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Reaches an engine over TCP, and TLS for `wss`.
#[derive(Debug)]
pub struct NetReach {
    dialer: NetDialer,
    target: Target,
}

impl NetReach {
    /// Reaches `target` through `dialer`.
    #[must_use]
    pub fn new(dialer: NetDialer, target: Target) -> Self {
        Self { dialer, target }
    }
}

impl Reach for NetReach {
    type Leg = NetStream;

    async fn dial(&self) -> Result<NetStream, DialError> {
        self.dialer.connect(&self.target).await
    }
}
