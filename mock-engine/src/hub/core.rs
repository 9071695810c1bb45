//! The core: tells each owner of a part of the engine's state what an event means to it.
//!
//! Connections, schedule, faults, what is held, and which connection is the tape's first: each has
//! one owner that keeps it private. The core tells the owners what happened, in an exact order,
//! because it is behind one lock. `arriving`, `hearing` and `leaving` follow a connection's life,
//! `steps` performs steps, `faulting` sets faults, `answers` answers handshakes, `dialogue` answers
//! clients, `control`, `absent` and `untaken` serve whoever steers.

mod absent;
mod answered;
mod answers;
mod arriving;
mod control;
mod dialogue;
mod faulting;
mod hearing;
mod leaving;
mod listed;
mod live;
mod poison;
mod steps;
mod untaken;

pub(crate) use self::listed::{Counts, Listed};
pub(crate) use self::untaken::Untaken;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;
use wstape_tape::{End, Garbage, HttpAnswer, Micros, Step, TlsFault};

use super::connection::Conn;
use super::connection_map::ConnectionMap;
use super::connections::Connections;
use super::expectations::Expectations;
use super::held::Held;
use super::numbers::Numbers;
use super::outbox::Outbox;
use super::phase::Phase;
use super::ports::Ports;
use super::prologue::Prologue;
use super::routes::Routes;
use super::schedule::{Op, Schedule, StartTrigger};
use super::strangers::Strangers;
use super::watches::Watches;
use crate::audience::Audience;
use crate::deflate::Terms;
use crate::dialogue::{Assembly, Dialogue, Kept};
use crate::expect::Verdict;
use crate::faults::{Layers, PortState};
use crate::frame;
use crate::ids::{ConnId, LayerIndex};
use crate::journal::{JournalKind, RequestHead};
use crate::link::TO_CLIENT_CAPACITY_BYTES;
use crate::log::Log;
use crate::port::Port;
use crate::speed::Speed;
use crate::timestamps::Shift;
use crate::urls::Urls;

/// How long a client may take to answer the engine's Close before the engine ends the transport
/// (RFC 6455, 7.1.1).
pub const CLOSE_WAIT: Micros = Micros::from_ms(1_000);

/// Everything the engine knows.
#[derive(Debug)]
pub(crate) struct Core {
    log: Log,
    layers: Layers,
    connections: Connections,
    schedule: Schedule,
    prologue: Prologue,
    outbox: Outbox,
    held: Held,
    map: ConnectionMap,
    numbers: Numbers,
    routes: Routes,
    strangers: Strangers,
    dialogue: Dialogue,
    /// Whether each layer's tape may hold references.
    speaks: Vec<bool>,
    urls: Urls,
    /// Set if anybody asks for verdicts.
    expectations: Option<Expectations>,
    watches: Watches,
    /// Messages that have begun, while anybody is looking for one.
    assemblies: BTreeMap<ConnId, Assembly>,
    /// The number of messages that clients have sent, control frames left out, and the number of
    /// requests that wait for them.
    messages: u64,
    waiting_for_messages: usize,
    speed: Speed,
    live: bool,
    ports: Ports,
}

/// What a [`Core`] begins with.
pub(crate) struct Setup {
    pub(crate) log: Log,
    /// The number of layers, including those of Rust's controls and of posted steps.
    pub(crate) layers: usize,
    /// The steps without a time of their own, in the order of the tapes.
    pub(crate) prologue: Vec<(LayerIndex, Step)>,
    /// Whether each layer's tape may hold references.
    pub(crate) speaks: Vec<bool>,
    /// Who each tape's messages are for.
    pub(crate) audiences: Vec<Audience>,
    pub(crate) urls: Urls,
    pub(crate) speed: Speed,
    /// How timestamps are moved when they are played; `None` if they stay.
    pub(crate) shift: Option<Shift>,
    pub(crate) start_trigger: Option<StartTrigger>,
    /// Whether what tapes expect of clients is judged.
    pub(crate) judging: bool,
    /// Whether there is a real engine behind the port.
    pub(crate) live: bool,
    pub(crate) port: Port,
}

