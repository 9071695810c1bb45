//! The core: what one event means to each of the owners of an engine's state.
//!
//! Connections, schedule, faults, what is held and who is whose: each has one owner that keeps
//! it to itself. The core tells them what happened, in an order that is exact, for it stands
//! behind one lock. `steps` performs steps, `answers` answers handshakes, `dialogue` answers clients.

mod answered;
mod answers;
mod control;
mod dialogue;
mod listed;
mod live;
mod poison;
mod steps;

pub(crate) use self::listed::{Counts, Listed};

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;
use wstape_tape::{
    After, CloseFrame, End, Garbage, HttpAnswer, Micros, Pongs, Step, TlsFault, Trigger,
};

use self::answered::Answered;
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
use super::watches::Watches;
use crate::chance::draw;
use crate::deflate::Terms;
use crate::dialogue::{Assembly, Dialogue, Kept, Message};
use crate::expect::Verdict;
use crate::faults::{Greeting, Layers, PortState};
use crate::frame::{self, BadFrame, ClientFrame, FrameKind};
use crate::ids::{ConnId, LayerIndex, PortId, Renumbering, Scope};
use crate::journal::{JournalKind, RequestHead};
use crate::link::{LinkHandle, TO_CLIENT_CAPACITY_BYTES};
use crate::log::Log;
use crate::port::Port;
use crate::speed::Speed;
use crate::timestamps::Shift;
use crate::urls::Urls;

/// How long a client may take to answer the engine's Close before the engine ends the transport
/// (RFC 6455, 7.1.1).
pub const CLOSE_WAIT: Micros = Micros::from_ms(1_000);

/// All that the engine knows.
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
    dialogue: Dialogue,
    /// Whether each layer knows references.
    speaks: Vec<bool>,
    urls: Urls,
    /// Where anybody asks for verdicts.
    expectations: Option<Expectations>,
    watches: Watches,
    /// Messages that have begun, while anybody looks for one.
    assemblies: BTreeMap<ConnId, Assembly>,
    /// Messages that clients have sent, control frames left out, and how many wait for them.
    messages: u64,
    waiting_for_messages: usize,
    speed: Speed,
    live: bool,
    ports: Ports,
}

/// What a [`Core`] begins with.
pub(crate) struct Setup {
    pub(crate) log: Log,
    /// How many layers there are, those of Rust's controls and of what is posted included.
    pub(crate) layers: usize,
    /// The steps that have no time of their own, in the order of the tapes.
    pub(crate) prologue: Vec<(LayerIndex, Step)>,
    /// Whether each layer's tape knows references.
    pub(crate) speaks: Vec<bool>,
    pub(crate) urls: Urls,
    pub(crate) speed: Speed,
    /// Where timestamps move to when they are played.
    pub(crate) shift: Option<Shift>,
    pub(crate) start_trigger: Option<StartTrigger>,
    /// Whether what tapes expect of clients is judged.
    pub(crate) judging: bool,
    /// Whether a real engine stands behind the port.
    pub(crate) live: bool,
    pub(crate) port: Port,
}

impl Core {
    /// `wake` is told when something is scheduled, `progress` of each change in the connections.
    pub(super) fn new(setup: Setup, wake: Arc<Notify>, progress: Arc<Notify>) -> Self {
        let mut core = Self {
            layers: Layers::new(setup.layers),
            connections: Connections::new(progress),
            schedule: Schedule::new(setup.start_trigger, wake),
            prologue: Prologue::default(),
            numbers: Numbers::default(),
            routes: Routes::default(),
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

    /// Whether a real engine stands behind the port.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// The tape's time 0 is now; a second call changes nothing.
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

    /// When the next thing is due by the schedule.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        self.schedule.next_due()
    }

    /// Whether steps that their jitter put off are still to come.
    pub(crate) fn has_put_off(&self) -> bool {
        self.schedule.has_put_off()
    }

    /// Connections accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.connections.newest().get()
    }

    /// Connections upgraded so far.
    pub(crate) fn upgraded(&self) -> u64 {
        self.connections.upgraded()
    }

    /// What meets a dial.
    pub(crate) fn port(&self) -> PortState {
        self.layers.port()
    }

