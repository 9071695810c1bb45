//! The connections that are not over, and the links that outlive them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use super::connection::{Conn, Takes};
use super::outbox::Outgoing;
use super::phase::Phase;
use crate::ids::{ConnId, PortId, Scope};
use crate::link::{Conditions, HeldBytes, LinkHandle};

/// The fewest links that must outlive their connections before they are swept.
const MIN_SWEEP: usize = 16;

/// Every connection, by its number.
#[derive(Debug)]
pub(super) struct Connections {
    live: BTreeMap<ConnId, Conn>,
    /// Links that the engine ended while a partition held them: their end waits for the
    /// partition's.
    lingering: BTreeMap<ConnId, LinkHandle>,
    /// How many such links there may be before they are swept.
    sweep_at: usize,
    accepted: u64,
    upgraded: u64,
    /// Notified of each change in the connections.
    progress: Arc<Notify>,
}

/// What is left to do after a broadcast.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Connections that need more than a push: a step waits for a mark, or a Close begins.
    pub(super) careful: Vec<ConnId>,
    /// Connections where more would have waited than a link carries.
    pub(super) overrun: Vec<ConnId>,
}

impl Connections {
    pub(super) fn new(progress: Arc<Notify>) -> Self {
        Self {
            live: BTreeMap::new(),
            lingering: BTreeMap::new(),
            sweep_at: MIN_SWEEP,
            accepted: 0,
            upgraded: 0,
            progress,
        }
    }

    /// Numbers a new connection.
    pub(super) fn number(&mut self) -> ConnId {
        self.accepted += 1;
        self.newest()
    }

    pub(super) fn insert(&mut self, id: ConnId, conn: Conn) {
        self.live.insert(id, conn);
    }

    /// The newest connection; before the first comes, the number before it.
    pub(super) fn newest(&self) -> ConnId {
        ConnId::new(self.accepted)
    }

    /// How many have been upgraded, including those that are over.
    pub(super) fn upgraded(&self) -> u64 {
        self.upgraded
    }

    /// Upgrades a connection; returns the steps that are now due.
    pub(super) fn upgrade(&mut self, id: ConnId) -> Option<Vec<usize>> {
        let steps = self.live.get_mut(&id)?.upgrade();
        self.upgraded += 1;
        Some(steps)
    }

    pub(super) fn get(&self, id: ConnId) -> Option<&Conn> {
        self.live.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.live.get_mut(&id)
    }

    pub(super) fn contains(&self, id: ConnId) -> bool {
        self.live.contains_key(&id)
    }

    pub(super) fn phase(&self, id: ConnId) -> Option<Phase> {
        self.live.get(&id).map(Conn::phase)
    }

    /// Whether the link of a connection that is over still waits for a partition's end.
    pub(super) fn lingers(&self, id: ConnId) -> bool {
        self.lingering.contains_key(&id)
    }

