//! How handshakes are answered, and what waits for the answer.
//!
//! While a layer holds its `answers`, a handshake waits for the layer to decide on that connection,
//! and what the layer sends there waits for the 101. Every other layer works as ever.

use std::borrow::Cow;

use wstape_tape::{Accept, Action, End, Step};

use super::Core;
use super::dialogue::Cause;
use crate::faults::Greeting;
use crate::hub::connection::Conn;
use crate::hub::handshake::Decision;
use crate::hub::held::{HELD_CLOSE_WAIT, Item, NoRoom};
use crate::hub::phase::Phase;
use crate::hub::schedule::Op;
use crate::ids::{ConnId, LayerIndex, Scope};
use crate::journal::JournalKind;

impl Core {
    /// How connection `id`'s handshake is answered; spends one use of the answer.
    pub(crate) fn decide(&mut self, id: ConnId) -> Decision {
        if !self.connections.contains(id) {
            return Decision::Nothing;
        }
        match self.layers.greeting_at_path(id) {
            Greeting::Serve => {}
            Greeting::Hang => {
                self.hung(id);
                return Decision::Nothing;
            }
            Greeting::Garbage(garbage) => {
                self.send_garbage(id, &garbage);
                return Decision::Nothing;
            }
        }
        if let Some(mut refusal) = self.layers.refusal(id) {
            self.fill_answer(id, &mut refusal);
            return Decision::Refuse(refusal);
        }
        if let Some(mut accept) = self.layers.acceptance(id) {
            self.fill_answer(id, &mut accept);
            return Decision::Accept(accept);
        }
        if !self.layers.held() || !self.map.may_answer(id) {
            return Decision::Accept(Accept::default());
        }
        // The tape's answer may come after the accept, and may not be HTTP.
        if let Some(garbage) = self.layers.held_garbage(id) {
            self.send_garbage(id, &garbage);
            return Decision::Nothing;
        }
        let Some(conn) = self.connections.get_mut(id) else {
            return Decision::Nothing;
        };
        let (told, new) = conn.await_answer();
        if new {
            self.log.write(id, JournalKind::Held);
        }
        Decision::Wait(told)
    }

    /// Whether a handshake has its answer from the tape and is still under way.
    pub(super) fn answering(&self) -> bool {
        let mut handshakes = self
            .connections
            .iter()
            .filter(|(_, conn)| conn.phase() == Phase::Handshake);
        handshakes.any(|(id, _)| self.layers.answered_by_any(id))
    }

    /// The handshake was answered with something other than 101.
    pub(crate) fn refused(&mut self, id: ConnId, status: u16) {
        self.answered(id, JournalKind::Refused { status });
    }

    /// A plain request was answered.
    pub(crate) fn http_answered(&mut self, id: ConnId, method: &str, path: String, status: u16) {
        let method = method.to_owned();
        let answered = JournalKind::HttpAnswered {
            method,
            path,
            status,
        };
        self.answered(id, answered);
    }

    fn answered(&mut self, id: ConnId, kind: JournalKind) {
        if let Some(conn) = self.connections.get_mut(id) {
            conn.answered();
        }
        self.log.write(id, kind);
        self.tell_used_up();
        self.lose_held_unless_left(id);
    }

    /// Journals which answers are used up, right after the last of them.
    pub(super) fn tell_used_up(&mut self) {
        for words in self.layers.take_used_up() {
            self.log.write(None, JournalKind::State(words.to_owned()));
        }
    }

    /// The connection will never be answered.
    pub(crate) fn hung(&mut self, id: ConnId) {
        if let Some(conn) = self.connections.get_mut(id) {
            conn.hang();
        }
        self.log.write(id, JournalKind::Hung);
        self.tell_used_up();
        self.lose_held_unless_left(id);
    }

    /// The tape is in its `round`th repetition. If that is new, its connection 1 is the first that
    /// still waits, or the next.
    pub(crate) fn enter_round(&mut self, round: u64) {
        if !self.map.enter_round(round) {
            return;
        }
        let newest = self.connections.newest();
        let waiting = self
            .connections
            .iter()
            .find(|(_, conn)| conn.phase() == Phase::Handshake && conn.awaits_answer());
        let last = waiting.map_or(newest, |(id, _)| id.before());
        // Nobody came for these, and nobody will.
        while let Some(id) = self.held.last().filter(|&id| id > last) {
            if id > newest {
                self.layers.forget(id);
            }
            self.lose_held(id);
        }
        let layers = &self.layers;
        let put_off = self
            .schedule
            .take_steps_behind(last, |layer| layers.holds(layer));
        for (id, step) in put_off {
            let what = step.key().into();
            self.log.write(id, JournalKind::Lost { what });
        }
        let first = self.numbers.of(last.later(1), newest);
        self.map.begin_behind(first.saturating_sub(1));
    }

