//! What Toxiproxy's API asks of the core: ports opened, closed and poisoned.

use wstape_tape::End;

use super::Core;
use crate::hub::connection::Conn;
use crate::ids::{ConnId, PortId, Scope};
use crate::journal::JournalKind;
use crate::link::Conditions;
use crate::port::Port;
use crate::toxics::{Poisons, Toxic, poisons};

impl Core {
    /// Adds a port, in the state that it is in.
    pub(crate) fn add_port(&mut self, port: Port) -> PortId {
        self.ports.add(port)
    }

    /// Closes a port for good, with the connections that came in through it.
    pub(crate) fn remove_port(&mut self, port: PortId) {
        self.ports.remove(port);
        self.close_all_of(port);
    }

    /// Disables a port, which closes the connections that came in through it, or enables it again.
    pub(crate) fn enable_port(&mut self, port: PortId, enabled: bool) {
        if let Err(error) = self.ports.enable(port, enabled) {
            self.log.note(None, format!("port not changed: {error}"));
        }
        if !enabled {
            self.close_all_of(port);
        }
    }

    fn close_all_of(&mut self, port: PortId) {
        for id in self.of_port(port) {
            self.log.write(id, JournalKind::Dropped(End::Fin));
            self.end(id, End::Fin);
        }
    }

    fn of_port(&self, port: PortId) -> Vec<ConnId> {
        let all = self.connections.iter();
        let of = all.filter(|(_, conn)| conn.port() == port);
        of.map(|(id, _)| id).collect()
    }

    /// Replaces the toxics of a port; `text` is what the journal says of it.
    pub(crate) fn lay_toxics(&mut self, port: PortId, toxics: Vec<Toxic>, text: String) {
        self.ports.lay(port, toxics);
        self.log.write(None, JournalKind::State(text));
        for id in self.of_port(port) {
            self.refresh_links(Scope::One(id));
            if let Some(conn) = self.connections.get(id) {
                conn.tell_poisons();
            }
        }
    }

    /// What a connection's toxics do besides changing its link; nothing if it is over.
    pub(crate) fn poisons(&self, id: ConnId) -> Poisons {
        self.connections
            .get(id)
            .map_or_else(Poisons::default, |conn| {
                poisons(self.ports.toxics(conn.port()), id, conn.accepted_at())
            })
    }

    /// Ends a connection because of a toxic.
    pub(crate) fn cut(&mut self, id: ConnId, end: End, why: &str) {
        if self.connections.contains(id) {
            self.log.note(id, why);
            self.log.write(id, JournalKind::Dropped(end));
            self.end(id, end);
        }
    }

    /// What a connection's link does to bytes, by the tapes and by the toxics of its port.
    pub(super) fn conditions(&mut self, id: ConnId) -> (Conditions, Conditions) {
        let port = self.connections.get(id).map(Conn::port);
        let mut conditions = self.layers.conditions(id);
        if let Some(port) = port {
            self.ports.add_conditions(port, id, &mut conditions);
        }
        conditions
    }
}
