//! Held answers: a tape that knows its connections one by one, whoever dials when.
//!
//! While a layer's `answers` are held, a handshake waits for the layer's own word on that
//! connection, and what the layer sends there waits for the 101. Every other layer rules as ever.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;
use wstape_tape::{Accept, Action, End, Micros, Refusal, Step};

use super::agenda::Op;
use super::conn::Phase;
use super::delivery::Outgoing;
use super::state::State;
use crate::journal::JournalKind;
use crate::layers::Scope;
use crate::{HELD_CLOSE_WAIT, MAX_HELD_BYTES, MAX_HELD_CONNECTIONS, MAX_HELD_TOTAL_BYTES};

/// What an item costs beside its bytes.
const ITEM_BYTES: usize = 64;

/// What waits for connections that have not come so far.
#[derive(Debug, Default)]
pub(super) struct Held {
    queues: BTreeMap<u64, Queue>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// Something found no room, and the journal has said so.
    full: bool,
}

#[derive(Debug)]
enum Item {
    Send(Outgoing),
    Drop(End),
}

impl Item {
    fn cost(&self) -> usize {
        let bytes = match self {
            Self::Send(outgoing) => outgoing.len(),
            Self::Drop(_) => 0,
        };
        bytes + ITEM_BYTES
    }
}

impl Held {
    /// Whether there is or can be a queue for this connection.
    fn admits(&self, id: u64) -> bool {
        self.queues.contains_key(&id) || self.queues.len() < MAX_HELD_CONNECTIONS
    }

    /// Puts it last, or gives it back where it finds no room; with it, whether that is new.
    fn put(&mut self, id: u64, item: Item) -> Result<(), (Item, bool)> {
        if !self.admits(id) {
            return Err((item, true));
        }
        let cost = item.cost();
        let queue = self.queues.entry(id).or_default();
        let fits =
            queue.bytes + cost <= MAX_HELD_BYTES && self.bytes + cost <= MAX_HELD_TOTAL_BYTES;
        // What came behind something that is lost may not overtake it, but for the end.
        if (queue.full || !fits) && matches!(item, Item::Send(_)) {
            let new = !std::mem::replace(&mut queue.full, true);
            return Err((item, new));
        }
        queue.bytes += cost;
        self.bytes += cost;
        queue.items.push_back(item);
        Ok(())
    }

    fn take(&mut self, id: u64) -> VecDeque<Item> {
        let Some(queue) = self.queues.remove(&id) else {
            return VecDeque::new();
        };
        self.bytes -= queue.bytes;
        queue.items
    }

    fn drops(&self, id: u64) -> bool {
        self.queues
            .get(&id)
            .is_some_and(|queue| queue.items.iter().any(|item| matches!(item, Item::Drop(_))))
    }

    /// What waits for connections from `id` on waits for those numbered `by` higher.
    pub(super) fn move_up(&mut self, id: u64, by: u64) {
        let moved = self.queues.split_off(&id);
        self.queues
            .extend(moved.into_iter().map(|(id, queue)| (id + by, queue)));
    }

    /// What waits for connections after `id`, for which nothing does, waits for those numbered
    /// one lower.
    pub(super) fn move_down(&mut self, id: u64) {
        let moved = self.queues.split_off(&(id + 1));
        self.queues
            .extend(moved.into_iter().map(|(id, queue)| (id - 1, queue)));
    }

    pub(super) fn last(&self) -> Option<u64> {
        self.queues.last_key_value().map(|(&id, _)| id)
    }
}

/// How a handshake is answered.
#[derive(Debug)]
pub(crate) enum Decision {
    Refuse(Refusal),
    Accept(Accept),
    /// Not over HTTP: it got something else, or is over already.
    Nothing,
    /// Not yet: to be asked again when told.
    Wait(Arc<Notify>),
}

impl State {
    /// Plays a step for the connections in `scope`: performs it, or holds it for a connection
    /// whose 101 it has to wait for.
    pub(super) fn play(&mut self, layer: usize, scope: Scope, step: &Step) {
        if !self.note_places(layer, scope, &step.action) {
            return;
        }
        match scope {
            Scope::One(id) if self.layers.holds(layer) && self.is_to_come(layer, id, step) => {
                self.hold(layer, id, step);
            }
            _ => self.perform(layer, scope, step),
        }
    }

    /// Whether a step has to wait for connection `id`.
    fn is_to_come(&self, layer: usize, id: u64, step: &Step) -> bool {
        match self.conns.get(&id) {
            // Away, not to come: a broadcast finds nobody then either.
            None if self.places.away == Some(id) => !step.action.is_sent(),
            None => id > self.accepted,
            Some(conn) if conn.phase != Phase::Handshake => false,
            Some(_) if step.action.is_sent() => true,
            // It ends what has its answer behind what that is still to get, and is itself the
            // answer where there is none.
            Some(_) => matches!(step.action, Action::Drop(_)) && self.layers.answered(layer, id),
        }
    }

    fn hold(&mut self, layer: usize, id: u64, step: &Step) {
        let item = match &step.action {
            Action::Drop(end) => Item::Drop(*end),
            action => match self.outgoing(action) {
                Some(outgoing) => Item::Send(outgoing),
                None => return self.hold_state(layer, id, step),
            },
        };
        let Err((item, first)) = self.held.put(id, item) else {
            return;
        };
        if first {
            self.log(Some(id), JournalKind::Note("held: no more room".to_owned()));
        }
        self.lose(id, item);
    }