impl Core {
    /// A core. `wake` is notified when something is scheduled, `progress` of each change in the
    /// connections.
    pub(super) fn new(setup: Setup, wake: Arc<Notify>, progress: Arc<Notify>) -> Self {
        let mut core = Self {
            layers: Layers::new(setup.layers),
            connections: Connections::new(progress),
            schedule: Schedule::new(setup.start_trigger, wake),
            prologue: Prologue::default(),
            numbers: Numbers::default(),
            routes: Routes::default(),
            strangers: Strangers::new(setup.audiences),
            dialogue: Dialogue::default(),
            speaks: setup.speaks,
            urls: setup.urls,
            outbox: Outbox::new(setup.shift),
            held: Held::default(),
            map: ConnectionMap::default(),
            expectations: setup.judging.then(Expectations::default),
            watches: Watches::default(),
            assemblies: BTreeMap::new(),
            messages: 0,
            waiting_for_messages: 0,
            speed: setup.speed,
            live: setup.live,
            ports: Ports::new(setup.port),
            log: setup.log,
        };
        for (layer, step) in setup.prologue {
            core.add_step(layer, step);
        }
        core.dialogue.file();
        core
    }

    /// Where it is dialled.
    pub(crate) fn url(&self) -> String {
        self.log.journal().header().url.clone()
    }

    /// Whether there is a real engine behind the port.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Makes now the tape's time 0; a second call changes nothing.
    pub(crate) fn begin(&mut self) {
        if self.schedule.zero().is_none() {
            self.schedule.begin(self.log.now());
            self.log.write(None, JournalKind::Began);
        }
    }

    /// The engine's clock at the tape's time 0, once it has begun.
    pub(crate) fn zero(&self) -> Option<Micros> {
        self.schedule.zero()
    }

