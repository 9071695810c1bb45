//! Layers that hold their answers: what they have said of each connection by name.

use wstape_tape::Garbage;

use super::{Faults, Layer, Layers, Slot};

impl Layers {
    /// What is not HTTP and a layer that holds its answers has for `conn`.
    pub(crate) fn held_garbage(&mut self, conn: u64) -> Option<Garbage> {
        self.layers
            .iter_mut()
            .rev()
            .filter(|layer| layer.held.get().is_some())
            .find_map(|layer| layer.answer(conn, |f| &mut f.garbage))
    }

    /// Whether a layer holds its answers.
    pub(crate) fn holds(&self, layer: usize) -> bool {
        self.layers[layer].held.get().is_some()
    }

    /// Whether any layer holds its answers.
    pub(crate) fn held(&self) -> bool {
        self.layers.iter().any(|layer| layer.held.get().is_some())
    }

    /// Whether a layer has said of `conn` by name how its handshake is answered.
    pub(crate) fn answered(&self, layer: usize, conn: u64) -> bool {
        self.layers[layer].each.get(&conn).is_some_and(|faults| {
            faults.accept.get().is_some()
                || faults.refuse.get().is_some()
                || faults.garbage.get().is_some()
        })
    }

    /// Whether a layer that holds its answers turns `conn` away.
    pub(crate) fn turned_away(&self, conn: u64) -> bool {
        let mut held = self
            .layers
            .iter()
            .filter(|layer| layer.held.get().is_some());
        held.any(|layer| {
            layer.each.get(&conn).is_some_and(|faults| {
                faults.refuse.get().is_some()
                    || faults.garbage.get().is_some()
                    || faults
                        .accept
                        .get()
                        .is_some_and(|accept| accept.status.is_some_and(|status| status != 101))
            })
        })
    }

    /// What layers that hold their answers have said of connections from `conn` on is said of
    /// those numbered `by` higher.
    pub(crate) fn move_up(&mut self, conn: u64, by: u64) {
        self.renumber(conn, |id| id + by);
    }

    /// What they have said of `conn` is forgotten, and what of any after it is said of those
    /// numbered one lower.
    pub(crate) fn move_down(&mut self, conn: u64) {
        self.forget(conn);
        self.renumber(conn + 1, |id| id - 1);
    }

    fn renumber(&mut self, from: u64, to: impl Fn(u64) -> u64) {
        for layer in &mut self.layers {
            if layer.held.get().is_some() {
                let moved = layer.each.split_off(&from);
                layer
                    .each
                    .extend(moved.into_iter().map(|(id, faults)| (to(id), faults)));
            }
        }
    }

    /// Whether any layer that holds its answers has said so.
    pub(crate) fn answered_by_any(&self, conn: u64) -> bool {
        (0..self.layers.len()).any(|layer| self.holds(layer) && self.answered(layer, conn))
    }
}

impl Layer {
    /// How `conn` is answered by this slot, one use spent. Where answers are held, what was said
    /// of all connections is none.
    pub(super) fn answer<T: Clone>(
        &mut self,
        conn: u64,
        slot: impl Fn(&mut Faults) -> &mut Slot<T>,
    ) -> Option<T> {
        if self.held.get().is_none() {
            return self.slot(conn, slot).take_use();
        }
        self.each
            .get_mut(&conn)
            .and_then(|faults| slot(faults).take_use())
    }
}
