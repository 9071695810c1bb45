//! Performs steps: what each action does, and what sending sets off. Faults are set in `faulting`.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use wstape_tape::{Action, Conn as Whose, End, Expect, Micros, Step};

use super::dialogue::Cause;
use super::{CLOSE_WAIT, Core};
use crate::ahead::Read;
use crate::chance::draw;
use crate::dialogue::{Answer, may_refer};
use crate::hub::connection::Conn;
use crate::hub::connection_map::Learnt;
use crate::hub::outbox::Outgoing;
use crate::hub::schedule::Op;
use crate::ids::{ConnId, LayerIndex, Nth, Renumbering, Scope};
use crate::journal::JournalKind;

/// Work on one connection, in order.
pub(super) enum Work {
    Send { bytes: Bytes, frames: u64 },
    Step(usize),
}

impl Core {
    /// Plays an `at_ms` step, or a control: draws what it leaves to chance, then performs it.
    pub(crate) fn apply(&mut self, layer: LayerIndex, step: Step) {
        let scope = self.scope_of(layer, &step);
        match draw(&step, step.line) {
            None => {}
            Some(Micros::ZERO) => self.play(layer, scope, &step),
            Some(put_off) => {
                self.schedule_after(put_off, Op::Step { layer, scope, step });
            }
        }
    }

    /// How many connections would get steps that only send, at most `bytes` bytes in all; `None` if
    /// [`send_run`](Self::send_run) can't send them in one piece.
    pub(crate) fn joined(&self, bytes: usize) -> Option<usize> {
        self.connections.joined(bytes)
    }

    /// Plays steps that only send, the same to all, in one piece: does what [`apply`](Self::apply)
    /// would do with each, in the same order, at a fraction of the cost. `bytes` is their size, and
    /// `to` what [`joined`](Self::joined) has just returned for it.
    pub(crate) fn send_run(
        &mut self,
        run: &mut dyn Iterator<Item = Read>,
        bytes: usize,
        to: usize,
    ) {
        let mut frames = BytesMut::with_capacity(bytes);
        let mut sent = Vec::with_capacity(run.size_hint().0);
        for Read {
            layer, step, round, ..
        } in run
        {
            self.enter_round(round);
            self.learn(layer, Scope::All, &step.action);
            let wall = || self.log.wall();
            let made = self
                .outbox
                .put(&mut frames, layer, &step.action, &step.trigger, wall);
            sent.extend(made.map(|what| JournalKind::Sent { what, to }));
        }
        let count = sent.len() as u64;
        self.log.write_all(sent);
        for id in self.connections.send_joined(&frames.freeze(), count) {
            self.overrun(id);
        }
    }

    /// The connections that an `at_ms` step is about.
    pub(super) fn scope_of(&mut self, layer: LayerIndex, step: &Step) -> Scope {
        let nth = match step.conn {
            Whose::All => None,
            Whose::Nth(nth) => Some(nth),
        };
        match (&step.path, nth) {
            (Some(path), nth) => {
                let path = self.routes.name(path);
                Scope::At { path, nth }
            }
            (None, None) => Scope::All,
            (None, Some(nth)) => {
                let number = self.map.number(layer, Nth(nth), &self.layers);
                Scope::One(self.numbers.live(number, self.connections.newest()))
            }
        }
    }

    /// Schedules something after a span of the tape's time.
    pub(super) fn schedule_after(&mut self, span: Micros, op: Op) {
        let span = self.speed.scale(span);
        self.schedule.put_after(self.log.now(), span, op);
    }

    /// Plays a step for the connections in `scope`: performs it, or holds it for a connection whose
    /// 101 it must wait for.
    pub(super) fn play(&mut self, layer: LayerIndex, scope: Scope, step: &Step) {
        if !self.learn(layer, scope, &step.action) {
            return;
        }
        match scope {
            Scope::One(id) if self.layers.holds(layer) && self.is_to_come(layer, id, step) => {
                self.hold(layer, id, step);
            }
            _ => self.perform(layer, scope, step),
        }
    }

