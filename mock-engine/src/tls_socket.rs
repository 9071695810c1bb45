//! A socket behind TLS, joined to a link like a bare one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use wstape_tape::{Micros, TlsFault};

use crate::acceptor::Dialed;
use crate::hub::Hub;
use crate::pump::{Socket, pump, reset};
use crate::tls::{Tls, failure};

/// How long a client may take for its TLS handshake.
const MAX_HANDSHAKE_WAIT: Micros = Micros::from_ms(30_000);

/// The bytes read at a time from a client whose handshake is never answered.
const SWALLOW_BYTES: usize = 1024;

/// A connection's TLS, and how it is ended.
struct TlsSocket {
    stream: Box<TlsStream<TcpStream>>,
    /// Whether it ends without a `close_notify`.
    cut: bool,
}

/// Answers the TLS handshake of a dial, and carries its bytes until both directions are over.
pub(crate) async fn run(hub: Arc<Hub>, dialed: Dialed, socket: TcpStream, tls: Tls) {
    let clock = hub.log().clock().clone();
    if dialed.tls == Some(TlsFault::Stalled) {
        return swallow(dialed, socket).await;
    }
    let patience = hub.log().in_future(MAX_HANDSHAKE_WAIT);
    let handshake = tls.acceptor(dialed.tls).accept(socket);
    let shaken = tokio::select! {
        biased;
        shaken = handshake => shaken,
        () = clock.sleep_until(patience) => Err(io::ErrorKind::TimedOut.into()),
    };
    drop(tls);
    match (shaken, dialed.id) {
        (Ok(stream), _) => {
            let socket = TlsSocket {
                stream: Box::new(stream),
                cut: dialed.tls == Some(TlsFault::NoCloseNotify),
            };
            drop(hub);
            pump(clock, dialed.end, socket).await;
        }
        (Err(error), Some(id)) => hub.core().tls_failed(id, failure(&error)),
        (Err(_), None) => {}
    }
}

/// Reads and discards until the client is gone.
async fn swallow(dialed: Dialed, mut socket: TcpStream) {
    let mut sink = [0; SWALLOW_BYTES];
    while matches!(socket.read(&mut sink).await, Ok(1..)) {}
    drop(dialed.end);
}

impl Socket for TlsSocket {
    type Read<'a> = ReadHalf<&'a mut Self>;
    type Write<'a> = WriteHalf<&'a mut Self>;

    fn halves(&mut self) -> (Self::Read<'_>, Self::Write<'_>) {
        tokio::io::split(self)
    }

    fn reset(self) {
        reset(self.stream.into_inner().0);
    }
}

impl AsyncRead for TlsSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for TlsSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.cut {
            return Pin::new(self.stream.get_mut().0).poll_shutdown(cx);
        }
        Pin::new(&mut *self.stream).poll_shutdown(cx)
    }
}