    /// The connections that are not over, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnId, &Conn)> {
        self.live.iter().map(|(&id, conn)| (id, conn))
    }

    /// The numbers of those in `scope`.
    pub(super) fn within(&self, scope: Scope) -> Vec<ConnId> {
        match scope {
            Scope::All => self.live.keys().copied().collect(),
            Scope::One(id) => self.contains(id).then_some(id).into_iter().collect(),
            // The core takes these one by one: only it knows which connection asked for what.
            Scope::At { .. } => Vec::new(),
        }
    }

    /// Removes a connection that is over from the list.
    pub(super) fn take(&mut self, id: ConnId) -> Option<Conn> {
        self.live.remove(&id)
    }

    /// Keeps the link of a connection that is over until its end has got through; `false` if
    /// nothing holds that up.
    pub(super) fn linger(&mut self, id: ConnId, conn: Conn) -> bool {
        let link = conn.into_link();
        let stalled = link.stalled();
        if stalled {
            self.lingering.insert(id, link);
        }
        stalled
    }

    /// Forgets the links whose end has got through, or has nobody left to reach, and returns whose
    /// they were. Without `all`, does so only once there are so many that the cost of checking,
    /// spread over them, is small.
    pub(super) fn let_go(&mut self, all: bool) -> Vec<ConnId> {
        let mut gone = Vec::new();
        if !all && self.lingering.len() < self.sweep_at {
            return gone;
        }
        self.lingering.retain(|&id, link| {
            let stalled = link.stalled();
            if !stalled {
                gone.push(id);
            }
            stalled
        });
        self.sweep_at = (self.lingering.len() * 2).max(MIN_SWEEP);
        gone
    }

    /// Gives one link the conditions that hold for it now, and makes its handshake, if it waits,
    /// ask again. Returns whether the link outlives its connection, and what was held back by a
    /// hold that this ends.
    pub(super) fn change_link(
        &self,
        id: ConnId,
        (to_client, from_client): (Conditions, Conditions),
    ) -> (bool, Option<HeldBytes>) {
        if let Some(conn) = self.live.get(&id) {
            let released = conn.change_link(to_client, from_client);
            conn.tell_to_ask();
            (false, released)
        } else if let Some(link) = self.lingering.get(&id) {
            (true, link.change(to_client, from_client))
        } else {
            (false, None)
        }
    }

    /// Gives each link the conditions that hold for it now: towards the client, and from it.
    /// Returns what was held back by holds that this ends, by connection.
    pub(super) fn change_links(
        &self,
        mut conditions: impl FnMut(ConnId, Option<PortId>) -> (Conditions, Conditions),
    ) -> Vec<(ConnId, HeldBytes)> {
        let mut released = Vec::new();
        for (&id, conn) in &self.live {
            let (to_client, from_client) = conditions(id, Some(conn.port()));
            let held = conn.change_link(to_client, from_client);
            released.extend(held.map(|held| (id, held)));
        }
        for (&id, link) in &self.lingering {
            let (to_client, from_client) = conditions(id, None);
            let held = link.change(to_client, from_client);
            released.extend(held.map(|held| (id, held)));
        }
        released.sort_by_key(|(id, _)| *id);
        released
    }

    /// Sends all bytes and a FIN on every link at once, whatever faults hold: the engine is going
    /// away.
    pub(super) fn fin_all_now(&mut self) {
        self.live.values().for_each(Conn::fin_now);
        for link in std::mem::take(&mut self.lingering).values() {
            link.fin_now();
        }
    }

    /// How many connections in `scope` take something now, and how many later.
    pub(super) fn takers(&self, scope: Scope, outgoing: &Outgoing) -> (usize, usize) {
        let add = |(now, later): (usize, usize), conn: &Conn| match conn.takes(outgoing) {
            Takes::Now => (now + 1, later),
            Takes::Later => (now, later + 1),
            Takes::Never => (now, later),
        };
        match scope {
            Scope::One(id) => self.get(id).map_or((0, 0), |conn| add((0, 0), conn)),
            Scope::At { .. } => (0, 0),
            Scope::All => self.live.values().fold((0, 0), add),
        }
    }

    /// Makes it wait on those in `scope` that take it later.
    pub(super) fn wait(&mut self, scope: Scope, outgoing: &Outgoing) {
        let wait = |conn: &mut Conn| {
            if conn.takes(outgoing) == Takes::Later
                && let Some(between) = conn.between()
            {
                between.wait(outgoing.clone());
            }
        };
        match scope {
            Scope::One(id) => self.get_mut(id).into_iter().for_each(wait),
            Scope::At { .. } => {}
            Scope::All => self.live.values_mut().for_each(wait),
        }
    }

    /// Sends it to those in `scope` that take it (as many as [`takers`](Self::takers) counts),
    /// except those that need more care. If there are none of these, the last connection gets the
    /// bytes themselves, because sharing them costs an allocation.
    pub(super) fn broadcast(
        &mut self,
        scope: Scope,
        outgoing: &mut Outgoing,
        takers: usize,
    ) -> Rest {
        let mut rest = Rest::default();
        let mut left = takers;
        let mut send = |id: ConnId, conn: &mut Conn| {
            if conn.takes(outgoing) != Takes::Now {
                return;
            }
            left = left.saturating_sub(1);
            if conn.watches_sending() || conn.deflates() || outgoing.is_close() {
                rest.careful.push(id);
                return;
            }
            let frames = outgoing.frames();
            let bytes = if left == 0 && rest.careful.is_empty() {
                outgoing.take_bytes()
            } else {
                outgoing.bytes()
            };
            if !conn.send_whole(bytes, frames) {
                rest.overrun.push(id);
            }
        };
        match scope {
            Scope::One(id) => {
                if let Some(conn) = self.live.get_mut(&id) {
                    send(id, conn);
                }
            }
            Scope::All => self.live.iter_mut().for_each(|(&id, conn)| send(id, conn)),
            Scope::At { .. } => {}
        }
        rest
    }

    /// How many are open; `None` if none is, or one of them can't be sent this many bytes of whole
    /// frames in one piece.
    pub(super) fn joined(&self, bytes: usize) -> Option<usize> {
        let mut open = 0;
        for conn in self.live.values() {
            if conn.phase() != Phase::Open {
                continue;
            }
            if !conn.joins(bytes) {
                return None;
            }
            open += 1;
        }
        (open > 0).then_some(open)
    }

    /// Sends this many whole frames to all that are open, in one piece. Returns the connections
    /// that have no room for it.
    pub(super) fn send_joined(&mut self, bytes: &Bytes, frames: u64) -> Vec<ConnId> {
        let mut overrun = Vec::new();
        for (&id, conn) in &mut self.live {
            if conn.phase() == Phase::Open && !conn.send_whole(bytes.clone(), frames) {
                overrun.push(id);
            }
        }
        overrun
    }

    /// Makes the handshakes that wait ask again.
    pub(super) fn tell_waiting(&self) {
        self.live.values().for_each(Conn::tell_to_ask);
    }

    /// Makes whoever waits for a change look again.
    pub(super) fn tell_progress(&self) {
        self.progress.notify_waiters();
    }
}
