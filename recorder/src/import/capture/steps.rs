//! The second pass over a capture: makes the steps of the chosen connections.

use std::collections::{BTreeMap, VecDeque};
use std::io::BufRead;

use wstape_tape::{Accept, Action, Conn, Micros, Step};

use super::connection::{Connection, Told};
use super::packets::{Next, Packets};
use super::table::Table;
use crate::error::ImportError;
use crate::import::imported::Imported;
use crate::import::merge::is_message;
use crate::import::wall::Wall;
use crate::keepalive::Keepalive;
use crate::proxy::{Event, Session};

/// A connection of the tape.
#[derive(Debug)]
pub(super) struct Chosen {
    /// Its number in the tape.
    pub(super) conn: u64,
    /// When its last SYN was sent, if nobody answered it.
    pub(super) unanswered: Option<Wall>,
}

/// The steps of a capture, made while it is read.
pub(in crate::import) struct Steps<'a> {
    packets: Packets<'a>,
    table: Table,
    told: Teller,
    ended: bool,
}

/// Turns what segments tell about connections into steps.
struct Teller {
    /// The connections of the tape, by their numbers in the order of the capture.
    chosen: BTreeMap<u64, Chosen>,
    sessions: BTreeMap<u64, Session>,
    keepalive: Keepalive,
    /// Emptied after each use, kept for its capacity.
    steps: Vec<Step>,
    due: VecDeque<Step>,
    start: Wall,
    last: Micros,
    imported: Imported,
}

impl<'a> Steps<'a> {
    pub(super) fn new(
        name: &str,
        input: Box<dyn BufRead + 'a>,
        chosen: BTreeMap<u64, Chosen>,
        start: Wall,
    ) -> Result<Self, ImportError> {
        let imported = Imported {
            connections: chosen.len() as u64,
            ..Imported::default()
        };
        Ok(Self {
            packets: Packets::open(name, input)?,
            table: Table::default(),
            told: Teller {
                chosen,
                sessions: BTreeMap::new(),
                keepalive: Keepalive::default(),
                steps: Vec::new(),
                due: VecDeque::new(),
                start,
                last: Micros::ZERO,
                imported,
            },
            ended: false,
        })
    }

    /// The next step; `None` at the end.
    pub(in crate::import) fn next(&mut self) -> Option<Result<Step, ImportError>> {
        loop {
            if let Some(step) = self.told.due.pop_front() {
                return Some(Ok(self.told.counted(step)));
            }
            if self.ended {
                return None;
            }
            let (table, told) = (&mut self.table, &mut self.told);
            let next = self.packets.next(|packet| {
                let at = told.at(packet.at);
                table.take(&packet, |connection, event| {
                    told.tell(connection, event, at, packet.at);
                });
            });
            match next {
                Ok(Next::Some) => {}
                Ok(Next::End | Next::BrokenOff) => self.end(),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }

    fn end(&mut self) {
        self.ended = true;
        let told = &mut self.told;
        let (at, wall) = (told.last, told.start.plus(told.last));
        self.table.end(wall, |connection, event| {
            told.tell(connection, event, at, wall);
        });
        for session in told.sessions.values_mut() {
            session.cut(at, &mut told.steps);
        }
        told.keepalive.gap();
        told.keepalive.pass_on(&mut told.steps);
        told.due.extend(told.keepalive.out());
    }

    /// The tape's last step, its `end`.
    pub(in crate::import) fn last_step(&mut self) -> Step {
        self.told.imported.duration = self.told.last;
        Step::at(self.told.last, Action::End)
    }

    /// Returns what was imported.
    pub(in crate::import) fn imported(self) -> Imported {
        self.told.imported
    }
}

impl Teller {
    /// Converts a capture time to a time of the tape, which never goes back.
    fn at(&mut self, at: Wall) -> Micros {
        self.last = self.last.max(at.since(self.start));
        self.last
    }

    fn counted(&mut self, step: Step) -> Step {
        if is_message(&step.action) {
            self.imported.messages += 1;
        }
        step
    }

    fn tell(&mut self, connection: &Connection, told: Told, at: Micros, wall: Wall) {
        let serial = connection.serial;
        let Some(chosen) = self.chosen.get_mut(&serial) else {
            return;
        };
        let conn = chosen.conn;
        match told {
            Told::Dialed if chosen.unanswered == Some(wall) => {
                chosen.unanswered = None;
                let why = "nobody answered its SYN".to_owned();
                self.event(serial, conn, at, Event::Unreachable(why));
            }
            Told::Refused => {
                let why = "its SYN was answered by a RST".to_owned();
                self.event(serial, conn, at, Event::Unreachable(why));
            }
            Told::Opened { .. } => drop(self.sessions.insert(serial, Session::new(conn))),
            Told::Midway => self.midway(serial, conn, at),
            Told::Unasked => {
                let text = format!("connection {conn}: its request is not in the capture");
                self.steps.push(Step::at(at, Action::Mark(text)));
                self.sessions.insert(serial, Session::new(conn));
                self.pass_on();
            }
            Told::Unanswered => {
                let text = format!("connection {conn}: the answer to it is not in the capture");
                self.accepted(serial, conn, at, text, Session::unanswered(conn));
            }
            Told::Event(event) => self.event(serial, conn, at, event),
            Told::Hole(peer, bytes) => {
                let text = format!(
                    "connection {conn}: the capture lacks {bytes} bytes of the {}",
                    peer.word()
                );
                self.steps.push(Step::at(at, Action::Mark(text)));
                self.pass_on();
            }
            Told::Over => {
                self.sessions.remove(&serial);
                self.keepalive.over(Conn::Nth(conn), at);
            }
            Told::Dialed | Told::Tls(_) | Told::Other => {}
        }
    }

    fn event(&mut self, serial: u64, conn: u64, at: Micros, event: Event) {
        let session = self.sessions.entry(serial);
        let session = session.or_insert_with(|| Session::new(conn));
        session.take(at, event, &mut self.steps);
        let (messages, bytes) = session.left_out();
        self.imported.left_out.0 += messages;
        self.imported.left_out.1 += bytes;
        self.pass_on();
    }

    /// Begins a connection that was already open, with a 101: a tape can't play it without one.
    fn midway(&mut self, serial: u64, conn: u64, at: Micros) {
        let text = format!("connection {conn}: its handshake is not in the capture");
        self.accepted(serial, conn, at, text, Session::midway(conn));
    }

    fn accepted(&mut self, serial: u64, conn: u64, at: Micros, mark: String, session: Session) {
        let mut accept = Step::at(at, Action::Accept(Some(Accept::default())));
        accept.conn = Conn::Nth(conn);
        self.steps.push(Step::at(at, Action::Mark(mark)));
        self.steps.push(accept);
        self.sessions.insert(serial, session);
        self.pass_on();
    }

    fn pass_on(&mut self) {
        for step in self.steps.drain(..) {
            self.keepalive.pass(step);
        }
        self.due.extend(self.keepalive.out());
    }
}