    /// Lets the connection map learn from a step. `false` if there is nothing left to perform.
    fn learn(&mut self, layer: LayerIndex, scope: Scope, action: &Action) -> bool {
        let learnt = self
            .map
            .learn(layer, scope, action, &self.layers, &mut self.connections);
        let Learnt::Vacant(id) = learnt else {
            return true;
        };
        self.lose_held(id);
        self.layers.forget(id);
        // A step for it that jitter put off still comes, but to the one before, which is over too.
        self.renumber(&Renumbering::down(id));
        false
    }

    /// Performs a step for the connections in `scope`, now.
    pub(super) fn perform(&mut self, layer: LayerIndex, scope: Scope, step: &Step) {
        let state = step.action.is_state() && !matches!(step.action, Action::Mute(_));
        if let (Scope::At { path, nth }, false) = (scope, state) {
            self.perform_at(layer, self.routes.within(path, nth), step);
            return;
        }
        let Some(speech) = self.speech_of(layer, &step.action) else {
            return self.perform_plain(layer, scope, step);
        };
        if scope == Scope::All && speech.is_of_connection() {
            let upgraded = |(id, conn): (ConnId, &Conn)| conn.upgraded().then_some(id);
            let open = self.connections.iter().filter_map(upgraded).collect();
            self.perform_at(layer, open, step);
            return;
        }
        if self.lacks_part(&speech, &step.action, scope.only(), Cause::NONE) {
            return;
        }
        let mut made = step.clone();
        made.action = self
            .filled(&speech, &step.action, scope.only(), Cause::NONE)
            .into_owned();
        self.perform_plain(layer, scope, &made);
    }

    /// Performs a step on these connections, one by one.
    fn perform_at(&mut self, layer: LayerIndex, ids: Vec<ConnId>, step: &Step) {
        if ids.is_empty() {
            let what = step.key().into();
            self.log.write(None, JournalKind::Lost { what });
        }
        for id in ids {
            self.perform(layer, Scope::One(id), step);
        }
    }

    /// Like [`perform`](Self::perform), for a step without references.
    pub(super) fn perform_plain(&mut self, layer: LayerIndex, scope: Scope, step: &Step) {
        let wall = || self.log.wall();
        if let Some(outgoing) = self.outbox.make(layer, &step.action, &step.trigger, wall) {
            self.send(scope, outgoing);
            return;
        }
        let only = scope.only();
        match &step.action {
            Action::Start(start) => {
                for id in self.connections.within(scope) {
                    let words = step.words().into_owned();
                    self.start_scene(id, &start.scene, start.goes_by(), words, None);
                }
            }
            Action::Stop(_)
            | Action::Mute(_)
            | Action::Gap(_)
            | Action::Repeat(_)
            | Action::Late(_) => self.disturb_scenes(scope, step),
            Action::Drop(_) | Action::HalfClose if self.misses(layer, scope) => {
                let what = step.key().into();
                self.log.write(scope.only(), JournalKind::Lost { what });
            }
            Action::Drop(end) => self.drop_connections(scope, *end),
            Action::HalfClose => self.half_close(scope),
            Action::Mark(name) => self.log.write(only, JournalKind::Mark(name.clone())),
            Action::Expect(expect) => {
                self.log
                    .write(only, JournalKind::Expect(Arc::new(expect.clone())));
                self.expect(layer, scope, step, expect);
            }
            Action::End => self.log.write(None, JournalKind::End),
            // A record of what the client sent when the tape was recorded: there is nothing to do.
            Action::Received(_) => {}
            _ => self.set(layer, scope, step),
        }
    }

