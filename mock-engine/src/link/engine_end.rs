//! The engine's end of a link, and the handle that steers the link.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wstape_tape::End;

use wstape_tape::Micros;

use super::conditions::Conditions;
use super::lane::Lane;
use super::lanes::{HIGH_WATER_BYTES, HeldBytes, Lanes, Memory, Read, Shared, poll_lane, wake};
use crate::clock::Timer;

/// The engine's end of a link: reads what the client wrote, and writes to the client.
///
/// Dropping it without an end queues a FIN.
#[derive(Debug)]
pub struct EngineEnd {
    shared: Arc<Shared>,
    timer: Timer,
}

impl EngineEnd {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let timer = Timer::new(shared.clock.clone());
        Self { shared, timer }
    }
}

impl AsyncRead for EngineEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shared = &this.shared;
        if shared.lanes.lock().from_client.closed() {
            return Poll::Ready(Ok(()));
        }
        let read = poll_lane(
            shared,
            &mut this.timer,
            cx,
            |lanes| &mut lanes.from_client,
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

impl AsyncWrite for EngineEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let shared = &self.shared;
        let (written, reader) = {
            let mut lanes = shared.lanes.lock();
            if !lanes.pass(|| shared.clock.now()) {
                return Poll::Ready(Ok(buf.len()));
            }
            let lane = &mut lanes.to_client;
            if lane.ended() || lane.closed() {
                // What is written after an end is lost, as on a real socket.
                return Poll::Ready(Ok(buf.len()));
            }
            // An HTTP answer waits for the client to read; only frames are sent whether it reads or
            // not.
            let len = buf.len().min(room(lane));
            if len == 0 && !buf.is_empty() {
                lane.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            lane.push(|| shared.clock.now(), Bytes::copy_from_slice(&buf[..len]));
            (len, lane.reader.take())
        };
        wake(reader);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let waker = {
            let mut lanes = self.shared.lanes.lock();
            lanes.to_client.finish(|| self.shared.clock.now());
            lanes.to_client.reader.take()
        };
        wake(waker);
        Poll::Ready(Ok(()))
    }
}

impl Drop for EngineEnd {
    fn drop(&mut self) {
        finish(&self.shared);
    }
}

/// The number of bytes that can still be pushed towards the client: none if all clients together
/// take too much and this one is behind.
fn room(lane: &Lane) -> usize {
    if lane.weight() > HIGH_WATER_BYTES && lane.over_budget() {
        return 0;
    }
    lane.room()
}

/// Queues `bytes` towards the client; `false` if that exceeded the lane's capacity and the link was
/// reset.
fn push(shared: &Shared, bytes: Bytes) -> bool {
    let (fits, wakers) = {
        let mut lanes = shared.lanes.lock();
        if !lanes.pass(|| shared.clock.now()) {
            return true;
        }
        let fits = bytes.len() <= room(&lanes.to_client);
        if fits {
            lanes.to_client.push(|| shared.clock.now(), bytes);
            (fits, [lanes.to_client.reader.take(), None, None, None])
        } else {
            (
                fits,
                end_both(&mut lanes, |lane| lane.reset(shared.clock.now())),
            )
        }
    };
    wakers.into_iter().for_each(wake);
    fits
}

/// Ends the stream both ways for the engine, by `end` towards the client, and reads no more.
fn end_both(lanes: &mut Lanes, end: impl FnOnce(&mut Lane)) -> [Option<Waker>; 4] {
    end(&mut lanes.to_client);
    lanes.from_client.close();
    [
        lanes.to_client.reader.take(),
        lanes.to_client.writer.take(),
        lanes.from_client.reader.take(),
        lanes.from_client.writer.take(),
    ]
}

fn finish(shared: &Shared) {
    let wakers = end_both(&mut shared.lanes.lock(), |lane| {
        lane.finish(|| shared.clock.now());
    });
    wakers.into_iter().for_each(wake);
}

/// Steers a link from the engine's side, without owning an end of it.
#[derive(Debug, Clone)]
pub struct LinkHandle {
    shared: Arc<Shared>,
}

