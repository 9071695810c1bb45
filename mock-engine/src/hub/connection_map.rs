//! The connection map: which live connection is the tape's first, second, and so on, while answers
//! are held.
//!
//! Live connections match the tape's one for one until another tape interferes. A connection that
//! the other tape ended, or kept from its answer, then leaves its place to the next one, so that a
//! recording goes on after the fault laid over it.

use std::collections::BTreeSet;

use wstape_tape::{Action, ReceivedKind};

use super::connection::Conn;
use super::connections::Connections;
use super::phase::Phase;
use crate::faults::Layers;
use crate::ids::{ConnId, LayerIndex, Nth, Renumbering, Scope};

/// Maps the tape's connection numbers to live connections.
#[derive(Debug, Default)]
pub(super) struct ConnectionMap {
    /// How many times the tape has started over.
    round: u64,
    /// By how much connections are numbered higher than in the tape.
    ahead: u64,
    /// The connection, yet to come, that takes the place of one that had been upgraded.
    away: Option<ConnId>,
    /// Layers that have affected connections without holding their answers.
    interfering: BTreeSet<LayerIndex>,
    /// The newest connection when the tape was over.
    over_at: Option<ConnId>,
}

/// What a step that is about to be performed means for places.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Learnt {
    /// Nothing that keeps it from being performed.
    Perform,
    /// The tape has ended this connection while nobody was in its place: the next to come takes the
    /// next place, and there is nothing to perform.
    Vacant(ConnId),
}

impl ConnectionMap {
    /// The number of the connection that is the `nth` of a layer.
    pub(super) fn number(&self, layer: LayerIndex, nth: Nth, layers: &Layers) -> u64 {
        let ahead = if layers.holds(layer) { self.ahead } else { 0 };
        nth.0.saturating_add(ahead)
    }

    /// Notes that the tape is in its `round`th repetition; returns whether that is new.
    pub(super) fn enter_round(&mut self, round: u64) -> bool {
        std::mem::replace(&mut self.round, round) != round
    }

    /// Makes the connection numbered just after `last` the tape's connection 1.
    pub(super) fn begin_behind(&mut self, last: u64) {
        self.ahead = last;
        self.away = None;
    }

    /// Notes that the tape is over, and that `newest` is the newest connection.
    pub(super) fn tape_over(&mut self, newest: ConnId) {
        self.over_at.get_or_insert(newest);
    }

    /// Whether the tape may still have an answer for a connection.
    pub(super) fn may_answer(&self, id: ConnId) -> bool {
        self.over_at.is_none_or(|last| id <= last)
    }

    /// Whether the engine leaves the ending of open connections to the tape.
    pub(super) fn tape_ends(&self, layers: &Layers) -> bool {
        layers.held() && self.over_at.is_none()
    }

    /// Whether connections may leave their places, because another tape has interfered.
    pub(super) fn interfered(&self, layers: &Layers) -> bool {
        // What a tape sets before it holds its answers doesn't interfere with itself.
        let mut interfering = self.interfering.iter();
        interfering.any(|&layer| !layers.holds(layer)) && self.tape_ends(layers)
    }

    /// Whether the connection takes the place of one that left after its 101.
    pub(super) fn is_away(&self, id: ConnId) -> bool {
        self.away == Some(id)
    }

    /// Notes that a connection has come.
    pub(super) fn arrive(&mut self, id: ConnId) {
        if self.is_away(id) {
            self.away = None;
        }
    }

    /// Learns from a step about to be played who interferes, and which connection the tape is done
    /// with.
    pub(super) fn learn(
        &mut self,
        layer: LayerIndex,
        scope: Scope,
        action: &Action,
        layers: &Layers,
        connections: &mut Connections,
    ) -> Learnt {
        if !layers.holds(layer) {
            if interferes(action) {
                self.interfering.insert(layer);
            }
            return Learnt::Perform;
        }
        let Scope::One(id) = scope else {
            return Learnt::Perform;
        };
        let conn = connections.get_mut(id);
        if matches!(action, Action::Close(_)) {
            if let Some(conn) = conn {
                conn.end_by_tape();
            }
            return Learnt::Perform;
        }
        if !ends(action) {
            return Learnt::Perform;
        }
        if self.is_away(id) {
            self.away = None;
            self.ahead -= 1;
            return Learnt::Vacant(id);
        }
        if let Some(conn) = conn
            && conn.phase() != Phase::Handshake
        {
            conn.end_by_tape();
        }
        Learnt::Perform
    }

    /// Notes that a connection is over. If another tape interferes and the tape was not done with
    /// this connection, the next one that waits or comes takes its place; returns how that
    /// renumbers others. No place is passed on while others are open, since nobody could know whose
    /// place it was.
    pub(super) fn leave(
        &mut self,
        id: ConnId,
        conn: &Conn,
        connections: &Connections,
        layers: &Layers,
    ) -> Option<Renumbering> {
        let placed = |conn: &Conn| !matches!(conn.phase(), Phase::Answered | Phase::Hung);
        let others = || connections.iter().filter(|(_, other)| placed(other));
        if !self.interfered(layers)
            || conn.ended_by_tape()
            || layers.turned_away(id)
            || others().any(|(other, conn)| other < id || conn.phase() != Phase::Handshake)
        {
            return None;
        }
        let newest = connections.newest();
        let next = others().next().map_or(newest.later(1), |(other, _)| other);
        let by = next.get() - id.get();
        self.ahead += by;
        if conn.upgraded() && next > newest {
            self.away = Some(next);
        }
        Some(Renumbering::up(id, by))
    }
}

/// Whether an action of a layer that does not hold its answers affects connections.
fn interferes(action: &Action) -> bool {
    action.is_sent()
        || matches!(action, Action::Drop(_))
        || (action.is_state() && !matches!(action, Action::Http(_) | Action::Answers(_)))
}

/// Whether an action says that the connection is over.
fn ends(action: &Action) -> bool {
    match action {
        Action::Drop(_) => true,
        Action::Received(received) => {
            matches!(received.kind, ReceivedKind::Fin | ReceivedKind::Reset)
        }
        _ => false,
    }
}
