//! How a connection ends, whoever ends it, and how what was set for others moves along.

use wstape_tape::End;

use super::Core;
use crate::hub::between::Between;
use crate::hub::connection::Conn;
use crate::hub::phase::Phase;
use crate::ids::{ConnId, Renumbering, Scope};
use crate::journal::JournalKind;

impl Core {
    /// Notes that the client has ended the transport.
    pub(crate) fn client_gone(&mut self, id: ConnId, end: End) {
        let Some(phase) = self.connections.phase(id) else {
            return;
        };
        // A refused client is expected to leave.
        if phase != Phase::Answered {
            let forgotten = self.connections.get(id).is_some_and(Conn::is_forgotten);
            let kind = match end {
                // The client lives on: it got a reset for what it sent after the link had forgotten
                // it.
                End::Reset if forgotten => JournalKind::Dropped(End::Reset),
                End::Fin => JournalKind::ClientClosed,
                End::Reset => JournalKind::ClientReset,
            };
            self.log.write(id, kind);
        }
        self.lose_in_flight(id);
        self.remove(id);
    }

    /// Journals what a partition holds back of a connection, which is lost with it.
    pub(super) fn lose_in_flight(&self, id: ConnId) {
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
    pub(super) fn end(&mut self, id: ConnId, end: End) {
        if end == End::Reset {
            // With a FIN, it waits for the partition's end instead.
            self.lose_in_flight(id);
        }
        if let Some(conn) = self.connections.get(id) {
            conn.end_link(end);
            self.remove(id);
        }
    }

    /// Sends all bytes and a FIN on every connection at once, whatever faults hold, and gives the
    /// port up: the engine is going away.
    pub(crate) fn end_all(&mut self) {
        self.connections.fin_all_now();
        for id in self.connections.within(Scope::All) {
            self.remove(id);
        }
        self.ports.close();
        // A dial that waits for the port learns that it is gone.
        self.connections.tell_progress();
    }

    /// Removes a connection that is over.
    pub(crate) fn remove(&mut self, id: ConnId) {
        let Some(mut conn) = self.connections.take(id) else {
            return;
        };
        while let Some(outgoing) = conn.between().and_then(Between::take) {
            let what = outgoing.what();
            self.log.write(id, JournalKind::Lost { what });
        }
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
        // A connection that left before its answer has used that up all the same.
        self.tell_used_up();
        self.lose_held(id);
        self.let_go(false);
        self.connections.tell_progress();
    }

    /// Moves what was set for connections along with their numbers.
    pub(super) fn renumber(&mut self, renumbering: &Renumbering) {
        self.held.renumber(renumbering);
        self.layers.renumber(renumbering);
        let layers = &self.layers;
        self.schedule
            .renumber(renumbering, |layer| layers.holds(layer));
    }

    /// Forgets the links whose end has got through, or has nobody left to reach.
    pub(super) fn let_go(&mut self, all: bool) {
        for id in self.connections.let_go(all) {
            self.layers.forget(id);
        }
    }

    /// Ends a connection whose TLS handshake has failed.
    pub(crate) fn tls_failed(&mut self, id: ConnId, text: String) {
        if self.connections.contains(id) {
            self.log.write(id, JournalKind::TlsFailed(text));
            self.tell_used_up();
            self.remove(id);
        }
    }
}
