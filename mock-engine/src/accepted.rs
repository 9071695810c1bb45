//! A connection that has a number: the engine's end of its link.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use wstape_tape::End;

use crate::hub::Hub;
use crate::ids::ConnId;
use crate::link::EngineEnd;

/// The part that the server and the connection's own task read and write. Dropping it ends the
/// connection.
#[derive(Debug)]
pub(crate) struct Accepted {
    io: EngineEnd,
    id: ConnId,
    hub: Arc<Hub>,
}

impl Accepted {
    pub(crate) fn new(io: EngineEnd, id: ConnId, hub: Arc<Hub>) -> Self {
        Self { io, id, hub }
    }

    pub(crate) fn id(&self) -> ConnId {
        self.id
    }

    /// Reads and discards until the client is gone: a connection that is never answered.
    pub(crate) async fn drain(mut self) {
        let mut sink = [0; 1024];
        while matches!(self.read(&mut sink).await, Ok(1..)) {}
    }
}

impl AsyncRead for Accepted {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let (room, before) = (buf.remaining(), buf.filled().len());
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        match &read {
            Poll::Ready(Err(_)) => this.hub.core().client_gone(this.id, End::Reset),
            Poll::Ready(Ok(())) if room > 0 && buf.filled().len() == before => {
                this.hub.core().client_gone(this.id, End::Fin);
            }
            _ => {}
        }
        read
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

impl Drop for Accepted {
    fn drop(&mut self) {
        self.hub.core().remove(self.id);
    }
}
