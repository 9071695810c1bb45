//! What the two ends of a link share: its two lanes.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::client_end::ClientEnd;
use super::engine_end::{EngineEnd, LinkHandle};
use super::lane::{FROM_CLIENT_CAPACITY_BYTES, Front, Lane, TO_CLIENT_CAPACITY_BYTES};
use crate::clock::{Clock, Timer};

/// Below this a sender that waits for room is told to go on.
pub(super) const HIGH_WATER_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) lanes: Mutex<Lanes>,
    /// Told when the lane to the client falls below [`HIGH_WATER_BYTES`].
    pub(super) drained: Arc<Notify>,
}

#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) to_client: Lane,
    pub(super) from_client: Lane,
}

pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A fresh link: the engine's end, the client's, and the handle that steers it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use tokio::io::AsyncReadExt;
/// let clock = wstape_mock_engine::Clock::virtual_at(chrono::DateTime::UNIX_EPOCH);
/// let (_engine, mut client, link) = wstape_mock_engine::link::pair(clock);
/// link.push("hello".into());
/// let mut buf = [0; 5];
/// client.read_exact(&mut buf).await.unwrap();
/// assert_eq!(&buf, b"hello");
/// # }
/// ```
#[must_use]
pub fn pair(clock: Clock) -> (EngineEnd, ClientEnd, LinkHandle) {
    pair_with(clock, Arc::new(Notify::new()))
}

/// As [`pair`], telling `drained` when the client has caught up.
pub(crate) fn pair_with(clock: Clock, drained: Arc<Notify>) -> (EngineEnd, ClientEnd, LinkHandle) {
    let lanes = Lanes {
        to_client: Lane::new(TO_CLIENT_CAPACITY_BYTES),
        from_client: Lane::new(FROM_CLIENT_CAPACITY_BYTES),
    };
    let shared = Arc::new(Shared {
        clock,
        lanes: Mutex::new(lanes),
        drained,
    });
    (
        EngineEnd::new(Arc::clone(&shared)),
        ClientEnd::new(Arc::clone(&shared)),
        LinkHandle::new(shared),
    )
}

/// What a read of a lane comes to.
pub(super) enum Read {
    Bytes,
    Fin,
    Reset,
}

/// Polls one lane until `take` can be called on it, or it has ended.
pub(super) fn poll_lane(
    shared: &Shared,
    timer: &mut Timer,
    cx: &mut Context<'_>,
    lane: impl Fn(&mut Lanes) -> &mut Lane,
    mut take: impl FnMut(&mut Lane),
) -> Poll<Read> {
    loop {
        let due = {
            let mut lanes = shared.lanes.lock();
            let lane = lane(&mut lanes);
            match lane.front(|| shared.clock.now()) {
                Front::Bytes => {
                    let was = lane.queued();
                    take(lane);
                    let drained = was > HIGH_WATER_BYTES && lane.queued() <= HIGH_WATER_BYTES;
                    let writer = lane.writer.take();
                    drop(lanes);
                    wake(writer);
                    if drained {
                        shared.drained.notify_one();
                    }
                    return Poll::Ready(Read::Bytes);
                }
                Front::Fin => return Poll::Ready(Read::Fin),
                Front::Reset => return Poll::Ready(Read::Reset),
                front => {
                    if !lane
                        .reader
                        .as_ref()
                        .is_some_and(|had| had.will_wake(cx.waker()))
                    {
                        lane.reader = Some(cx.waker().clone());
                    }
                    match front {
                        Front::Later(due) => due,
                        _ => return Poll::Pending,
                    }
                }
            }
        };
        if timer.poll(cx, due).is_pending() {
            return Poll::Pending;
        }
    }
}