    /// A dial has come: what meets it. One that is reset is journalled, and counted off.
    pub(crate) fn meet_dial(&mut self) -> PortState {
        let state = self.layers.port();
        if state == PortState::Resetting {
            self.log.write(None, JournalKind::DialReset);
            self.layers.reset_dial();
            self.follow_port(state);
        }
        state
    }

    /// A client has sent a request: what it asks for.
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

    /// What a request of a path answers with this method, on a connection.
    pub(crate) fn http(&self, id: ConnId, path: &str, method: &str) -> Option<HttpAnswer> {
        let mut answer = self.layers.http(path, method)?.clone();
        self.fill_answer(id, &mut answer);
        Some(answer)
    }

    /// The methods that a path answers to.
    pub(crate) fn methods(&self, path: &str) -> BTreeSet<String> {
        self.layers.methods(path)
    }

    /// The client and the engine have agreed to compress the messages of a connection.
    pub(crate) fn deflate(&mut self, id: ConnId, terms: Terms) {
        if let Some(conn) = self.connections.get_mut(id) {
            conn.deflate(terms);
        }
    }

    /// The next verdict on what tapes expect that nobody has taken.
    pub(crate) fn take_verdict(&mut self) -> Option<Verdict> {
        self.expectations.as_mut().and_then(Expectations::take)
    }

    /// Whether there will be no verdict but on steps to come.
    pub(crate) fn all_judged(&self) -> bool {
        self.expectations.as_ref().is_none_or(Expectations::done)
    }

    /// The time of an expectation is over.
    fn judge(&mut self, number: u64) {
        let expectations = self.expectations.as_mut();
        if let Some(unmet) = expectations.and_then(|open| open.judge(number)) {
            self.log.note(None, format!("not met: {unmet}"));
        }
        self.connections.tell_progress();
    }

    /// Adds a step that has no time of its own: one `on_connect` for connections to come, one of
    /// a dialogue for all.
    pub(crate) fn add_to_prologue(&mut self, layer: LayerIndex, step: Step) {
        self.add_step(layer, step);
        self.file_dialogue();
    }

    /// Steps of a dialogue that were added are heard from here on, by open connections too.
    fn file_dialogue(&mut self) {
        for (conn, step, due) in self.dialogue.file() {
            self.schedule.put(due, Op::Silence { conn, step });
        }
    }

    /// As [`add_to_prologue`](Self::add_to_prologue); a step of a dialogue is heard once all are filed.
    fn add_step(&mut self, layer: LayerIndex, step: Step) {
        let path = step.path.as_deref().map(|path| self.routes.name(path));
        if step.trigger.is_dialogue() {
            self.dialogue.push(layer, step, path);
        } else {
            self.prologue.push(layer, step, path);
        }
    }

    /// Does the next thing of the schedule, where it is due by `now`.
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

    /// Whether the client of an open, unheld connection is behind, or one that has its answer
    /// is not upgraded yet.
    pub(crate) fn behind(&self) -> bool {
        self.connections.iter().any(|(_, conn)| conn.behind()) || self.answering()
    }

    /// Whether there is nobody to play to.
    pub(crate) fn nobody_open(&self) -> bool {
        // Where answers are held, the tape has to go on for a handshake to get its own.
        let held = self.layers.held();
        let mut phases = self.connections.iter().map(|(_, conn)| conn.phase());
        !phases.any(|phase| phase == Phase::Open || (held && phase == Phase::Handshake))
    }

    /// A transport connection has come: numbers it, runs its first prologue steps and says what
    /// it meets. `None` where a step has ended it already.
    pub(crate) fn accept(&mut self, link: LinkHandle, port: PortId) -> (ConnId, Option<Greeting>) {
        let id = self.connections.number();
        if self.schedule.starts_at_accept(id.get(), self.layers.held()) {
            self.begin();
        }
        self.log.write(id, JournalKind::Accepted);
        let now = self.log.now();
        self.connections.insert(id, Conn::new(link, port, now));
        let conditions = self.conditions(id);
        self.connections.change_link(id, conditions);
        self.watch_idle(id);
        let number = self.numbers.take(id);
        for index in self.prologue.of(number) {
            self.enlist(id, index, now);
        }
        self.map.arrive(id);
        self.meet_held_drop(id);
        self.connections.tell_progress();
        let greeting = self
            .connections
            .contains(id)
            .then(|| self.layers.greeting(id));
        (id, greeting)
    }

