//! What a dial returns: a TCP stream or a scenario's.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::network::Transport;

/// A connection, over TCP or in a scenario.
pub struct Stream(Kind);

enum Kind {
    Tcp(TcpStream),
    Scenario(Box<dyn Transport>),
}

impl Stream {
    pub(crate) fn in_scenario(transport: Box<dyn Transport>) -> Self {
        Self(Kind::Scenario(transport))
    }

    /// The TCP stream, to set its options; `None` inside a scenario.
    #[must_use]
    pub fn as_tcp(&self) -> Option<&TcpStream> {
        match &self.0 {
            Kind::Tcp(stream) => Some(stream),
            Kind::Scenario(_) => None,
        }
    }

    /// Sets `TCP_NODELAY`; inside a scenario there is nothing to set.
    ///
    /// # Errors
    /// As [`TcpStream::set_nodelay`].
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.as_tcp()
            .map_or(Ok(()), |stream| stream.set_nodelay(nodelay))
    }

    fn as_io(self: Pin<&mut Self>) -> Pin<&mut dyn Transport> {
        match &mut self.get_mut().0 {
            Kind::Tcp(stream) => Pin::new(stream),
            Kind::Scenario(transport) => Pin::new(&mut **transport),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self(Kind::Tcp(stream))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tcp(stream) => f.debug_tuple("Tcp").field(stream).finish(),
            Kind::Scenario(_) => f.write_str("Scenario"),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.as_io().poll_read(context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.as_io().poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.as_io().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Kind::Tcp(stream) => stream.is_write_vectored(),
            Kind::Scenario(transport) => transport.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_io().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_io().poll_shutdown(context)
    }
}