    /// Applies a fault to a scene on each connection that has it.
    fn disturb_scenes(&mut self, scope: Scope, step: &Step) {
        let mut any = false;
        for id in self.connections.within(scope) {
            if self.disturb(id, step) {
                any = true;
                let words = step.words().into_owned();
                self.log.write(id, JournalKind::State(words));
            }
        }
        if !any {
            let what = step.key().into();
            self.log.write(scope.only(), JournalKind::Lost { what });
        }
    }

    fn expect(&mut self, layer: LayerIndex, scope: Scope, step: &Step, expect: &Expect) {
        let Some(expectations) = &mut self.expectations else {
            return;
        };
        if let Some(number) = expectations.open(layer, scope, step, expect) {
            // One microsecond more: what happens at exactly that time still counts.
            let due = self.log.in_future(Micros(expect.after.0.saturating_add(1)));
            self.schedule.put(due, Op::Judge { number });
        }
        self.connections.tell_progress();
    }

    /// The step with its answer's text made literal, if its layer holds no references.
    pub(super) fn literal<'s>(&self, layer: LayerIndex, step: &'s Step) -> Cow<'s, Step> {
        let knows = self.speaks.get(layer.0).is_some_and(|speaks| *speaks);
        let answers = matches!(
            step.action,
            Action::Accept(Some(_)) | Action::Refuse(Some(_)) | Action::Http(_)
        );
        if knows || !answers || !may_refer(step.to_line().as_bytes()) {
            return Cow::Borrowed(step);
        }
        let mut step = step.clone();
        match &mut step.action {
            Action::Accept(Some(accept)) => accept.escape(),
            Action::Refuse(Some(refusal)) => refusal.escape(),
            Action::Http(answer) => answer.escape(),
            _ => {}
        }
        Cow::Owned(step)
    }

    pub(super) fn drop_connections(&mut self, scope: Scope, end: End) {
        for id in self.connections.within(scope) {
            self.log.write(id, JournalKind::Dropped(end));
            self.end(id, end);
        }
    }

    /// Whether whoever steers has named a connection that isn't there. A tape's drop of a client
    /// that has already left is not reported: a recording ends each of its connections.
    fn misses(&self, layer: LayerIndex, scope: Scope) -> bool {
        let absent = scope
            .only()
            .is_some_and(|id| !self.connections.contains(id));
        absent && self.layers.is_steered(layer)
    }

    fn half_close(&mut self, scope: Scope) {
        for id in self.connections.within(scope) {
            if self.connections.get_mut(id).is_some_and(Conn::half_close) {
                self.log.write(id, JournalKind::HalfClosed);
            }
        }
        self.connections.tell_progress();
    }

    /// Sends something to the open connections in `scope`.
    pub(super) fn send(&mut self, scope: Scope, mut outgoing: Outgoing) {
        let to = self.takers(scope, &outgoing);
        if to == 0 {
            return;
        }
        let rest = self.connections.broadcast(scope, &mut outgoing, to);
        for id in rest.careful {
            if outgoing.is_close() {
                self.begin_closing(id);
            }
            let bytes = self.encode(id, &outgoing);
            let frames = outgoing.frames();
            self.work_through(id, Work::Send { bytes, frames });
        }
        for id in rest.overrun {
            self.overrun(id);
        }
    }

    /// Counts the connections in `scope` that take this now, and journals it as sent to them. On
    /// those that take it later, it waits. If none takes it, it is lost.
    fn takers(&mut self, scope: Scope, outgoing: &Outgoing) -> usize {
        let (only, what) = (scope.only(), outgoing.what());
        let (to, later) = self.connections.takers(scope, outgoing);
        if to > 0 {
            self.log.write(only, JournalKind::Sent { what, to });
        } else if later == 0 {
            self.log.write(only, JournalKind::Lost { what });
        }
        if later > 0 {
            self.connections.wait(scope, outgoing);
        }
        to
    }

    /// Sends what has waited for this place between a real engine's frames.
    pub(super) fn send_waiting(&mut self, id: ConnId) {
        let next = |conn: &mut Conn| conn.between()?.next();
        while let Some(outgoing) = self.connections.get_mut(id).and_then(next) {
            self.send(Scope::One(id), outgoing);
        }
    }

    /// Encodes something for one connection.
    fn encode(&mut self, id: ConnId, outgoing: &Outgoing) -> Bytes {
        let compressed = outgoing.message().and_then(|(opcode, payload)| {
            let conn = self.connections.get_mut(id)?;
            conn.compress(opcode, payload)
        });
        compressed.unwrap_or_else(|| outgoing.bytes())
    }

    /// Sends a frame of the engine's own (an answer to Ping or Close) on one connection.
    pub(super) fn reply(&mut self, id: ConnId, what: &str, bytes: Bytes) {
        let what = self.outbox.name(what);
        self.log.write(id, JournalKind::Sent { what, to: 1 });
        self.work_through(id, Work::Send { bytes, frames: 1 });
    }

    /// Runs prologue steps on a connection, in order.
    pub(super) fn run_steps(&mut self, id: ConnId, steps: &[usize]) {
        for &index in steps {
            self.work_through(id, Work::Step(index));
        }
    }

    /// Works through `first` and whatever steps it sets off. Uses a list instead of recursion,
    /// because each step may send bytes that reach the mark of the next.
    pub(super) fn work_through(&mut self, id: ConnId, first: Work) {
        let mut list = VecDeque::from([first]);
        while let Some(work) = list.pop_front() {
            match work {
                Work::Send { mut bytes, frames } => {
                    let Some(conn) = self.connections.get_mut(id) else {
                        return;
                    };
                    let Some(reached) = conn.send_to_mark(&mut bytes, frames) else {
                        self.overrun(id);
                        return;
                    };
                    if !bytes.is_empty() {
                        list.push_front(Work::Send { bytes, frames });
                    }
                    for index in reached.into_iter().rev() {
                        list.push_front(Work::Step(index));
                    }
                }
                Work::Step(index) => {
                    let (layer, step) = self.prologue.step(index);
                    self.learn(layer, Scope::One(id), &step.action);
                    if let Some(send) = self.prologue_bytes(layer, id, &step) {
                        list.push_front(send);
                    } else {
                        self.perform(layer, Scope::One(id), &step);
                    }
                }
            }
        }
    }

    /// What a prologue step sends on its connection, journalled; `None` if the step sends nothing,
    /// or the connection is over.
    fn prologue_bytes(&mut self, layer: LayerIndex, id: ConnId, step: &Step) -> Option<Work> {
        if !step.action.is_sent() {
            return None;
        }
        self.connections.get(id)?;
        let speech = self.speech_of(layer, &step.action);
        let action = match &speech {
            Some(speech) => self.filled(speech, &step.action, Some(id), Cause::NONE),
            None => Cow::Borrowed(&step.action),
        };
        let wall = || self.log.wall();
        let outgoing = self.outbox.make(layer, &action, &step.trigger, wall)?;
        if self.takers(Scope::One(id), &outgoing) == 0 {
            return Some(Work::Send {
                bytes: Bytes::new(),
                frames: 0,
            });
        }
        if outgoing.is_close() {
            self.begin_closing(id);
        }
        Some(Work::Send {
            bytes: self.encode(id, &outgoing),
            frames: outgoing.frames(),
        })
    }

    /// Notes that the engine's Close is on its way: the client has [`CLOSE_WAIT`] to answer.
    fn begin_closing(&mut self, id: ConnId) {
        if let Some(conn) = self.connections.get_mut(id) {
            conn.begin_closing();
            let due = self.log.in_future(CLOSE_WAIT);
            self.schedule.put(due, Op::CloseWait { conn: id });
        }
    }

    fn overrun(&mut self, id: ConnId) {
        self.log.write(id, JournalKind::Overrun);
        self.remove(id);
    }
}