    /// Lets one prologue step wait for its moment on connection `id`.
    fn enlist(&mut self, id: ConnId, index: usize, accepted_at: Micros) {
        let (_, step) = self.prologue.step(index);
        let Trigger::OnConnect { after, .. } = step.trigger else {
            return;
        };
        let stream = id.get().wrapping_mul(1 << 32).wrapping_add(step.line);
        let Some(later) = draw(&step, stream) else {
            return;
        };
        let After::Time(at) = after else {
            if let Some(conn) = self.connections.get_mut(id) {
                conn.wait_for_count(after, index);
            }
            return;
        };
        let wait = at.0.saturating_add(later.0);
        if wait == 0 {
            self.prologue_due(id, index);
        } else if self.connections.contains(id) {
            let due = Micros(accepted_at.0.saturating_add(wait));
            self.schedule.put(due, Op::Prologue { conn: id, index });
        }
    }

    /// A prologue step's moment has come; where it sends, it may have to wait for the 101.
    fn prologue_due(&mut self, id: ConnId, index: usize) {
        let (_, step) = self.prologue.step(index);
        match self.connections.get_mut(id) {
            Some(conn) if step.action.waits_for_the_101() && !conn.upgraded() => {
                conn.wait_for_upgrade(index);
            }
            Some(_) => self.run_steps(id, &[index]),
            None => {}
        }
    }

    /// A connection asks for an upgrade. One that has asked before, or was a plain request until
    /// now, gets a new number, and with it what the tape says of that.
    pub(crate) fn asks(&mut self, id: ConnId, path: &str, query: Option<&str>) {
        let Some(conn) = self.connections.get_mut(id) else {
            return;
        };
        let again = conn.ask_upgrade();
        let now = self.log.now();
        if again || self.numbers.number(id).is_none() {
            let number = self.numbers.take(id);
            for index in self.prologue.of(number) {
                self.enlist(id, index, now);
            }
        }
        self.routes.ask(id, path, query);
        let numbers = self.routes.numbers(id).to_vec();
        if self.layers.route(id, &numbers) {
            let conditions = self.conditions(id);
            let (_, held) = self.connections.change_link(id, conditions);
            if let Some(held) = held {
                self.released(id, held);
            }
            self.watch_idle(id);
        }
        for index in self.prologue.at_head(&numbers) {
            self.enlist(id, index, now);
        }
    }

    /// A connection has turned out to be a plain request: its number, and what the tape says of
    /// that, is the next one's.
    pub(crate) fn pulls(&mut self, id: ConnId, path: &str, query: Option<&str>) {
        if self.connections.get(id).is_none_or(Conn::asked) {
            return;
        }
        self.routes.pull(id, path, query);
        let newest = self.connections.newest();
        let Some(renumbering) = self.numbers.give_back(id, newest) else {
            return;
        };
        if let Some(conn) = self.connections.get_mut(id) {
            conn.forget_steps();
        }
        self.schedule.forget(id);
        self.held.renumber(&renumbering);
        self.layers.renumber_all(&renumbering);
        self.schedule.renumber(&renumbering, |_| true);
    }

    /// The 101 is on its way: frames may follow it.
    pub(crate) fn upgrade(&mut self, id: ConnId) {
        if let Some(steps) = self.connections.upgrade(id) {
            self.log.write(id, JournalKind::Upgraded);
            self.tell_used_up();
            self.begin_dialogue(id);
            self.run_steps(id, &steps);
            self.deliver_held(id);
            self.connections.tell_progress();
        }
        if self.schedule.starts_at_upgrade(self.connections.upgraded()) {
            self.begin();
        }
    }

    /// The message that a frame completes, where anybody looks for one.
    fn put_together(&mut self, id: ConnId, frame: &ClientFrame) -> Option<Message> {
        let expectations = self.expectations.as_ref();
        let expected = expectations.is_some_and(Expectations::seeks_message);
        if !expected && !self.watches.seeks_message() {
            self.assemblies.clear();
            return None;
        }
        self.assemblies.entry(id).or_default().take(frame)
    }

