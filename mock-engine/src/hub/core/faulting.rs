//! How faults begin and end: one owner has the state, and here the port, the links and the journal
//! follow it.

use wstape_tape::{Action, End, Micros, Step};

use super::Core;
use crate::faults::{Expired, PortState};
use crate::hub::connection::Conn;
use crate::hub::schedule::Op;
use crate::ids::{ConnId, LayerIndex, PortId, Scope};
use crate::journal::JournalKind;
use crate::link::HeldBytes;
use crate::port::Gate;

impl Core {
    /// Sets or clears the state that a step names.
    pub(super) fn set(&mut self, layer: LayerIndex, scope: Scope, step: &Step) {
        let step = &*self.literal(layer, step);
        let (was, held) = (self.layers.port(), self.layers.holds(layer));
        let Some(generation) = self.layers.set(layer, scope, step) else {
            // The tape format may gain actions that are unknown here: they are never skipped
            // silently.
            let text = format!("line {}: an action this engine cannot play", step.line);
            self.log.note(scope.only(), text);
            return;
        };
        if let Some(length) = step.for_us {
            let expire = Op::Expire {
                layer,
                scope,
                generation,
            };
            self.schedule_after(length, expire);
        }
        if matches!(step.action, Action::Down(_)) {
            self.follow_port(was);
            return;
        }
        self.log
            .write(scope.only(), JournalKind::State(step.words().into_owned()));
        // A change in who answers concerns all connections, whichever the step named.
        let same = self.layers.holds(layer) == held;
        self.refresh_links(if same { scope } else { Scope::All });
    }

    /// Clears a state whose time is over.
    pub(super) fn expire(&mut self, layer: LayerIndex, scope: Scope, generation: u64) {
        let (was, held) = (self.layers.port(), self.layers.holds(layer));
        match self.layers.expire(layer, scope, generation) {
            None => {}
            Some(Expired::Port) => self.follow_port(was),
            Some(Expired::State(word)) => {
                let cleared = JournalKind::State(word.to_owned());
                self.log.write(scope.only(), cleared);
                let same = self.layers.holds(layer) == held;
                self.refresh_links(if same { scope } else { Scope::All });
            }
        }
    }

    /// Clears every fault of these layers.
    pub(crate) fn clear_faults(&mut self, layers: &[LayerIndex]) {
        let was = self.layers.port();
        for &layer in layers {
            self.layers.clear(layer);
        }
        let cleared = JournalKind::State("faults cleared".to_owned());
        self.log.write(None, cleared);
        self.follow_port(was);
        self.refresh_links(Scope::All);
    }

    /// Makes the port follow a change of `down`: open connections are reset, dials are refused, or
    /// reset one by one.
    pub(super) fn follow_port(&mut self, was: PortState) {
        let state = self.layers.port();
        if state == was {
            return;
        }
        let (went_down, came_up) = (was == PortState::Up, state == PortState::Up);
        if went_down {
            self.log.write(None, JournalKind::Down);
        } else if came_up {
            self.log.write(None, JournalKind::Up);
        }
        if let Err(error) = self.ports.set(state.gate()) {
            let failed = match state.gate() {
                Gate::Listens => "not open again",
                Gate::Pends => "takes dials all the same",
                Gate::Refuses => "not closed",
            };
            self.log.note(None, format!("port {failed}: {error}"));
        }
        // In memory dials wait for this.
        self.connections.tell_progress();
        if state.resets() && !was.resets() {
            self.drop_connections(Scope::All, End::Reset);
        }
    }

    /// Gives every link in `scope` the conditions that hold now, and makes waiting handshakes ask
    /// again. A state of one connection costs the others nothing.
    pub(super) fn refresh_links(&mut self, scope: Scope) {
        self.log.set_skew(self.layers.clock());
        match scope {
            Scope::One(id) => {
                let conditions = self.conditions(id);
                let (lingers, released) = self.connections.change_link(id, conditions);
                if let Some(held) = released {
                    self.released(id, held);
                }
                if lingers {
                    self.let_go(true);
                }
            }
            Scope::All | Scope::At { .. } => {
                let (layers, ports) = (&mut self.layers, &self.ports);
                let conditions = |id: ConnId, port: Option<PortId>| {
                    let mut conditions = layers.conditions(id);
                    if let Some(port) = port {
                        ports.add_conditions(port, id, &mut conditions);
                    }
                    conditions
                };
                for (id, held) in self.connections.change_links(conditions) {
                    self.released(id, held);
                }
                self.let_go(true);
                self.connections.tell_waiting();
            }
        }
        let ids = match scope {
            Scope::At { .. } => self.connections.within(Scope::All),
            scope => self.connections.within(scope),
        };
        for id in ids {
            self.watch_idle(id);
        }
    }

    /// Schedules a check for when the link will forget a connection, if it can.
    pub(super) fn watch_idle(&mut self, id: ConnId) {
        let Some(after) = self.layers.conditions(id).0.forgets_after else {
            return;
        };
        let begun = self.connections.get_mut(id).and_then(Conn::begin_idle);
        if let Some((passed_at, number)) = begun {
            let due = Micros(passed_at.0.saturating_add(after.0));
            self.schedule.put(due, Op::Idle { conn: id, number });
        }
    }

    /// Makes the link forget a connection, if nothing has passed for long enough by now.
    pub(super) fn idle_due(&mut self, id: ConnId, number: u64) {
        let conn = self.connections.get(id);
        let Some(passed_at) = conn.and_then(|conn| conn.idle_since(number)) else {
            return;
        };
        let Some(after) = self.layers.conditions(id).0.forgets_after else {
            return;
        };
        let due = Micros(passed_at.0.saturating_add(after.0));
        if due > self.log.now() {
            self.schedule.put(due, Op::Idle { conn: id, number });
        } else if let Some(conn) = self.connections.get(id) {
            self.log.write(id, JournalKind::Forgotten);
            conn.forget();
        }
    }

    /// Journals what a partition has held back, if anything.
    pub(super) fn released(&self, id: ConnId, held: HeldBytes) {
        let HeldBytes {
            to_client,
            from_client,
        } = held;
        if to_client + from_client > 0 {
            let released = JournalKind::Released {
                to_client,
                from_client,
            };
            self.log.write(id, released);
        }
    }
}
