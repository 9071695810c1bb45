//! A connection with a real engine behind it: what passes between that engine and the client.
//!
//! The core sends nothing of its own here: the real peers answer Pings and echo Closes.

use bytes::Bytes;
use wstape_tape::{End, Pongs};
use wstape_wire::Head;

use super::Core;
use super::steps::Work;
use crate::frame::{self, BadFrame, ClientFrame};
use crate::hub::connection::{Attached, Conn};
use crate::hub::phase::Phase;
use crate::hub::schedule::Op;
use crate::ids::ConnId;
use crate::journal::JournalKind;

impl Core {
    /// Hands a connection to a relay, which carries it from now on; `None` if the connection is
    /// over.
    pub(crate) fn attach(&mut self, id: ConnId) -> Option<Attached> {
        self.connections.get_mut(id).map(Conn::attach)
    }

    /// Takes in a frame that the client sent and that goes on to the real engine.
    pub(crate) fn said(&mut self, id: ConnId, frame: &ClientFrame) {
        self.take_in(id, frame);
    }

    /// Journals that what the client sends can't be parsed any further; it goes on to the real
    /// engine all the same.
    pub(crate) fn unread(&mut self, id: ConnId, error: BadFrame) {
        if self.connections.contains(id) {
            self.log
                .write(id, JournalKind::ProtocolError(error.to_string()));
        }
    }

    /// Passes a frame of the real engine on to the client, unless a state keeps it back. `false` if
    /// the connection is over.
    pub(crate) fn relay(&mut self, id: ConnId, bytes: Bytes) -> bool {
        let Some(conn) = self.connections.get_mut(id) else {
            return false;
        };
        let opcode = bytes.first().map_or(0, |first| first & 0x0f);
        let (phase, closed) = (conn.phase(), conn.engine_closed());
        let what = self.outbox.name_of(&bytes);
        if phase == Phase::Closing && !closed {
            // A step has sent a Close: nothing may follow it.
            self.log.write(id, JournalKind::Lost { what });
            return true;
        }
        match opcode {
            frame::PONG if !self.pong_passes(id, &bytes) => return true,
            frame::CLOSE => {
                if let Some(conn) = self.connections.get_mut(id) {
                    conn.close_by_engine();
                }
            }
            _ => {}
        }
        if let Some(between) = self.connections.get_mut(id).and_then(Conn::between) {
            between.part(&bytes, true);
        }
        self.log.write(id, JournalKind::Sent { what, to: 1 });
        self.work_through(id, Work::Send { bytes, frames: 1 });
        self.send_waiting(id);
        self.connections.contains(id)
    }

    /// Whether the real engine's Pong is passed on now; a late one is scheduled.
    fn pong_passes(&mut self, id: ConnId, bytes: &Bytes) -> bool {
        match self.layers.pongs(id) {
            Pongs::Auto => true,
            Pongs::Withheld => false,
            Pongs::Delayed(by) => {
                let Head::Whole { bytes: head, .. } = Head::of(bytes) else {
                    return true;
                };
                let conn = self.connections.get_mut(id);
                if conn.is_some_and(Conn::delay_pong) {
                    let (due, payload) = (self.log.in_future(by), bytes.slice(head..));
                    self.schedule.put(due, Op::Pong { conn: id, payload });
                }
                false
            }
        }
    }

    /// Passes on part of a real engine's frame that is too long to hold. Nothing may come between
    /// this part and the next, unless it is the `last`. `false` if the connection is over.
    pub(crate) fn relay_part(&mut self, id: ConnId, bytes: Bytes, last: bool) -> bool {
        let Some(conn) = self.connections.get_mut(id) else {
            return false;
        };
        if let Some(between) = conn.between() {
            between.part(&bytes, last);
        }
        if last {
            let what = self.outbox.name("long frame");
            self.log.write(id, JournalKind::Sent { what, to: 1 });
        }
        let frames = u64::from(last);
        self.work_through(id, Work::Send { bytes, frames });
        self.send_waiting(id);
        self.connections.contains(id)
    }

    /// Ends a connection after the real engine has ended its stream.
    pub(crate) fn upstream_ended(&mut self, id: ConnId, end: End) {
        let Some(conn) = self.connections.get(id) else {
            return;
        };
        // After its Close, or after an answer other than 101, that is expected.
        let expected = conn.engine_closed() || conn.phase() == Phase::Answered;
        if expected && end == End::Fin {
            return;
        }
        let text = match end {
            End::Fin => "the engine closed the connection",
            End::Reset => "the engine reset the connection",
        };
        self.log.note(id, text);
        self.log.write(id, JournalKind::Dropped(end));
        self.end(id, end);
    }

    /// Resets the client, because the real engine can't be reached.
    pub(crate) fn unreachable(&mut self, id: ConnId, why: &str) {
        if self.connections.contains(id) {
            self.log
                .note(id, format!("the engine can't be reached: {why}"));
            self.turn_back(id);
        }
    }
}
