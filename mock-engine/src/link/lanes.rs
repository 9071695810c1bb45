//! The two lanes of a link, which its ends share.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::sync::Notify;
use wstape_tape::Micros;

use super::budget::Budget;
use super::lane::{
    FROM_CLIENT_CAPACITY_BYTES, Front, Lane, MAX_FROM_CLIENT_CHUNKS, MAX_TO_CLIENT_CHUNKS,
    TO_CLIENT_CAPACITY_BYTES,
};
use crate::clock::{Clock, Timer};

/// Below this a sender that waits for room may go on.
pub(super) const HIGH_WATER_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) lanes: Mutex<Lanes>,
    /// Notified when the lane to the client falls below [`HIGH_WATER_BYTES`].
    pub(super) drained: Arc<Notify>,
}

#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) to_client: Lane,
    pub(super) from_client: Lane,
    pub(super) memory: Memory,
}

/// What a box on the way, such as a NAT, remembers of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// It never forgets.
    Lasting,
    /// It forgets if nothing passes for a while; `passed_at` is when something last passed.
    Fading { passed_at: Micros },
    /// It has forgotten: nothing gets through any more.
    Gone,
}

/// What is held back, in bytes: for the client, and from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldBytes {
    /// For the client.
    pub to_client: usize,
    /// From the client.
    pub from_client: usize,
}

impl Lanes {
    /// Notes that bytes pass. `false` if they get nowhere, because the connection was forgotten.
    pub(super) fn pass(&mut self, now: impl FnOnce() -> Micros) -> bool {
        match &mut self.memory {
            Memory::Lasting => true,
            Memory::Fading { passed_at } => {
                *passed_at = now();
                true
            }
            Memory::Gone => false,
        }
    }

    /// Resets a client that has sent something on a forgotten connection; nothing more comes from
    /// it.
    pub(super) fn answer_forgotten(&mut self, now: Micros) -> [Option<Waker>; 2] {
        self.to_client.reset_now();
        self.from_client.reset(now);
        [self.to_client.reader.take(), self.from_client.reader.take()]
    }

    /// What is held back in the directions asked about, to the client and from it; `None` if
    /// neither is held.
    pub(super) fn held_bytes(&self, [to, from]: [bool; 2]) -> Option<HeldBytes> {
        let to_client = self.to_client.held_bytes().filter(|_| to);
        let from_client = self.from_client.held_bytes().filter(|_| from);
        (to_client.is_some() || from_client.is_some()).then_some(HeldBytes {
            to_client: to_client.unwrap_or(0),
            from_client: from_client.unwrap_or(0),
        })
    }
}

impl Shared {
    /// Two empty lanes; `drained` is notified when the client has caught up, and `budget` counts
    /// what waits for it.
    pub(super) fn new(clock: Clock, drained: Arc<Notify>, budget: Budget) -> Self {
        let lanes = Lanes {
            to_client: Lane::new(TO_CLIENT_CAPACITY_BYTES, MAX_TO_CLIENT_CHUNKS, budget),
            from_client: Lane::new(
                FROM_CLIENT_CAPACITY_BYTES,
                MAX_FROM_CLIENT_CHUNKS,
                Budget::default(),
            ),
            memory: Memory::Lasting,
        };
        Self {
            clock,
            lanes: Mutex::new(lanes),
            drained,
        }
    }
}

pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The result of reading a lane.
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
                    let was = lane.weight();
                    take(lane);
                    let drained = was > HIGH_WATER_BYTES && lane.weight() <= HIGH_WATER_BYTES;
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