    /// A frame of the client's has come: journals and counts it, and does what it sets off. Returns
    /// how a step answers it, `None` where the connection is over.
    fn take_in(&mut self, id: ConnId, frame: &ClientFrame) -> Option<Answered> {
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

    /// The client sent a frame. `false` where that ended the connection.
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

    fn answer_ping(&mut self, id: ConnId, payload: Bytes) {
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

    /// Sends a Close of the engine's own.
    fn send_close(&mut self, id: ConnId, code: Option<u16>) {
        let what = code.map_or("close".to_owned(), |code| format!("close {code}"));
        let close = code.map(|code| CloseFrame {
            code,
            reason: String::new(),
        });
        self.reply(id, &what, frame::close(close.as_ref()));
    }

    /// The client broke the protocol: it is told so, and the connection ends.
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

    /// The client has ended the transport.
    pub(crate) fn client_gone(&mut self, id: ConnId, end: End) {
        let Some(phase) = self.connections.phase(id) else {
            return;
        };
        // One that was refused is expected to leave.
        if phase != Phase::Answered {
            let forgotten = self.connections.get(id).is_some_and(Conn::is_forgotten);
            let kind = match end {
                // Its client lives: what it sent met a reset on the way.
                End::Reset if forgotten => JournalKind::Dropped(End::Reset),
                End::Fin => JournalKind::ClientClosed,
                End::Reset => JournalKind::ClientReset,
            };
            self.log.write(id, kind);
        }
        self.lose_in_flight(id);
        self.remove(id);
    }

    /// What a partition holds back of a connection goes with it.
    fn lose_in_flight(&self, id: ConnId) {
        if let Some(held) = self.connections.get(id).and_then(Conn::held_bytes) {
            self.released(id, held);
        }
    }

    /// Resets a connection that nobody can serve.
    pub(crate) fn turn_back(&mut self, id: ConnId) {
        self.log.write(id, JournalKind::Dropped(End::Reset));
        self.end(id, End::Reset);
    }

    /// Ends the transport from the engine's side.
    fn end(&mut self, id: ConnId, end: End) {
        if end == End::Reset {
            // Behind a FIN it waits for the partition's end.
            self.lose_in_flight(id);
        }
        if let Some(conn) = self.connections.get(id) {
            conn.end_link(end);
            self.remove(id);
        }
    }

    /// Bytes and a FIN at once on everything, whatever holds, and the port given up: the engine
    /// is going away.
    pub(crate) fn end_all(&mut self) {
        self.connections.fin_all_now();
        for id in self.connections.within(Scope::All) {
            self.remove(id);
        }
        self.ports.close();
        // A dial that waits for the port learns that it is gone.
        self.connections.tell_progress();
    }

    /// The connection is over.
    pub(crate) fn remove(&mut self, id: ConnId) {
        let Some(conn) = self.connections.take(id) else {
            return;
        };
        self.schedule.forget(id);
        self.numbers.over(id);
        self.routes.over(id);
        self.dialogue.ended(id);
        self.assemblies.remove(&id);
        let left = self.map.leave(id, &conn, &self.connections, &self.layers);
        if let Some(renumbering) = left {
            self.renumber(&renumbering);
            self.connections.tell_waiting();
        }
        if !self.connections.linger(id, conn) {
            self.layers.forget(id);
        }
        // One that was gone before its answer has used it up all the same.
        self.tell_used_up();
        self.lose_held(id);
        self.let_go(false);
        self.connections.tell_progress();
    }

    /// What was said of connections moves along with their numbers.
    fn renumber(&mut self, renumbering: &Renumbering) {
        self.held.renumber(renumbering);
        self.layers.renumber(renumbering);
        let layers = &self.layers;
        self.schedule
            .renumber(renumbering, |layer| layers.holds(layer));
    }

    /// Forgets the links whose end has got through, or has nobody left to get to.
    fn let_go(&mut self, all: bool) {
        for id in self.connections.let_go(all) {
            self.layers.forget(id);
        }
    }

    /// A connection's TLS handshake has come to nothing: it is over.
    pub(crate) fn tls_failed(&mut self, id: ConnId, text: String) {
        if self.connections.contains(id) {
            self.log.write(id, JournalKind::TlsFailed(text));
            self.tell_used_up();
            self.remove(id);
        }
    }

    /// What is wrong with a connection's TLS, one use spent.
    pub(crate) fn tls(&mut self, id: ConnId) -> Option<TlsFault> {
        self.layers.tls(id)
    }

    /// What a connection got instead of HTTP.
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