    /// When the next thing in the schedule is due.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        self.schedule.next_due()
    }

    /// Whether steps that were put off are still to come.
    pub(crate) fn has_put_off(&self) -> bool {
        self.schedule.has_put_off()
    }

    /// The number of connections accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.connections.newest().get()
    }

    /// The number of connections upgraded so far.
    pub(crate) fn upgraded(&self) -> u64 {
        self.connections.upgraded()
    }

    /// How a dial fares.
    pub(crate) fn port(&self) -> PortState {
        self.layers.port()
    }

    /// Returns how a dial that has come fares. One that is reset is journalled and counted.
    pub(crate) fn meet_dial(&mut self) -> PortState {
        let state = self.layers.port();
        if state == PortState::Resetting {
            self.log.write(None, JournalKind::DialReset);
            self.layers.reset_dial();
            self.follow_port(state);
        }
        state
    }

    /// Notes a request that a client has sent.
    pub(crate) fn requested(&mut self, id: ConnId, head: RequestHead) {
        if let Some(conn) = self.connections.get_mut(id) {
            conn.ask(&head.target);
        }
        self.log.write(id, JournalKind::Requested(Box::new(head)));
    }

    /// The address it listens on; `None` in memory.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.ports.addr()
    }

    /// The answer to a plain request of a path with this method, on a connection.
    pub(crate) fn http(&self, id: ConnId, path: &str, method: &str) -> Option<HttpAnswer> {
        let mut answer = self.layers.http(path, method)?.clone();
        self.fill_answer(id, &mut answer);
        Some(answer)
    }

    /// The methods that a path answers to.
    pub(crate) fn methods(&self, path: &str) -> BTreeSet<String> {
        self.layers.methods(path)
    }

    /// Compresses the messages of a connection from now on, as client and engine have agreed.
    pub(crate) fn deflate(&mut self, id: ConnId, terms: Terms) {
        if let Some(conn) = self.connections.get_mut(id) {
            conn.deflate(terms);
        }
    }

    /// Takes the next verdict on what tapes expect.
    pub(crate) fn take_verdict(&mut self) -> Option<Verdict> {
        self.expectations.as_mut().and_then(Expectations::take)
    }

    /// Takes the next remark on what the tape lacks for a client.
    pub(crate) fn take_stranger(&mut self) -> Option<String> {
        self.strangers.take()
    }

    /// Whether only steps still to come can bring another verdict.
    pub(crate) fn all_judged(&self) -> bool {
        self.expectations.as_ref().is_none_or(Expectations::done)
    }

    /// Judges an expectation whose time is over.
    fn judge(&mut self, number: u64) {
        let expectations = self.expectations.as_mut();
        if let Some(unmet) = expectations.and_then(|open| open.judge(number)) {
            self.log.note(None, format!("not met: {unmet}"));
        }
        self.connections.tell_progress();
    }

    /// Adds a step without a time of its own: one with `on_connect` for connections to come, one of
    /// a dialogue for all.
    pub(crate) fn add_to_prologue(&mut self, layer: LayerIndex, step: Step) {
        self.add_step(layer, step);
        self.file_dialogue();
    }

    /// Lets dialogue steps that were added take effect, for open connections too.
    fn file_dialogue(&mut self) {
        for (conn, step, due) in self.dialogue.file() {
            self.schedule.put(due, Op::Silence { conn, step });
        }
    }

    /// Like [`add_to_prologue`](Self::add_to_prologue), but leaves a dialogue's steps to be filed.
    fn add_step(&mut self, layer: LayerIndex, step: Step) {
        let path = step.path.as_deref().map(|path| self.routes.name(path));
        if step.trigger.is_dialogue() {
            self.dialogue.push(layer, step, path);
        } else {
            self.prologue.push(layer, step, path);
        }
    }

    /// Does the next thing in the schedule, if it is due by `now`.
    pub(crate) fn do_due(&mut self, now: Micros) {
        let Some(op) = self.schedule.take_due(now) else {
            return;
        };
        match op {
            Op::Step { layer, scope, step } => self.play(layer, scope, &step),
            Op::Expire {
                layer,
                scope,
                generation,
            } => self.expire(layer, scope, generation),
            Op::Prologue { conn, index } => self.prologue_due(conn, index),
            Op::Pong { conn: id, payload } => {
                let conn = self.connections.get_mut(id);
                if conn.is_some_and(Conn::pong_due) {
                    self.reply(id, "pong", frame::whole(frame::PONG, &payload));
                }
            }
            Op::Idle { conn, number } => self.idle_due(conn, number),
            Op::CloseWait { conn: id } => {
                self.log.write(id, JournalKind::Dropped(End::Fin));
                self.end(id, End::Fin);
            }
            Op::Judge { number } => self.judge(number),
            Op::Answer {
                conn,
                step,
                count,
                kept,
                ends,
            } => self.answer_due(conn, step, count, kept.as_deref().map(Kept::said), ends),
            Op::Silence { conn, step } => self.silence_due(conn, step),
            Op::Scene {
                conn,
                run,
                starts,
                step,
                nth,
            } => self.scene_line_due(conn, (run, starts), step, nth),
            Op::Late {
                conn, layer, step, ..
            } => self.perform_as(layer, conn, &step, &step.action),
            Op::Unmute { conn, run, muting } => self.unmute(conn, run, muting),
            Op::CloseAnswer { conn, code } => self.close_answer_due(conn, code),
        }
    }

    /// Whether the client of an open, unheld connection is behind, or a connection that has its
    /// answer is not upgraded yet.
    pub(crate) fn behind(&self) -> bool {
        self.connections.iter().any(|(_, conn)| conn.behind()) || self.answering()
    }

    /// Whether there is nobody to play to.
    pub(crate) fn nobody_open(&self) -> bool {
        // While answers are held, the tape has to go on for a waiting handshake to get its answer.
        let held = self.layers.held();
        let mut phases = self.connections.iter().map(|(_, conn)| conn.phase());
        !phases.any(|phase| phase == Phase::Open || (held && phase == Phase::Handshake))
    }

    /// What is wrong with a connection's TLS; spends one use.
    pub(crate) fn tls(&mut self, id: ConnId) -> Option<TlsFault> {
        self.layers.tls(id)
    }

    /// Sends a connection something that is not HTTP.
    pub(crate) fn send_garbage(&mut self, id: ConnId, garbage: &Garbage) {
        let most = TO_CLIENT_CAPACITY_BYTES / garbage.bytes.len().max(1);
        let repeat = most.min(garbage.repeat as usize);
        let bytes = Bytes::from(garbage.bytes.repeat(repeat));
        self.log
            .write(id, JournalKind::GarbageSent { bytes: bytes.len() });
        self.tell_used_up();
        if let Some(conn) = self.connections.get(id) {
            conn.send_uncounted(bytes);
        }
        if let Some(end) = garbage.then {
            self.log.write(id, JournalKind::Dropped(end));
            self.end(id, end);
        } else if self.layers.held() {
            if let Some(conn) = self.connections.get_mut(id) {
                conn.go_raw();
            }
            self.deliver_held(id);
        }
    }
}
