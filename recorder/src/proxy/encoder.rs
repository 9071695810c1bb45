//! What the relay saw, on the writer's thread: connection by connection, to steps.

use std::collections::BTreeMap;
use std::fmt;

use wstape_tape::{Action, Answers, Conn, Micros, Refusal, Step};

use super::observation::{Event, Observation};
use super::session::Session;
use crate::error::RecordError;
use crate::keepalive::Keepalive;
use crate::recording::{Encoder, Gap, Recording, Stats};

/// Statuses with which an engine that is there turns a subscriber away; with any other, it is
/// no engine that answered.
const TURNED_AWAY: [u16; 7] = [401, 403, 408, 429, 500, 502, 503];

/// Is told, in a sentence, of what a person at the keyboard should know.
pub(super) type Remarks = Box<dyn FnMut(&str) + Send>;

/// Writes what the relay saw.
pub(super) struct ProxyEncoder {
    sessions: BTreeMap<u64, Session>,
    /// Kept between entries for its capacity.
    steps: Vec<Step>,
    keepalive: Keepalive,
    stats: Stats,
    remarks: Remarks,
    /// What was said last, but for whose connection it was: a client that tries again and again
    /// makes one sentence.
    said: String,
    /// The last connection that fared at all could be upgraded.
    in_service: bool,
    upgraded: u64,
    strange: u64,
}

impl ProxyEncoder {
    pub(super) fn new(stats: Stats, remarks: Remarks) -> Self {
        Self {
            sessions: BTreeMap::new(),
            steps: Vec::new(),
            keepalive: Keepalive::default(),
            stats,
            remarks,
            said: String::new(),
            in_service: true,
            upgraded: 0,
            strange: 0,
        }
    }

    /// The step that a recording begins with: whoever plays it answers no handshake of its own
    /// accord.
    pub(super) fn first_step() -> Step {
        Step::at(Micros::ZERO, Action::Answers(Answers::Held))
    }

    /// Writes what is left, and the end.
    pub(super) fn end(&mut self, at: Micros, tape: &mut Recording) -> Result<(), RecordError> {
        for session in self.sessions.values_mut() {
            session.cut(at, &mut self.steps);
        }
        self.keepalive.gap();
        self.keepalive.pass_on(&mut self.steps);
        self.keepalive.write(tape)?;
        tape.push(Step::at(at, Action::End))
    }

    /// Whether all that came were answers that no WebSocket gives, and how many they were.
    pub(super) fn is_no_websocket(&self) -> Option<u64> {
        (self.upgraded == 0 && self.strange > 0).then_some(self.strange)
    }

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
                "its handshake was answered with what is no HTTP".to_owned()
            }
            _ => return,
        };
        if what != self.said {
            (self.remarks)(&format!("connection {conn}: {what}"));
            self.said = what;
        }
    }
}

impl Encoder for ProxyEncoder {
    type Observation = Observation;

    fn encode(&mut self, seen: Observation, tape: &mut Recording) -> Result<(), RecordError> {
        let Observation { at, conn, event } = seen;
        let over = matches!(event, Event::Over | Event::Failed);
        let unreachable = matches!(event, Event::Unreachable(_));
        let payload = matches!(event, Event::Bytes(..));
        let session = self
            .sessions
            .entry(conn)
            .or_insert_with(|| Session::new(conn));
        let mut steps = std::mem::take(&mut self.steps);
        let upgraded = session.take(at, event, &mut steps);
        let (messages, bytes) = session.left_out();
        if messages > 0 {
            self.stats.left_out(messages, bytes);
        }
        if over {
            self.sessions.remove(&conn);
        }
        if upgraded {
            self.upgraded += 1;
            self.stats.connected();
            self.answered(true);
            self.said.clear();
        } else if unreachable {
            self.answered(false);
        }
        for step in &steps {
            // Most are none of these, and are not even looked at.
            if !payload || matches!(step.key(), "mark" | "refuse" | "garbage") {
                self.look_at(conn, step);
            }
        }
        for step in steps.drain(..) {
            if self.keepalive.may_skip(&step.action) {
                tape.push(step)?;
            } else {
                self.keepalive.push(step);
                self.keepalive.write(tape)?;
            }
        }
        self.steps = steps;
        if over {
            self.keepalive.over(Conn::Nth(conn), at);
            self.settle(at, tape)?;
        }
        Ok(())
    }

    fn gap(&mut self, gap: Gap, tape: &mut Recording) -> Result<(), RecordError> {
        self.keepalive.write_gap(gap, tape)
    }

    fn due(&self) -> Option<Micros> {
        self.keepalive.due()
    }

    fn settle(&mut self, now: Micros, tape: &mut Recording) -> Result<(), RecordError> {
        self.keepalive.write_settled(now, tape)
    }
}

impl fmt::Debug for ProxyEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyEncoder")
            .field("sessions", &self.sessions.len())
            .field("upgraded", &self.upgraded)
            .field("strange", &self.strange)
            .finish_non_exhaustive()
    }
}
