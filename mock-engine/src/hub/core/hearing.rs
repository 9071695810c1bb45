//! What a client sends: frames, and bytes that are not frames.

use bytes::Bytes;
use wstape_tape::{CloseFrame, End, Pongs};

use super::Core;
use super::answered::Answered;
use crate::dialogue::Message;
use crate::frame::{self, BadFrame, ClientFrame, FrameKind};
use crate::hub::connection::Conn;
use crate::hub::expectations::Expectations;
use crate::hub::phase::Phase;
use crate::hub::schedule::Op;
use crate::ids::ConnId;
use crate::journal::JournalKind;

impl Core {
    /// The message that a frame completes, if anybody is looking for a message.
    fn put_together(&mut self, id: ConnId, frame: &ClientFrame) -> Option<Message> {
        let expectations = self.expectations.as_ref();
        let expected = expectations.is_some_and(Expectations::seeks_message);
        if !expected && !self.watches.seeks_message() {
            self.assemblies.clear();
            return None;
        }
        self.assemblies.entry(id).or_default().take(frame)
    }

    /// Takes in a client's frame: journals and counts it, and does what it sets off. Returns when a
    /// step answers it; `None` if the connection is over.
    pub(super) fn take_in(&mut self, id: ConnId, frame: &ClientFrame) -> Option<Answered> {
        let conn = self.connections.get_mut(id)?;
        let steps = conn.count_received();
        self.log.write(id, JournalKind::Received(frame.kept()));
        let message = self.put_together(id, frame);
        if let Some(expectations) = &mut self.expectations {
            expectations.received(id, frame, message.as_ref());
        }
        self.messages += u64::from(frame.fin && !frame.kind.control());
        if !self.watches.is_empty() {
            self.watches.received(frame, message.as_ref());
        }
        if self.waiting_for_messages > 0 {
            self.connections.tell_progress();
        }
        self.run_steps(id, &steps);
        let conn = self.connections.get(id)?;
        let answered = match conn.phase() {
            Phase::Open if !conn.closed_by_client() => self.hear(id, frame),
            _ => Answered::No,
        };
        self.connections.contains(id).then_some(answered)
    }

    /// Takes in a frame that the client sent, and answers it. `false` if that ended the connection.
    pub(crate) fn received(&mut self, id: ConnId, frame: &ClientFrame) -> bool {
        let answered = self.take_in(id, frame);
        let (Some(answered), Some(conn)) = (answered, self.connections.get(id)) else {
            return false;
        };
        if conn.closed_by_client() {
            return true;
        }
        let phase = conn.phase();
        match frame.kind {
            FrameKind::Ping if answered != Answered::No => {}
            FrameKind::Close if answered != Answered::No => self.closed_by_a_step(id, answered),
            FrameKind::Ping if phase == Phase::Open => self.answer_ping(id, frame.payload.clone()),
            FrameKind::Close if self.map.tape_ends(&self.layers) => {
                self.await_the_tapes_close(id, frame.close_code());
            }
            FrameKind::Close => {
                if phase == Phase::Open {
                    self.send_close(id, frame.close_code());
                }
                // The server ends the connection at once (RFC 6455, 7.1.1).
                self.end(id, End::Fin);
            }
            _ => {}
        }
        self.connections.contains(id)
    }

    pub(super) fn answer_ping(&mut self, id: ConnId, payload: Bytes) {
        match self.layers.pongs(id) {
            Pongs::Auto => self.reply(id, "pong", frame::whole(frame::PONG, &payload)),
            Pongs::Withheld => {}
            Pongs::Delayed(by) => {
                let conn = self.connections.get_mut(id);
                if conn.is_some_and(Conn::delay_pong) {
                    let due = self.log.in_future(by);
                    self.schedule.put(due, Op::Pong { conn: id, payload });
                }
            }
        }
    }

    /// Sends a Close that the engine itself decided on.
    pub(super) fn send_close(&mut self, id: ConnId, code: Option<u16>) {
        let what = code.map_or("close".to_owned(), |code| format!("close {code}"));
        let close = code.map(|code| CloseFrame {
            code,
            reason: String::new(),
        });
        self.reply(id, &what, frame::close(close.as_ref()));
    }

    /// Tells a client that it broke the protocol, and ends the connection.
    pub(crate) fn protocol_error(&mut self, id: ConnId, error: BadFrame) {
        let Some(phase) = self.connections.phase(id) else {
            return;
        };
        self.log
            .write(id, JournalKind::ProtocolError(error.to_string()));
        if phase == Phase::Open {
            self.send_close(id, Some(error.code));
        }
        self.end(id, End::Fin);
    }
}