    /// A state of a connection that has not come holds when it does.
    fn hold_state(&mut self, layer: usize, id: u64, step: &Step) {
        if step.action.is_state() && !self.held.admits(id) {
            self.log(Some(id), JournalKind::Note("held: no more room".to_owned()));
            self.log(
                Some(id),
                JournalKind::Lost {
                    what: step.key().into(),
                },
            );
            return;
        }
        if step.action.is_state() {
            self.held.queues.entry(id).or_default();
        }
        self.perform(layer, Scope::One(id), step);
    }

    /// How connection `id`'s handshake is answered, one use of the answer spent.
    pub(crate) fn decide(&mut self, id: u64) -> Decision {
        if !self.conns.contains_key(&id) {
            return Decision::Nothing;
        }
        if let Some(refusal) = self.layers.refusal(id) {
            return Decision::Refuse(refusal);
        }
        if let Some(accept) = self.layers.acceptance(id) {
            return Decision::Accept(accept);
        }
        if !self.awaits_the_tape(id) {
            return Decision::Accept(Accept::default());
        }
        // The tape's answer may have come after the accept, and not be HTTP.
        if let Some(garbage) = self.layers.held_garbage(id) {
            self.send_garbage(id, &garbage);
            return Decision::Nothing;
        }
        let Some(conn) = self.conns.get_mut(&id) else {
            return Decision::Nothing;
        };
        if let Some(told) = &conn.waits {
            return Decision::Wait(Arc::clone(told));
        }
        let told = Arc::new(Notify::new());
        conn.waits = Some(Arc::clone(&told));
        self.log(Some(id), JournalKind::Held);
        Decision::Wait(told)
    }

    fn awaits_the_tape(&self, id: u64) -> bool {
        self.layers.held() && self.over_at.is_none_or(|last| id <= last)
    }

    pub(crate) fn answers_held(&self) -> bool {
        self.layers.held()
    }

    /// Whether a handshake has its answer from the tape and is still under way.
    pub(super) fn answering(&self) -> bool {
        let mut handshakes = self
            .conns
            .iter()
            .filter(|(_, conn)| conn.phase == Phase::Handshake);
        handshakes.any(|(&id, _)| self.layers.answered_by_any(id))
    }

    /// Whether the engine leaves the end of what is open on this connection to the tape.
    pub(super) fn tape_ends(&self) -> bool {
        self.layers.held() && self.over_at.is_none()
    }

    /// The handshakes that wait are asked again.
    pub(super) fn tell_waiting(&self) {
        for told in self.conns.values().filter_map(|conn| conn.waits.as_ref()) {
            told.notify_one();
        }
    }

    /// The tape is over: what dials from here on has no answer of its own to wait for.
    pub(crate) fn tape_over(&mut self) {
        self.over_at.get_or_insert(self.accepted);
    }

    /// A connection has come whose only answer may be that it was dropped.
    pub(super) fn meet_held_drop(&mut self, id: u64) {
        if self.held.drops(id) && !self.layers.answered_by_any(id) {
            self.deliver_held(id);
        }
    }

    /// The connection has its answer: what waited for it happens now, in order.
    pub(super) fn deliver_held(&mut self, id: u64) {
        for item in self.held.take(id) {
            match item {
                Item::Send(outgoing) => {
                    self.send_outgoing(Scope::One(id), &outgoing);
                    if outgoing.is_close() {
                        self.ended_by_tape(id);
                    }
                }
                Item::Drop(end) => {
                    self.ended_by_tape(id);
                    self.drop_connections(Scope::One(id), end);
                }
            }
        }
    }

    /// The connection is over, or was refused: what waited for it is lost.
    pub(super) fn let_held_go(&mut self, id: u64) {
        for item in self.held.take(id) {
            self.lose(id, item);
        }
    }

    /// As [`let_held_go`](Self::let_held_go), unless its place will be another's.
    pub(super) fn lose_held_unless_left(&mut self, id: u64) {
        if !self.interfered() || self.layers.turned_away(id) {
            self.let_held_go(id);
        }
    }

    fn lose(&self, id: u64, item: Item) {
        let what = match item {
            Item::Send(outgoing) => outgoing.what(),
            Item::Drop(_) => "drop".into(),
        };
        self.log(Some(id), JournalKind::Lost { what });
    }

    /// The client's Close has come, and the tape's own answer to it may be on its way.
    pub(super) fn await_the_tapes_close(&mut self, id: u64, code: Option<u16>) {
        let due = Micros(self.clock.now().0.saturating_add(HELD_CLOSE_WAIT.0));
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if !std::mem::replace(&mut conn.closed_by_client, true) {
            self.schedule_for(id, due, Op::CloseAnswer { conn: id, code });
        }
    }

    /// The tape had long enough to answer the client's Close.
    pub(super) fn close_answer_due(&mut self, id: u64, code: Option<u16>) {
        if self
            .conns
            .get(&id)
            .is_some_and(|conn| conn.phase == Phase::Open)
        {
            self.send_close(id, code, "");
        }
        self.end(id, End::Fin);
    }
}
