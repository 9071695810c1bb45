//! All that the engine knows, behind one lock: connections, faults, what is due.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use wstape_tape::{After, CloseFrame, End, Micros, Pongs, Step, Trigger};

use super::agenda::{Agenda, Op};
use super::conn::{Conn, Phase};
use super::delivery::Names;
use super::held::Held;
use super::perform::draw;
use super::places::Places;
use crate::clock::Clock;
use crate::frame::{self, BadFrame, ClientFrame, FrameKind};
use crate::journal::{Journal, JournalKind};
use crate::layers::{Greeting, Layers};
use crate::link::{LinkHandle, TO_CLIENT_CAPACITY_BYTES};
use crate::speed::Speed;
use crate::tcp::Port;
use crate::timestamps::Shift;

/// Pongs that may be late at one time, on one connection; further ones are lost.
const MOST_LATE_PONGS: usize = 1024;

/// The prologue: steps that happen on connections, kept for all that will come.
#[derive(Debug, Default)]
pub(crate) struct Prologue {
    steps: Vec<(usize, Arc<Step>)>,
    on_each: Vec<usize>,
    on_nth: BTreeMap<u64, Vec<usize>>,
}

impl Prologue {
    pub(crate) fn push(&mut self, layer: usize, step: Step) {
        let index = self.steps.len();
        if let Trigger::OnConnect { nth, .. } = step.trigger {
            match nth {
                None => self.on_each.push(index),
                Some(nth) => self.on_nth.entry(nth).or_default().push(index),
            }
            self.steps.push((layer, Arc::new(step)));
        }
    }

    pub(super) fn step(&self, index: usize) -> (usize, Arc<Step>) {
        let (layer, step) = &self.steps[index];
        (*layer, Arc::clone(step))
    }

    /// The steps for connection `id`, in the order of the tapes.
    fn of(&self, id: u64) -> Vec<usize> {
        let mut indices = self.on_each.clone();
        if let Some(own) = self.on_nth.get(&id) {
            indices.extend(own);
            indices.sort_unstable();
        }
        indices
    }
}

/// All that the engine knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(super) clock: Clock,
    pub(super) journal: Journal,
    pub(super) layers: Layers,
    pub(super) conns: BTreeMap<u64, Conn>,
    /// Links that the engine has ended while a partition held them: their end waits for it.
    pub(super) lingering: BTreeMap<u64, LinkHandle>,
    pub(crate) accepted: u64,
    pub(crate) upgraded: u64,
    pub(super) prologue: Prologue,
    pub(super) agenda: Agenda,
    pub(super) names: Names,
    /// What waits for connections that have not come so far.
    pub(super) held: Held,
    /// The newest connection's number when the tape was over.
    pub(super) over_at: Option<u64>,
    /// Whose connection is whose in the tape.
    pub(super) places: Places,
    pub(super) speed: Speed,
    shift_from: Option<DateTime<Utc>>,
    /// By how much timestamps move.
    pub(super) shift: Option<Shift>,
    pub(crate) port: Port,
    /// The engine's clock at the tape's time 0, once it has begun.
    pub(crate) zero: Option<Micros>,
    /// What was put off before the tape began, counted from its time 0.
    unstarted: Vec<(Micros, Op)>,
    /// Wakes the driver.
    wake: Arc<Notify>,
    /// Told of each change in the connections.
    pub(crate) progress: Arc<Notify>,
}

/// What a [`State`] begins with.
pub(crate) struct Beginning {
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) layers: usize,
    pub(crate) prologue: Prologue,
    pub(crate) speed: Speed,
    /// The tape's wall time at 0, where its timestamps are to move with the clock.
    pub(crate) shift_from: Option<DateTime<Utc>>,
    pub(crate) port: Port,
    pub(crate) wake: Arc<Notify>,
}

impl State {
    pub(crate) fn new(beginning: Beginning) -> Self {
        let Beginning {
            clock,
            journal,
            layers,
            prologue,
            speed,
            shift_from,
            port,
            wake,
        } = beginning;
        let shift = shift_from.map(|from| Shift(clock.wall() - from));
        Self {
            clock,
            journal,
            layers: Layers::new(layers),
            conns: BTreeMap::new(),
            lingering: BTreeMap::new(),
            accepted: 0,
            upgraded: 0,
            prologue,
            agenda: Agenda::default(),
            names: Names::default(),
            held: Held::default(),
            over_at: None,
            places: Places::default(),
            speed,
            shift_from,
            shift,
            port,
            zero: None,
            unstarted: Vec::new(),
            wake,
            progress: Arc::new(Notify::new()),
        }
    }

