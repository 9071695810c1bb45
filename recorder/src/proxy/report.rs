//! Reports from the relay to the writer: what is handed over, what is lost, and where recording
//! resumes.

use std::task::{Context, Poll};

use bytes::Bytes;
use wstape_tape::End;

use super::cursor::Cursor;
use super::observation::{Event, Observation, Peer};
use crate::recording::{Sender, Stats, TapeTime};

/// Reports on one connection without ever waiting. When a panic drops it, it reports that too.
#[derive(Debug)]
pub(super) struct Report {
    conn: u64,
    time: TapeTime,
    sender: Sender<Observation>,
    stats: Stats,
    client: Direction,
    engine: Direction,
}

/// The state of one direction: what one peer sends.
#[derive(Debug)]
struct Direction {
    cursor: Cursor,
    /// Whether the last bytes are lost.
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

    /// Ready once the recording has room: always, unless it must not lose anything.
    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        self.sender.poll_room(cx)
    }

    /// Reports bytes from `peer`.
    pub(super) fn bytes(&mut self, peer: Peer, bytes: &Bytes) {
        let (conn, at) = (self.conn, self.time.now());
        let seen = |event| Observation { at, conn, event };
        let direction = match peer {
            Peer::Client => &mut self.client,
            Peer::Engine => &mut self.engine,
        };
        // A tape makes no sense without its handshakes, so they have reserved room in the queue.
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

    /// Reports that `peer` ended its side.
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

    /// Reports that the engine can't be reached, and that the client gets a reset.
    pub(super) fn unreachable(&mut self, why: String) {
        self.vital(Event::Unreachable(why));
    }

    /// Reports that the connection is over.
    pub(super) fn over(&mut self) {
        self.vital(Event::Over);
    }

    fn vital(&self, event: Event) {
        let (conn, at) = (self.conn, self.time.now());
        self.sender
            .send_vital(at, 0, Observation { at, conn, event });
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.vital(Event::Failed);
        }
    }
}
