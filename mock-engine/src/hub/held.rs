//! What waits for connections without a 101 yet, while a tape holds its answers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use wstape_tape::{End, Micros};

use super::outbox::Outgoing;
use crate::ids::{ConnId, Renumbering};

/// How long a tape that holds its answers has to answer a client's Close before the engine does:
/// less than the second that clients commonly wait.
pub const HELD_CLOSE_WAIT: Micros = Micros::from_ms(500);

/// The most bytes held for a connection without a 101 yet.
pub const MAX_HELD_BYTES: usize = 64 << 20;

/// The most bytes held for all such connections together.
pub const MAX_HELD_TOTAL_BYTES: usize = 256 << 20;

/// The most connections for which anything is held at a time.
pub const MAX_HELD_CONNECTIONS: usize = 4_096;

/// What an item costs besides its bytes.
const ITEM_BYTES: usize = 64;

/// What waits, by connection, within the bounds.
#[derive(Debug, Default)]
pub(super) struct Held {
    queues: BTreeMap<ConnId, Queue>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// Whether something found no room, and the journal has said so.
    full: bool,
}

/// Something that waits.
#[derive(Debug)]
pub(super) enum Item {
    Send(Outgoing),
    Drop(End),
}

/// An item that found no room.
#[derive(Debug)]
pub(super) struct NoRoom {
    pub(super) item: Item,
    /// Whether the journal has not said so yet.
    pub(super) first: bool,
}

impl Item {
    fn cost(&self) -> usize {
        let bytes = match self {
            Self::Send(outgoing) => outgoing.len(),
            Self::Drop(_) => 0,
        };
        bytes + ITEM_BYTES
    }

    /// Its name in the journal.
    pub(super) fn what(&self) -> Arc<str> {
        match self {
            Self::Send(outgoing) => outgoing.what(),
            Self::Drop(_) => "drop".into(),
        }
    }
}

impl Held {
    /// The connections for which something is held.
    pub(super) fn all(&self) -> Vec<ConnId> {
        self.queues.keys().copied().collect()
    }

    /// Whether there is or can be a queue for this connection.
    fn admits(&self, id: ConnId) -> bool {
        self.queues.contains_key(&id) || self.queues.len() < MAX_HELD_CONNECTIONS
    }

    /// Counts a connection for which a state waits as one that has something held; `false` if there
    /// are too many.
    pub(super) fn reserve(&mut self, id: ConnId) -> bool {
        let admitted = self.admits(id);
        if admitted {
            self.queues.entry(id).or_default();
        }
        admitted
    }

    /// Queues an item after the others.
    ///
    /// # Errors
    /// Returns the item if there is no room for it.
    pub(super) fn put(&mut self, id: ConnId, item: Item) -> Result<(), NoRoom> {
        if !self.admits(id) {
            return Err(NoRoom { item, first: true });
        }
        let cost = item.cost();
        let queue = self.queues.entry(id).or_default();
        let fits =
            queue.bytes + cost <= MAX_HELD_BYTES && self.bytes + cost <= MAX_HELD_TOTAL_BYTES;
        // After something was lost, nothing but the end may follow.
        if (queue.full || !fits) && matches!(item, Item::Send(_)) {
            let first = !std::mem::replace(&mut queue.full, true);
            return Err(NoRoom { item, first });
        }
        queue.bytes += cost;
        self.bytes += cost;
        queue.items.push_back(item);
        Ok(())
    }

    /// Takes everything that waits for a connection, in order.
    pub(super) fn take(&mut self, id: ConnId) -> VecDeque<Item> {
        let Some(queue) = self.queues.remove(&id) else {
            return VecDeque::new();
        };
        self.bytes -= queue.bytes;
        queue.items
    }

    /// Whether the connection's end is waiting.
    pub(super) fn drops(&self, id: ConnId) -> bool {
        self.queues
            .get(&id)
            .is_some_and(|queue| queue.items.iter().any(|item| matches!(item, Item::Drop(_))))
    }

    /// Moves what waits for connections to those that have their numbers now.
    pub(super) fn renumber(&mut self, renumbering: &Renumbering) {
        renumbering.rekey(&mut self.queues);
    }

    /// The highest number for which anything waits.
    pub(super) fn last(&self) -> Option<ConnId> {
        self.queues.last_key_value().map(|(&id, _)| id)
    }
}