impl LinkHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Queues `bytes` towards the client without copying them. Returns `false`, and resets the
    /// link, if more than [`TO_CLIENT_CAPACITY_BYTES`](super::TO_CLIENT_CAPACITY_BYTES) or
    /// [`MAX_TO_CLIENT_CHUNKS`](super::MAX_TO_CLIENT_CHUNKS) would wait, or for all clients more
    /// than [`MAX_TO_CLIENTS_BYTES`](super::MAX_TO_CLIENTS_BYTES).
    pub fn push(&self, bytes: Bytes) -> bool {
        push(&self.shared, bytes)
    }

    /// Whether this many bytes fare the same in one piece as in several: nothing delays, cuts or
    /// damages them, and there is room for all of them.
    pub(crate) fn joins(&self, bytes: usize) -> bool {
        let lanes = self.shared.lanes.lock();
        lanes.to_client.joins() && bytes <= room(&lanes.to_client)
    }

    /// Ends the stream both ways; the FIN queues after the bytes in flight.
    pub fn fin(&self) {
        finish(&self.shared);
    }

    /// Ends the stream towards the client, after the bytes in flight; what the client sends is
    /// still taken.
    pub fn half_close(&self) {
        let reader = {
            let mut lanes = self.shared.lanes.lock();
            lanes.to_client.finish(|| self.shared.clock.now());
            lanes.to_client.reader.take()
        };
        wake(reader);
    }

    /// Resets the stream; bytes in flight or held are discarded. On a held link the client notices
    /// when the hold ends.
    pub fn reset(&self) {
        let now = self.shared.clock.now();
        let wakers = end_both(&mut self.shared.lanes.lock(), |lane| lane.reset(now));
        wakers.into_iter().for_each(wake);
    }

    /// Ends the stream both ways, whatever holds or slows it: bytes and FIN arrive now.
    pub fn fin_now(&self) {
        let wakers = end_both(&mut self.shared.lanes.lock(), |lane| {
            lane.finish(|| self.shared.clock.now());
            lane.hurry();
        });
        wakers.into_iter().for_each(wake);
    }

    /// Changes what the link does to bytes from now on. If that ends a hold, returns what it held
    /// back.
    pub fn change(&self, to_client: Conditions, from_client: Conditions) -> Option<HeldBytes> {
        let ends = [&to_client, &from_client].map(|conditions| !conditions.held);
        let (released, wakers) = {
            let mut lanes = self.shared.lanes.lock();
            let released = lanes.held_bytes(ends);
            lanes.memory = match (to_client.forgets_after, lanes.memory) {
                (_, Memory::Gone) => Memory::Gone,
                (None, _) => Memory::Lasting,
                (Some(_), fading @ Memory::Fading { .. }) => fading,
                (Some(_), Memory::Lasting) => Memory::Fading {
                    passed_at: self.shared.clock.now(),
                },
            };
            lanes
                .to_client
                .change(|| self.shared.clock.now(), to_client);
            lanes
                .from_client
                .change(|| self.shared.clock.now(), from_client);
            let wakers = [
                lanes.to_client.reader.take(),
                lanes.from_client.reader.take(),
                // There may be room again without a read to announce it.
                lanes.from_client.writer.take(),
            ];
            (released, wakers)
        };
        wakers.into_iter().for_each(wake);
        released
    }

    /// How the engine has ended the stream towards the client; `None` if it hasn't.
    pub(crate) fn ended(&self) -> Option<End> {
        self.shared.lanes.lock().to_client.how_ended()
    }

    /// Whether the engine has ended the stream both ways, and reads no more.
    pub(crate) fn is_cut(&self) -> bool {
        self.shared.lanes.lock().from_client.closed()
    }

    /// Waits until the client has caught up, so that more can be sent without piling up. `false` if
    /// nothing can be sent any more: the stream has ended, or the client is gone. Only one task at
    /// a time may wait, and nobody may write meanwhile.
    pub(crate) async fn room(&self) -> bool {
        self.wait_to_send(|lane| lane.weight() <= HIGH_WATER_BYTES && !lane.over_budget())
            .await
    }

    /// Returns once the stream towards the client has ended, or the client is gone. Like
    /// [`room`](Self::room), for one task at a time.
    pub(crate) async fn gone(&self) {
        self.wait_to_send(|_| false).await;
    }

    async fn wait_to_send(&self, is_so: impl Fn(&Lane) -> bool) -> bool {
        std::future::poll_fn(|cx| {
            let mut lanes = self.shared.lanes.lock();
            let lane = &mut lanes.to_client;
            if lane.ended() || lane.closed() {
                return Poll::Ready(false);
            }
            if is_so(lane) {
                return Poll::Ready(true);
            }
            lane.writer = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// What is held back now; `None` if nothing is.
    pub(crate) fn held_bytes(&self) -> Option<HeldBytes> {
        self.shared.lanes.lock().held_bytes([true, true])
    }

    /// When something last passed, if the connection can be forgotten.
    pub(crate) fn passed_at(&self) -> Option<Micros> {
        match self.shared.lanes.lock().memory {
            Memory::Fading { passed_at } => Some(passed_at),
            Memory::Lasting | Memory::Gone => None,
        }
    }

    /// Whether the link has forgotten the connection.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.shared.lanes.lock().memory == Memory::Gone
    }

    /// Forgets the connection: from now on what is sent towards the client is lost, and the first
    /// thing that the client sends meets a reset.
    pub(crate) fn forget(&self) {
        self.shared.lanes.lock().memory = Memory::Gone;
    }

    /// The number of bytes that wait for the client, held or in flight.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.shared.lanes.lock().to_client.queued_bytes()
    }

    /// Whether a hold keeps back something that the client would still read.
    pub(crate) fn stalled(&self) -> bool {
        let lanes = self.shared.lanes.lock();
        lanes.to_client.held() && !lanes.to_client.closed()
    }

    /// Whether the client could read but is behind by more than a megabyte.
    pub(crate) fn behind(&self) -> bool {
        let lanes = self.shared.lanes.lock();
        !lanes.to_client.held() && lanes.to_client.weight() > HIGH_WATER_BYTES
    }
}