    pub(crate) fn log(&self, conn: Option<u64>, kind: JournalKind) {
        self.journal.write(self.clock.now(), conn, kind);
    }

    /// The tape's time 0 is now.
    pub(crate) fn begin(&mut self) {
        let now = self.clock.now();
        self.zero = Some(now);
        self.shift = self.shift_from.map(|from| Shift(self.clock.wall() - from));
        for (after, op) in std::mem::take(&mut self.unstarted) {
            self.agenda.put(Micros(now.0.saturating_add(after.0)), op);
        }
        self.wake.notify_one();
    }

    pub(super) fn schedule_after(&mut self, after: Micros, op: Op) {
        if self.zero.is_none() {
            self.unstarted.push((after, op));
            return;
        }
        self.agenda
            .put(Micros(self.clock.now().0.saturating_add(after.0)), op);
        self.wake.notify_one();
    }

    /// Schedules what goes with the connection: it is forgotten where that ends first.
    pub(super) fn schedule_for(&mut self, id: u64, due: Micros, op: Op) {
        let slot = self.agenda.put(due, op);
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.agenda.insert(slot);
        }
        self.wake.notify_one();
    }

    /// Adds a step for connections to come.
    pub(crate) fn add_to_prologue(&mut self, layer: usize, step: Step) {
        self.prologue.push(layer, step);
    }

    /// When the next thing is due by the agenda.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        self.agenda.next_due()
    }

    /// Does the next thing on the agenda, where it is due by `now`.
    pub(crate) fn do_due(&mut self, now: Micros) {
        let Some((slot, op)) = self.agenda.take_due(now) else {
            return;
        };
        match op {
            Op::Step { layer, scope, step } => self.play(layer, scope, &step),
            Op::Expire {
                layer,
                generation,
                scope,
            } => self.expire(layer, generation, scope),
            Op::Prologue { conn: id, index } => {
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.agenda.remove(&slot);
                    self.prologue_due(id, index);
                }
            }
            Op::Pong { conn: id, payload } => {
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.agenda.remove(&slot);
                    conn.late_pongs -= 1;
                    if conn.phase == Phase::Open && !conn.closed_by_client {
                        self.answer(id, "pong", frame::whole(frame::PONG, &payload));
                    }
                }
            }
            Op::CloseWait { conn: id } => {
                if self.conns.contains_key(&id) {
                    self.log(Some(id), JournalKind::Dropped(End::Fin));
                    self.end(id, End::Fin);
                }
            }
            Op::CloseAnswer { conn: id, code } => self.close_answer_due(id, code),
        }
    }

    /// Whether the client of an open, unheld connection is behind, or one that has its answer
    /// is not upgraded yet.
    pub(crate) fn behind(&self) -> bool {
        self.conns
            .values()
            .any(|conn| conn.upgraded() && conn.link.behind())
            || self.answering()
    }

    pub(crate) fn nobody_open(&self) -> bool {
        // Where answers are held, the tape has to go on for a handshake to get its own.
        let held = self.answers_held();
        !self
            .conns
            .values()
            .any(|conn| conn.phase == Phase::Open || (held && conn.phase == Phase::Handshake))
    }

    pub(crate) fn down(&self) -> bool {
        self.layers.down()
    }

    /// A transport connection has come: numbers it, runs its first prologue steps and says what
    /// it meets. `None` where a step has ended it already.
    pub(crate) fn accept(&mut self, link: LinkHandle) -> (u64, Option<Greeting>) {
        self.accepted += 1;
        let id = self.accepted;
        self.log(Some(id), JournalKind::Accepted);
        let now = self.clock.now();
        let (to_client, from_client) = self.layers.conditions(id);
        link.change(to_client, from_client);
        self.conns.insert(id, Conn::new(link));
        for index in self.prologue.of(id) {
            self.enlist(id, index, now);
        }
        self.take_place(id);
        self.meet_held_drop(id);
        self.progress.notify_waiters();
        let greeting = self
            .conns
            .contains_key(&id)
            .then(|| self.layers.greeting(id));
        (id, greeting)
    }

    /// Lets one prologue step wait for its moment on connection `id`.
    fn enlist(&mut self, id: u64, index: usize, accepted_at: Micros) {
        let (_, step) = self.prologue.step(index);
        let Trigger::OnConnect { after, .. } = step.trigger else {
            return;
        };
        let Some(later) = draw(&step, id.wrapping_mul(1 << 32).wrapping_add(step.line)) else {
            return;
        };
        let After::Time(at) = after else {
            if let Some(conn) = self.conns.get_mut(&id) {
                conn.triggers.add(after, index);
            }
            return;
        };
        let wait = at.0.saturating_add(later.0);
        if wait == 0 {
            self.prologue_due(id, index);
        } else {
            let due = Micros(accepted_at.0.saturating_add(wait));
            self.schedule_for(id, due, Op::Prologue { conn: id, index });
        }
    }

    /// A prologue step's moment has come; where it sends, it may have to wait for the 101.
    fn prologue_due(&mut self, id: u64, index: usize) {
        let (_, step) = self.prologue.step(index);
        match self.conns.get_mut(&id) {
            Some(conn) if step.action.is_sent() && !conn.upgraded() => conn.waiting.push(index),
            Some(_) => self.run_steps(id, &[index]),
            None => {}
        }
    }

    /// The 101 is on its way: frames may follow it.
    pub(crate) fn upgrade(&mut self, id: u64) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        conn.phase = Phase::Open;
        conn.waits = None;
        let mut steps = std::mem::take(&mut conn.waiting);
        steps.extend(conn.triggers.sent(0, 0));
        steps.sort_unstable();
        self.upgraded += 1;
        self.log(Some(id), JournalKind::Upgraded);
        self.run_steps(id, &steps);
        self.deliver_held(id);
        self.progress.notify_waiters();
    }

    /// The client sent a frame. `false` where that ended the connection.
    pub(crate) fn received(&mut self, id: u64, frame: &ClientFrame) -> bool {
        let Some(conn) = self.conns.get_mut(&id) else {
            return false;
        };
        let steps = conn.triggers.received();
        self.log(Some(id), JournalKind::Received(frame.kept()));
        self.run_steps(id, &steps);
        let Some(phase) = self.conns.get(&id).map(|conn| conn.phase) else {
            return false;
        };
        let closed = self
            .conns
            .get(&id)
            .is_some_and(|conn| conn.closed_by_client);
        match (frame.kind, phase) {
            _ if closed => {}
            (FrameKind::Ping, Phase::Open) => self.answer_ping(id, frame.payload.clone()),
            (FrameKind::Close, _) if self.tape_ends() => {
                self.await_the_tapes_close(id, frame.close_code());
            }
            (FrameKind::Close, _) => {
                if phase == Phase::Open {
                    self.send_close(id, frame.close_code(), "");
                }
                // The server ends the connection at once (RFC 6455, 7.1.1).
                self.end(id, End::Fin);
            }
            _ => {}
        }
        self.conns.contains_key(&id)
    }

    fn answer_ping(&mut self, id: u64, payload: Bytes) {
        match self.layers.pongs(id) {
            Pongs::Auto => self.answer(id, "pong", frame::whole(frame::PONG, &payload)),
            Pongs::Withheld => {}
            Pongs::Delayed(by) => {
                let due = Micros(self.clock.now().0.saturating_add(by.0));
                let Some(conn) = self.conns.get_mut(&id) else {
                    return;
                };
                if conn.late_pongs < MOST_LATE_PONGS {
                    conn.late_pongs += 1;
                    self.schedule_for(id, due, Op::Pong { conn: id, payload });
                }
            }
        }
    }

    pub(super) fn send_close(&mut self, id: u64, code: Option<u16>, reason: &str) {
        let what = code.map_or("close".to_owned(), |code| format!("close {code}"));
        let close = code.map(|code| CloseFrame {
            code,
            reason: reason.to_owned(),
        });
        self.answer(id, &what, frame::close(close.as_ref()));
    }

    /// The client broke the protocol: it is told so, and the connection ends.
    pub(crate) fn protocol_error(&mut self, id: u64, error: BadFrame) {
        let Some(phase) = self.conns.get(&id).map(|conn| conn.phase) else {
            return;
        };
        self.log(Some(id), JournalKind::ProtocolError(error.to_string()));
        if phase == Phase::Open {
            self.send_close(id, Some(error.code), "");
        }
        self.end(id, End::Fin);
    }

    /// The client has ended the transport.
    pub(crate) fn client_gone(&mut self, id: u64, end: End) {
        let Some(conn) = self.conns.get(&id) else {
            return;
        };
        // One that was refused is expected to leave.
        if conn.phase != Phase::Answered {
            let kind = match end {
                End::Fin => JournalKind::ClientClosed,
                End::Reset => JournalKind::ClientReset,
            };
            self.log(Some(id), kind);
        }
        self.remove(id);
    }

    pub(crate) fn http(&self, path: &str) -> Option<&wstape_tape::HttpAnswer> {
        self.layers.http(path)
    }

    /// The handshake was answered with something other than 101.
    pub(crate) fn refused(&mut self, id: u64, status: u16) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.phase = Phase::Answered;
            conn.waits = None;
        }
        self.log(Some(id), JournalKind::Refused { status });
        self.lose_held_unless_left(id);
    }

    /// It will never be answered.
    pub(crate) fn hung(&mut self, id: u64) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.phase = Phase::Hung;
        }
        self.log(Some(id), JournalKind::Hung);
        self.lose_held_unless_left(id);
    }

    /// A GET was answered.
    pub(crate) fn http_answered(&mut self, id: u64, path: String, status: u16) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.phase = Phase::Answered;
        }
        self.log(Some(id), JournalKind::HttpAnswered { path, status });
        self.lose_held_unless_left(id);
    }

    /// Ends the transport from the engine's side.
    pub(super) fn end(&mut self, id: u64, end: End) {
        if let Some(conn) = self.conns.get(&id) {
            match end {
                End::Fin => conn.link.fin(),
                End::Reset => conn.link.reset(),
            }
            self.remove(id);
        }
    }

    /// Bytes and a FIN at once on everything, whatever holds: the engine is going away.
    pub(crate) fn end_all(&mut self) {
        for conn in self.conns.values() {
            conn.link.fin_now();
        }
        for link in std::mem::take(&mut self.lingering).values() {
            link.fin_now();
        }
        let ids: Vec<u64> = self.conns.keys().copied().collect();
        for id in ids {
            self.remove(id);
        }
    }

    /// The connection is over.
    pub(crate) fn remove(&mut self, id: u64) {
        if let Some(conn) = self.conns.remove(&id) {
            for &slot in &conn.agenda {
                self.agenda.remove(slot);
            }
            self.leave_place(id, &conn);
            if conn.link.stalled() {
                self.lingering.insert(id, conn.link);
            } else {
                self.layers.forget(id);
            }
            self.let_held_go(id);
            self.let_go();
            self.progress.notify_waiters();
        }
    }

    /// Forgets the links whose end has got through, or has nobody left to get to.
    pub(super) fn let_go(&mut self) {
        let layers = &mut self.layers;
        self.lingering.retain(|&id, link| {
            let stalled = link.stalled();
            if !stalled {
                layers.forget(id);
            }
            stalled
        });
    }

    /// What a connection got instead of HTTP.
    pub(crate) fn send_garbage(&mut self, id: u64, garbage: &wstape_tape::Garbage) {
        let most = TO_CLIENT_CAPACITY_BYTES / garbage.bytes.len().max(1);
        let repeat = most.min(garbage.repeat as usize);
        let bytes = Bytes::from(garbage.bytes.repeat(repeat));
        self.log(Some(id), JournalKind::GarbageSent { bytes: bytes.len() });
        if let Some(conn) = self.conns.get(&id) {
            conn.link.push(bytes);
        }
        if let Some(end) = garbage.then {
            self.log(Some(id), JournalKind::Dropped(end));
            self.end(id, end);
        } else if self.layers.held() {
            if let Some(conn) = self.conns.get_mut(&id) {
                conn.phase = Phase::Raw;
            }
            self.deliver_held(id);
        }
    }
}
