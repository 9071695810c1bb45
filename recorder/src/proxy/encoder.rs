//! Turns what the relay observes into steps, connection by connection, on the writer's thread.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use wstape_tape::{Action, Answers, Conn, Micros, Refusal, Step};

use super::observation::{Event, Observation};
use super::session::Session;
use super::step::{Steps, conn_step};
use crate::error::RecordError;
use crate::keepalive::Keepalive;
use crate::recording::{Encoder, Gap, Recording, Stats};

/// The statuses with which a running engine refuses a subscriber. Any other status suggests that it
/// was not sent by an engine.
const TURNED_AWAY: [u16; 7] = [401, 403, 408, 429, 500, 502, 503];

/// Receives sentences for the person at the keyboard.
pub(super) type Remarks = Box<dyn FnMut(&str) + Send>;

/// Writes what the relay observes.
pub(super) struct ProxyEncoder {
    sessions: BTreeMap<u64, Session>,
    desk: Desk,
}

/// What all connections share.
struct Desk {
    keepalive: Keepalive,
    stats: Stats,
    remarks: Remarks,
    /// The last remark without its connection: a client that tries again and again causes only one
    /// remark.
    said: String,
    /// Whether the last connection with a result was upgraded.
    in_service: bool,
    upgraded: u64,
    strange: u64,
}

/// Writes the steps of one connection as they are made.
struct Writing<'a> {
    desk: &'a mut Desk,
    tape: &'a mut Recording,
    conn: u64,
    /// The result; after a failure nothing more is written.
    done: Result<(), RecordError>,
}

impl ProxyEncoder {
    pub(super) fn new(stats: Stats, remarks: Remarks) -> Self {
        Self {
            sessions: BTreeMap::new(),
            desk: Desk {
                keepalive: Keepalive::default(),
                stats,
                remarks,
                said: String::new(),
                in_service: true,
                upgraded: 0,
                strange: 0,
            },
        }
    }

    /// The first step of a recording: an engine that plays it must not answer handshakes by itself.
    pub(super) fn first_step() -> Step {
        Step::at(Micros::ZERO, Action::Answers(Answers::Held))
    }

    /// Writes what is still open, and the end.
    pub(super) fn end(&mut self, at: Micros, tape: &mut Recording) -> Result<(), RecordError> {
        let mut steps = Vec::new();
        for session in self.sessions.values_mut() {
            session.cut(at, &mut steps);
        }
        self.desk.keepalive.gap();
        self.desk.keepalive.pass_on(&mut steps);
        self.desk.keepalive.write(tape)?;
        tape.push(Step::at(at, Action::End))
    }

    /// The number of answers that no WebSocket server gives, if there were any and no handshake was
    /// upgraded.
    pub(super) fn is_no_websocket(&self) -> Option<u64> {
        let Desk {
            upgraded, strange, ..
        } = self.desk;
        (upgraded == 0 && strange > 0).then_some(strange)
    }
}

impl Desk {
    fn answered(&mut self, in_service: bool) {
        if self.in_service && !in_service {
            self.stats.outage();
        }
        self.in_service = in_service;
    }

    fn look_at(&mut self, conn: u64, step: &Step) {
        let what = match &step.action {
            Action::Mark(text) => text
                .split_once(": ")
                .map_or(text.clone(), |(_, what)| what.to_owned()),
            Action::Refuse(Some(Refusal { status, .. })) => {
                self.answered(false);
                self.strange += u64::from(!TURNED_AWAY.contains(status));
                format!("its handshake was refused with status {status}")
            }
            Action::Garbage(Some(_)) => {
                self.answered(false);
                self.strange += 1;
                "its handshake was answered with something other than HTTP".to_owned()
            }
            _ => return,
        };
        if what != self.said {
            (self.remarks)(&format!("connection {conn}: {what}"));
            self.said = what;
        }
    }

    fn write(&mut self, step: Step, conn: u64, tape: &mut Recording) -> Result<(), RecordError> {
        self.look_at(conn, &step);
        if self.keepalive.may_skip(&step.action) {
            return tape.push(step);
        }
        self.keepalive.push(step);
        self.keepalive.write(tape)
    }
}

impl Steps for Writing<'_> {
    fn push(&mut self, step: Step) {
        if self.done.is_ok() {
            self.done = self.desk.write(step, self.conn, self.tape);
        }
    }

    fn message(&mut self, conn: u64, at: Micros, message: &[u8], of: &Bytes) {
        if !self.tape.leaves_events() || !self.desk.keepalive.holds_nothing() {
            return self.push(conn_step(conn, at, Action::Emit(of.slice_ref(message))));
        }
        if self.done.is_ok() {
            self.done = self.tape.push_event(at, conn, message);
        }
    }
}

impl Encoder for ProxyEncoder {
    type Observation = Observation;

    fn encode(&mut self, seen: Observation, tape: &mut Recording) -> Result<(), RecordError> {
        let Observation { at, conn, event } = seen;
        let over = matches!(event, Event::Over | Event::Failed);
        let unreachable = matches!(event, Event::Unreachable(_));
        let session = self
            .sessions
            .entry(conn)
            .or_insert_with(|| Session::new(conn));
        let desk = &mut self.desk;
        if unreachable {
            desk.answered(false);
        }
        let mut writing = Writing {
            desk,
            tape,
            conn,
            done: Ok(()),
        };
        let upgraded = session.take(at, event, &mut writing);
        writing.done?;
        let (messages, bytes) = session.left_out();
        if messages > 0 {
            desk.stats.left_out(messages, bytes);
        }
        if upgraded {
            desk.upgraded += 1;
            desk.stats.connected();
            desk.answered(true);
            desk.said.clear();
        }
        if over {
            self.sessions.remove(&conn);
            desk.keepalive.over(Conn::Nth(conn), at);
            self.settle(at, tape)?;
        }
        Ok(())
    }

    fn gap(&mut self, gap: Gap, tape: &mut Recording) -> Result<(), RecordError> {
        self.desk.keepalive.write_gap(gap, tape)
    }

    fn due(&self) -> Option<Micros> {
        self.desk.keepalive.due()
    }

    fn settle(&mut self, now: Micros, tape: &mut Recording) -> Result<(), RecordError> {
        self.desk.keepalive.write_settled(now, tape)
    }
}

impl fmt::Debug for ProxyEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyEncoder")
            .field("sessions", &self.sessions.len())
            .field("upgraded", &self.desk.upgraded)
            .field("strange", &self.desk.strange)
            .finish_non_exhaustive()
    }
}