    /// The tape is over: later dials have no answer of their own to wait for.
    pub(crate) fn tape_over(&mut self) {
        self.map.tape_over(self.connections.newest());
    }

    /// Whether a step has to wait for connection `id`.
    pub(super) fn is_to_come(&self, layer: LayerIndex, id: ConnId, step: &Step) -> bool {
        match self.connections.phase(id) {
            // The place was left, it is not to come: a broadcast finds nobody then either.
            None if self.map.is_away(id) => !step.action.is_sent(),
            None => id > self.connections.newest(),
            Some(phase) if phase != Phase::Handshake => false,
            Some(_) if step.action.is_sent() => true,
            // A drop comes after whatever an answered connection is still to get; without an
            // answer, the drop is the answer.
            Some(_) => matches!(step.action, Action::Drop(_)) && self.layers.answered(layer, id),
        }
    }

    /// Holds a step for a connection that has not come or has no answer yet.
    pub(super) fn hold(&mut self, layer: LayerIndex, id: ConnId, step: &Step) {
        let item = match &step.action {
            Action::Drop(end) => Item::Drop(*end),
            action => {
                let speech = self.speech_of(layer, action);
                let action = match &speech {
                    Some(speech) => self.filled(speech, action, Some(id), Cause::NONE),
                    None => Cow::Borrowed(action),
                };
                let wall = || self.log.wall();
                match self.outbox.make(layer, &action, &step.trigger, wall) {
                    Some(outgoing) => Item::Send(outgoing),
                    None => return self.hold_state(layer, id, step),
                }
            }
        };
        if let Err(NoRoom { item, first }) = self.held.put(id, item) {
            if first {
                self.log.note(id, "held: no more room");
            }
            self.lose(id, &item);
        }
    }

    /// A state for a connection that has not come takes effect when it does.
    fn hold_state(&mut self, layer: LayerIndex, id: ConnId, step: &Step) {
        if step.action.is_state() && !self.held.reserve(id) {
            self.log.note(id, "held: no more room");
            let what = step.key().into();
            self.log.write(id, JournalKind::Lost { what });
            return;
        }
        self.perform(layer, Scope::One(id), step);
    }

    /// A connection has come, and its only answer may be a drop.
    pub(super) fn meet_held_drop(&mut self, id: ConnId) {
        if self.held.drops(id) && !self.layers.answered_by_any(id) {
            self.deliver_held(id);
        }
    }

    /// The connection has its answer: what waited for it happens now, in order.
    pub(super) fn deliver_held(&mut self, id: ConnId) {
        for item in self.held.take(id) {
            match item {
                Item::Send(outgoing) => {
                    let is_close = outgoing.is_close();
                    self.send(Scope::One(id), outgoing);
                    if is_close {
                        self.end_by_tape(id);
                    }
                }
                Item::Drop(end) => {
                    self.end_by_tape(id);
                    self.drop_connections(Scope::One(id), end);
                }
            }
        }
    }

    fn end_by_tape(&mut self, id: ConnId) {
        if let Some(conn) = self.connections.get_mut(id) {
            conn.end_by_tape();
        }
    }

    /// The connection is over, or was refused: what waited for it is lost.
    pub(super) fn lose_held(&mut self, id: ConnId) {
        for item in self.held.take(id) {
            self.lose(id, &item);
        }
    }

    /// As [`lose_held`](Self::lose_held), unless another takes its place.
    fn lose_held_unless_left(&mut self, id: ConnId) {
        if !self.map.interfered(&self.layers) || self.layers.turned_away(id) {
            self.lose_held(id);
        }
    }

    fn lose(&self, id: ConnId, item: &Item) {
        self.log.write(id, JournalKind::Lost { what: item.what() });
    }

    /// The client's Close has come, and the tape's own answer may be on its way.
    pub(super) fn await_the_tapes_close(&mut self, id: ConnId, code: Option<u16>) {
        let conn = self.connections.get_mut(id);
        if conn.is_some_and(Conn::close_by_client) {
            let due = self.log.in_future(HELD_CLOSE_WAIT);
            self.schedule.put(due, Op::CloseAnswer { conn: id, code });
        }
    }

    /// The tape has had long enough to answer the client's Close.
    pub(super) fn close_answer_due(&mut self, id: ConnId, code: Option<u16>) {
        if self.connections.phase(id) == Some(Phase::Open) {
            self.send_close(id, code);
        }
        self.end(id, End::Fin);
    }
}
