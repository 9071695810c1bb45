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
    /// Decides how connection `id`'s handshake is answered; spends one use of the answer.
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
        // The tape may answer long after the connection was accepted, and not in HTTP.
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

    /// Notes that the handshake was answered with something other than 101.
    pub(crate) fn refused(&mut self, id: ConnId, status: u16) {
        self.answered(id, JournalKind::Refused { status });
    }

    /// Notes that a plain request was answered.
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

    /// Notes that the connection will never be answered.
    pub(crate) fn hung(&mut self, id: ConnId) {
        if let Some(conn) = self.connections.get_mut(id) {
            conn.hang();
        }
        self.log.write(id, JournalKind::Hung);
        self.tell_used_up();
        self.lose_held_unless_left(id);
    }

    /// Notes that the tape is in its `round`th repetition. In a new one, its connection 1 is the
    /// first that still waits, or else the next to come.
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

    /// Notes that the tape is over: later dials have no answer of their own to wait for.
    pub(crate) fn tape_over(&mut self) {
        self.map.tape_over(self.connections.newest());
    }

    /// Whether a step has to wait for connection `id`.
    pub(super) fn is_to_come(&self, layer: LayerIndex, id: ConnId, step: &Step) -> bool {
        match self.connections.phase(id) {
            // It is to take the place of one that was upgraded: until it comes, what is sent there
            // finds nobody, as a broadcast does.
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

    /// Sets a state for a connection that has not come; it takes effect when that comes.
    fn hold_state(&mut self, layer: LayerIndex, id: ConnId, step: &Step) {
        if step.action.is_state() && !self.held.reserve(id) {
            self.log.note(id, "held: no more room");
            let what = step.key().into();
            self.log.write(id, JournalKind::Lost { what });
            return;
        }
        self.perform(layer, Scope::One(id), step);
    }

    /// Delivers the drop held for a connection that has come, if that is its only answer.
    pub(super) fn meet_held_drop(&mut self, id: ConnId) {
        if self.held.drops(id) && !self.layers.answered_by_any(id) {
            self.deliver_held(id);
        }
    }

    /// Delivers what waited for the connection's answer, in order.
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

    /// Loses what waited for a connection that is over, or was refused.
    pub(super) fn lose_held(&mut self, id: ConnId) {
        for item in self.held.take(id) {
            self.lose(id, &item);
        }
    }

    /// Calls [`lose_held`](Self::lose_held), unless another connection takes this one's place.
    fn lose_held_unless_left(&mut self, id: ConnId) {
        if !self.map.interfered(&self.layers) || self.layers.turned_away(id) {
            self.lose_held(id);
        }
    }

    fn lose(&self, id: ConnId, item: &Item) {
        self.log.write(id, JournalKind::Lost { what: item.what() });
    }

    /// Waits for the tape's own answer to the client's Close, which has come.
    pub(super) fn await_the_tapes_close(&mut self, id: ConnId, code: Option<u16>) {
        let conn = self.connections.get_mut(id);
        if conn.is_some_and(Conn::close_by_client) {
            let due = self.log.in_future(HELD_CLOSE_WAIT);
            self.schedule.put(due, Op::CloseAnswer { conn: id, code });
        }
    }

    /// Answers the client's Close in the tape's place, if that has not done so in time, and ends
    /// the connection.
    pub(super) fn close_answer_due(&mut self, id: ConnId, code: Option<u16>) {
        if self.connections.phase(id) == Some(Phase::Open) {
            self.send_close(id, code);
        }
        self.end(id, End::Fin);
    }
}
