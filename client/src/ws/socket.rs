//! An established WebSocket: tungstenite over a stream that is watched both ways.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::clock::Clock;
use super::dial::Transport;
use super::message_clock::{MessageClock, Underway};
use crate::EndReason;

/// Most bytes that wait to be written. What a subscriber sends is control frames, at most 131
/// bytes each, and tungstenite keeps one slot for a Pong that does not fit.
const MAX_WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// Most bytes of a control frame (RFC 6455, 5.5), to which the limit on messages does not apply.
const MAX_CONTROL_BYTES: usize = 125;
/// Most bytes that one read takes off the stream.
const READ_BYTES: usize = 16 * 1024;
/// Most of those that tungstenite takes at once. It zeroes that many bytes each time, most often to
/// find that nothing more has come.
const TAKEN_BYTES: usize = 4 * 1024;

/// An established connection.
pub(crate) struct Socket {
    ws: WebSocketStream<Watched>,
    /// Whether something handed to the socket has not left it yet.
    unflushed: bool,
}

impl Socket {
    /// Takes over `stream` after its handshake; `early` is what was already read off it.
    pub(crate) async fn new(
        stream: Box<dyn Transport>,
        early: Bytes,
        max_message_bytes: usize,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(TAKEN_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
            .max_message_size(Some(max_message_bytes))
            .max_frame_size(Some(max_message_bytes.max(MAX_CONTROL_BYTES)));
        let mut messages = MessageClock::default();
        messages.read(&early, || clock.now());
        let stream = Watched {
            inner: stream,
            ahead: vec![0; READ_BYTES].into(),
            waiting: 0..0,
            clock,
            messages,
            blocked_since: None,
            failed: None,
        };
        let ws =
            WebSocketStream::from_partially_read(stream, early.into(), Role::Client, Some(config))
                .await;
        Self {
            ws,
            unflushed: false,
        }
    }

    /// The next message, or how the stream ended.
    pub(crate) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Message, EndReason>> {
        if self.unflushed && self.poll_flush(cx).is_ready() {
            self.unflushed = false;
        }
        match Pin::new(&mut self.ws).poll_next(cx) {
            Poll::Ready(Some(Ok(message))) => Poll::Ready(Ok(message)),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(end_of(&error))),
            Poll::Ready(None) => Poll::Ready(Err(EndReason::Fin)),
            // A failed write is reported only once nothing is left to read: what the peer sent
            // before it went away still counts.
            Poll::Pending => match self.ws.get_ref().failed {
                Some(reason) => Poll::Ready(Err(reason)),
                None => Poll::Pending,
            },
        }
    }

    /// The message that is still coming in, if there is one.
    pub(crate) fn message_underway(&self) -> Option<Underway> {
        self.ws.get_ref().messages.underway()
    }

    /// Since when a write has been pending without taking a byte.
    pub(crate) fn write_blocked_since(&self) -> Option<Duration> {
        self.ws.get_ref().blocked_since
    }

    /// Queues `message` to leave with the next polls.
    pub(crate) fn send(&mut self, message: Message) {
        // An error here shows at the next read, as the stream's end.
        let _ = Pin::new(&mut self.ws).start_send(message);
        self.unflushed = true;
    }

    /// Writes out what is queued.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.ws).poll_flush(cx).map(|_| ())
    }

    /// Ends the connection as `reason` demands: answers the peer's Close and waits for its end of
    /// stream (RFC 6455, 7.1.1), tells it of its error, or does nothing. Unbounded in time: the
    /// caller bounds it.
    pub(crate) async fn finish(mut self, reason: EndReason) {
        match reason {
            EndReason::Closed { .. } => {
                std::future::poll_fn(|cx| {
                    // All that still matters is the peer's end of stream.
                    while let Ok(_ignored) = ready!(self.poll_message(cx)) {}
                    Poll::Ready(())
                })
                .await;
            }
            EndReason::Protocol | EndReason::Utf8 | EndReason::TooLarge => {
                let code = match reason {
                    EndReason::Utf8 => 1007,
                    EndReason::TooLarge => 1009,
                    _ => 1002,
                };
                self.send(close(code));
                std::future::poll_fn(|cx| self.poll_flush(cx)).await;
            }
            _ => {}
        }
    }
}

/// A Close with a code and no reason.
pub(crate) fn close(code: u16) -> Message {
    Message::Close(Some(CloseFrame {
        code: code.into(),
        reason: "".into(),
    }))
}

impl EndReason {
    /// How a stream ended, by its I/O error.
    pub(super) fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Reset,
            // A TLS peer that hangs up without close_notify.
            io::ErrorKind::UnexpectedEof => Self::Fin,
            _ => Self::Io,
        }
    }
}

fn end_of(error: &Error) -> EndReason {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::ConnectionClosed
        | Error::AlreadyClosed => EndReason::Fin,
        Error::Utf8(_) => EndReason::Utf8,
        Error::Capacity(_) => EndReason::TooLarge,
        Error::Io(error) => EndReason::of_io(error),
        _ => EndReason::Protocol,
    }
}

/// A stream that knows which message is coming in and since when its writes have been blocked, and
/// that keeps a failed write from ending the reading: tungstenite writes Pongs while it reads, and
/// would otherwise lose messages that had already arrived.
struct Watched {
    inner: Box<dyn Transport>,
    /// Bytes read off the stream, and where the ones tungstenite has not taken are.
    ahead: Box<[u8]>,
    waiting: Range<usize>,
    clock: Arc<dyn Clock>,
    messages: MessageClock,
    blocked_since: Option<Duration>,
    failed: Option<EndReason>,
}

impl Watched {
    fn watch(&mut self, written: Poll<io::Result<usize>>, asked: usize) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => {
                if self.blocked_since.is_none() {
                    self.blocked_since = Some(self.clock.now());
                }
                Poll::Pending
            }
            Poll::Ready(Ok(taken)) => {
                self.blocked_since = None;
                Poll::Ready(Ok(taken))
            }
            Poll::Ready(Err(error)) => {
                self.blocked_since = None;
                self.failed.get_or_insert(EndReason::of_io(&error));
                Poll::Ready(Ok(asked))
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self {
            inner,
            ahead,
            waiting,
            clock,
            messages,
            ..
        } = &mut *self;
        if waiting.start == waiting.end {
            let mut read = ReadBuf::new(ahead);
            ready!(Pin::new(inner).poll_read(cx, &mut read))?;
            *waiting = 0..read.filled().len();
            messages.read(read.filled(), || clock.now());
        }
        let taken = waiting.len().min(buf.remaining());
        buf.put_slice(&ahead[waiting.start..waiting.start + taken]);
        waiting.start += taken;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.failed.is_some() {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.watch(written, buf.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.failed.is_some() {
            return Poll::Ready(Ok(()));
        }
        // A TLS stream takes bytes in before the socket does: its flush may block as a write does.
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.watch(flushed.map_ok(|()| 0), 0).map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
