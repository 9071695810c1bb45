//! The client's end of a link.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::lane::Front;
use super::lanes::{HIGH_WATER_BYTES, Read, Shared, poll_lane, wake};
use crate::clock::Timer;

/// The most chunks handed out by one [`ClientReader::take_due`].
const MAX_CHUNKS: usize = 1_024;

/// The bytes after which it hands out no more chunks: well above the fixed cost of a write.
const ENOUGH_BYTES: usize = 64 << 10;

/// The client's end of a link: in virtual time, its socket.
///
/// Reads wait until bytes are due; writes wait while
/// [`FROM_CLIENT_CAPACITY_BYTES`](super::FROM_CLIENT_CAPACITY_BYTES) are unread. Dropping it
/// sends a FIN.
#[derive(Debug)]
pub struct ClientEnd {
    reader: ClientReader,
    writer: ClientWriter,
}

impl ClientEnd {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let timer = Timer::new(shared.clock.clone());
        let reader = ClientReader {
            shared: Arc::clone(&shared),
            timer,
        };
        Self {
            reader,
            writer: ClientWriter { shared },
        }
    }

    /// Ends the connection with a reset, not a FIN.
    pub fn reset(self) {
        self.writer.reset();
    }

    pub(crate) fn into_halves(self) -> (ClientReader, ClientWriter) {
        (self.reader, self.writer)
    }
}

impl AsyncRead for ClientEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let reader = &mut self.get_mut().reader;
        let shared = &reader.shared;
        let read = poll_lane(
            shared,
            &mut reader.timer,
            cx,
            |lanes| &mut lanes.to_client,
            |lane| {
                lane.copy_into(|| shared.clock.now(), buf);
            },
        );
        read.map(|read| match read {
            Read::Bytes | Read::Fin => Ok(()),
            Read::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        })
    }
}

impl AsyncWrite for ClientEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().writer.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().writer.fin();
        Poll::Ready(Ok(()))
    }
}

/// The client's reading half.
#[derive(Debug)]
pub(crate) struct ClientReader {
    shared: Arc<Shared>,
    timer: Timer,
}

impl ClientReader {
    /// Waits for bytes and appends all that are due to `out`; a slice comes alone. `Ok(false)`
    /// means that the stream has ended, an error that it was reset.
    pub(crate) async fn take_due(&mut self, out: &mut Vec<Bytes>) -> io::Result<bool> {
        let Self { shared, timer } = self;
        let read = std::future::poll_fn(|cx| {
            poll_lane(
                shared,
                timer,
                cx,
                |lanes| &mut lanes.to_client,
                |lane| {
                    let (mut cut, mut bytes) = (false, 0);
                    while !cut
                        && out.len() < MAX_CHUNKS
                        && bytes < ENOUGH_BYTES
                        && lane.front(|| shared.clock.now()) == Front::Bytes
                    {
                        let Some(piece) = lane.take(usize::MAX) else {
                            break;
                        };
                        cut = piece.alone;
                        bytes += piece.bytes.len();
                        out.push(piece.bytes);
                    }
                },
            )
        });
        match read.await {
            Read::Bytes => Ok(true),
            Read::Fin => Ok(false),
            Read::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
}

impl ClientReader {
    /// After the end of the stream, waits until the engine takes nothing more from the client.
    /// `true` if the engine has reset the stream.
    pub(crate) async fn engine_done(&mut self) -> bool {
        std::future::poll_fn(|cx| {
            let mut lanes = self.shared.lanes.lock();
            if lanes.to_client.was_reset() {
                return Poll::Ready(true);
            }
            if lanes.from_client.closed() {
                return Poll::Ready(false);
            }
            lanes.to_client.reader = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Drop for ClientReader {
    fn drop(&mut self) {
        let (was, writer) = {
            let mut lanes = self.shared.lanes.lock();
            let was = lanes.to_client.weight();
            lanes.to_client.close();
            (was, lanes.to_client.writer.take())
        };
        wake(writer);
        if was > HIGH_WATER_BYTES {
            self.shared.drained.notify_one();
        }
    }
}

/// The client's writing half. Dropping it sends a FIN.
#[derive(Debug)]
pub(crate) struct ClientWriter {
    shared: Arc<Shared>,
}

impl ClientWriter {
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let shared = &self.shared;
        let (written, waker) = {
            let mut lanes = shared.lanes.lock();
            if lanes.to_client.front(|| shared.clock.now()) == Front::Reset {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            if !buf.is_empty() && !lanes.from_client.ended() && !lanes.pass(|| shared.clock.now()) {
                let wakers = lanes.answer_forgotten(shared.clock.now());
                drop(lanes);
                wakers.into_iter().for_each(wake);
                // A real socket would take them; the reset is on its way.
                return Poll::Ready(Ok(buf.len()));
            }
            let lane = &mut lanes.from_client;
            if lane.ended() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            if lane.closed() {
                // The engine reads no more, but a real socket would take the bytes all the same.
                return Poll::Ready(Ok(buf.len()));
            }
            let len = buf.len().min(lane.room());
            if len == 0 && !buf.is_empty() {
                lane.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            lane.push(|| shared.clock.now(), Bytes::copy_from_slice(&buf[..len]));
            (len, lane.reader.take())
        };
        wake(waker);
        Poll::Ready(Ok(written))
    }

    /// Writes all of `buf` into the lane, waiting for room.
    pub(crate) async fn write_all(&mut self, mut buf: &[u8]) -> io::Result<()> {
        while !buf.is_empty() {
            let len = std::future::poll_fn(|cx| self.poll_write(cx, buf)).await?;
            buf = &buf[len..];
        }
        Ok(())
    }

    /// Ends the client's side: it has finished writing.
    pub(crate) fn fin(&self) {
        let waker = {
            let mut lanes = self.shared.lanes.lock();
            lanes.from_client.finish(|| self.shared.clock.now());
            lanes.from_client.reader.take()
        };
        wake(waker);
    }

    /// Resets the connection, as the client.
    pub(crate) fn reset(&self) {
        let waker = {
            let mut lanes = self.shared.lanes.lock();
            lanes.from_client.reset(self.shared.clock.now());
            lanes.from_client.reader.take()
        };
        wake(waker);
    }
}

impl Drop for ClientWriter {
    fn drop(&mut self) {
        self.fin();
    }
}
