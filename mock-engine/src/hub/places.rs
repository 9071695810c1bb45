//! Places: which connection is the tape's first, second, and so on, where answers are held.
//!
//! It is the first, second, and so on, until another tape interferes: a connection that this one
//! ended, or kept from its answer, leaves its place to the next that comes, so that a recording
//! goes on behind the fault that was laid over it.

use std::collections::BTreeSet;

use wstape_tape::{Action, ReceivedKind};

use super::conn::{Conn, Phase};
use super::state::State;
use crate::layers::Scope;

/// How the tape's numbers become connections.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// How many times the tape has begun anew.
    round: u64,
    /// By how much connections are numbered higher than in the tape.
    ahead: u64,
    /// The connection to come that takes the place of one that was upgraded.
    pub(super) away: Option<u64>,
    /// Layers that have done something to connections while they did not hold their answers.
    meddlers: BTreeSet<usize>,
}

impl State {
    /// The number of the tape's `nth` connection.
    pub(super) fn nth(&self, layer: usize, nth: u64) -> u64 {
        if self.layers.holds(layer) {
            nth.saturating_add(self.places.ahead)
        } else {
            nth
        }
    }

    /// The tape is at its `round`th time over. Where that is new, its connection 1 is the first
    /// that still waits, or the next.
    pub(crate) fn enter_round(&mut self, round: u64) {
        if std::mem::replace(&mut self.places.round, round) == round {
            return;
        }
        let waiting = self
            .conns
            .iter()
            .find(|(_, conn)| conn.phase == Phase::Handshake && conn.waits.is_some());
        let last = waiting.map_or(self.accepted, |(&id, _)| id - 1);
        // Nobody came for these, and nobody will.
        while let Some(id) = self.held.last().filter(|&id| id > last) {
            if id > self.accepted {
                self.layers.forget(id);
            }
            self.let_held_go(id);
        }
        self.places.ahead = last;
        self.places.away = None;
    }

    /// Whether places may be left: another tape has interfered.
    pub(super) fn interfered(&self) -> bool {
        // What a tape sets before it holds its answers is no interference with itself.
        let mut meddlers = self.places.meddlers.iter();
        meddlers.any(|&layer| !self.layers.holds(layer)) && self.tape_ends()
    }

    /// The tape is done with this connection.
    pub(super) fn ended_by_tape(&mut self, id: u64) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.ended_by_tape = true;
        }
    }

    /// Learns from a step that is about to be played who rules, and what the tape is done with.
    /// `false` where that is all there is to it.
    pub(super) fn note_places(&mut self, layer: usize, scope: Scope, action: &Action) -> bool {
        if !self.layers.holds(layer) {
            let meddles = action.is_sent()
                || matches!(action, Action::Drop(_))
                || (action.is_state() && !matches!(action, Action::Http(_) | Action::Answers(_)));
            if meddles {
                self.places.meddlers.insert(layer);
            }
            return true;
        }
        let Scope::One(id) = scope else { return true };
        let gone = match action {
            Action::Drop(_) => true,
            Action::Received(received) => {
                matches!(received.kind, ReceivedKind::Fin | ReceivedKind::Reset)
            }
            Action::Close(_) => {
                self.ended_by_tape(id);
                false
            }
            _ => false,
        };
        if !gone {
            return true;
        }
        if self.places.away == Some(id) {
            // It ended while nobody was in its place: the next to come takes the one behind it.
            self.places.away = None;
            self.places.ahead -= 1;
            self.let_held_go(id);
            self.held.move_down(id);
            self.layers.move_down(id);
            return false;
        }
        if self
            .conns
            .get(&id)
            .is_some_and(|conn| conn.phase != Phase::Handshake)
        {
            self.ended_by_tape(id);
        }
        true
    }

    /// A connection has come.
    pub(super) fn take_place(&mut self, id: u64) {
        if self.places.away == Some(id) {
            self.places.away = None;
        }
    }

    /// A connection is over. Where another tape interferes and this one was not done with it, the
    /// next that waits or comes takes its place; not where others are open, for then nobody knows
    /// whose place it would be.
    pub(super) fn leave_place(&mut self, id: u64, conn: &Conn) {
        let placed = |conn: &Conn| !matches!(conn.phase, Phase::Answered | Phase::Hung);
        let others = || self.conns.iter().filter(|(_, other)| placed(other));
        if !self.interfered()
            || conn.ended_by_tape
            || self.layers.turned_away(id)
            || others().any(|(&other, conn)| other < id || conn.phase != Phase::Handshake)
        {
            return;
        }
        let next = others()
            .next()
            .map_or(self.accepted + 1, |(&other, _)| other);
        let by = next - id;
        self.held.move_up(id, by);
        self.layers.move_up(id, by);
        self.places.ahead += by;
        if conn.upgraded() && next > self.accepted {
            self.places.away = Some(next);
        }
        self.tell_waiting();
    }
}
