//! From the relay to the writer: what is handed over, what is lost, and where recording goes on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine_client::Clock;
use wstape_tape::{End, Micros};

use super::cursor::Cursor;
use super::observation::{Event, Observation, Peer};
use crate::recording::{Sender, Stats};

/// The time of the tape.
#[derive(Debug, Clone)]
pub(super) struct TapeTime {
    clock: Arc<dyn Clock>,
    start: Duration,
}

impl TapeTime {
    /// Begins now.
    pub(super) fn starting(clock: Arc<dyn Clock>) -> Self {
        let start = clock.now();
        Self { clock, start }
    }

    pub(super) fn now(&self) -> Micros {
        Micros::from(self.clock.now().saturating_sub(self.start))
    }

    /// Since the tape began.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.now().saturating_sub(self.start)
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

/// Reports on one connection. Never waits.
#[derive(Debug)]
pub(super) struct Report {
    conn: u64,
    time: TapeTime,
    sender: Sender<Observation>,
    stats: Stats,
    client: Direction,
    engine: Direction,
}

/// Event one peer sends.
#[derive(Debug)]
struct Direction {
    cursor: Cursor,
    /// Event it sent last is lost.
    lost: bool,
}

impl Direction {
    fn new() -> Self {
        Self {
            cursor: Cursor::new(),
            lost: false,
        }
    }
}

impl Report {
    pub(super) fn new(
        conn: u64,
        time: TapeTime,
        sender: Sender<Observation>,
        stats: Stats,
    ) -> Self {
        Self {
            conn,
            time,
            sender,
            stats,
            client: Direction::new(),
            engine: Direction::new(),
        }
    }

    /// `peer` sent this.
    pub(super) fn bytes(&mut self, peer: Peer, bytes: &Bytes) {
        let (conn, at) = (self.conn, self.time.now());
        let seen = |event| Observation { at, conn, event };
        let direction = match peer {
            Peer::Client => &mut self.client,
            Peer::Engine => &mut self.engine,
        };
        // No tape makes sense without its handshakes, so they have a reserve.
        let vital = direction.cursor.in_head();
        let passed = direction.cursor.pass(bytes);
        self.stats.came(passed.frames, bytes.len() as u64);
        let sender = &self.sender;
        if direction.lost {
            let resumed = passed.boundary.filter(|_| sender.has_room());
            let (kept, frames) = resumed.unwrap_or((bytes.len(), passed.frames));
            sender.lose(at, frames, kept as u64);
            if resumed.is_some() {
                let rest = bytes.slice(kept..);
                let len = rest.len();
                let event = seen(Event::Resumed(peer, rest));
                direction.lost = !sender.send(at, passed.frames - frames, len, event);
            }
        } else {
            let event = seen(Event::Bytes(peer, bytes.clone()));
            direction.lost = if vital {
                !sender.send_vital(at, bytes.len(), event)
            } else {
                !sender.send(at, passed.frames, bytes.len(), event)
            };
        }
        if passed.upgraded {
            self.client.cursor.upgrade();
        }
    }

    /// `peer` ended its side.
    pub(super) fn ended(&mut self, peer: Peer, how: End) {
        let lost = match peer {
            Peer::Client => self.client.lost,
            Peer::Engine => self.engine.lost,
        };
        if lost {
            self.vital(Event::Lost(peer));
        }
        self.vital(Event::Ended(peer, how));
    }

    /// The engine can't be reached, and the client gets a reset.
    pub(super) fn unreachable(&mut self, why: String) {
        self.vital(Event::Unreachable(why));
    }

    /// Nothing more comes of this connection.
    pub(super) fn over(&mut self) {
        self.vital(Event::Over);
    }

    fn vital(&self, event: Event) {
        let (conn, at) = (self.conn, self.time.now());
        self.sender
            .send_vital(at, 0, Observation { at, conn, event });
    }
}
