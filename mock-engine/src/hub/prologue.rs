//! The prologue: steps that happen on connections, kept for all that will come.

use std::collections::BTreeMap;
use std::sync::Arc;

use wstape_tape::{Action, Micros, Received, ReceivedKind, Step, Trigger};

use crate::ids::{ConnId, LayerIndex};

/// The `on_connect` steps of all layers, in the order of the tapes.
#[derive(Debug, Default)]
pub(crate) struct Prologue {
    steps: Vec<(LayerIndex, Arc<Step>)>,
    on_each: Vec<usize>,
    on_nth: BTreeMap<ConnId, Vec<usize>>,
}

impl Prologue {
    /// Adds a step; one that does not happen on connections is left out.
    pub(crate) fn push(&mut self, layer: LayerIndex, step: Step) {
        let index = self.steps.len();
        if let Trigger::OnConnect { nth, .. } = step.trigger {
            match nth {
                None => self.on_each.push(index),
                Some(nth) => self.on_nth.entry(ConnId::new(nth)).or_default().push(index),
            }
            self.steps.push((layer, Arc::new(step)));
        }
    }

    pub(super) fn step(&self, index: usize) -> (LayerIndex, Arc<Step>) {
        let (layer, step) = &self.steps[index];
        (*layer, Arc::clone(step))
    }

    /// How many steps of a layer there are.
    pub(super) fn count(&self, of: LayerIndex) -> usize {
        self.steps.iter().filter(|(layer, _)| *layer == of).count()
    }

    /// Takes the steps of these layers out. Connections name steps by their places: only where
    /// there is no connection do the others move up, and until then those taken out do nothing.
    pub(super) fn retire(&mut self, of: impl Fn(LayerIndex) -> bool, no_connection: bool) {
        if no_connection {
            let kept = std::mem::take(self).steps;
            for (layer, step) in kept.into_iter().filter(|(layer, _)| !of(*layer)) {
                self.push(layer, Arc::unwrap_or_clone(step));
            }
            return;
        }
        let nothing = Received::new(ReceivedKind::Fin);
        let nothing = Arc::new(Step::at(Micros::ZERO, Action::Received(nothing)));
        for (layer, step) in &mut self.steps {
            if of(*layer) {
                *step = Arc::clone(&nothing);
            }
        }
    }

    /// The steps for connection `id`, in the order of the tapes.
    pub(super) fn of(&self, id: ConnId) -> Vec<usize> {
        let mut indices = self.on_each.clone();
        if let Some(own) = self.on_nth.get(&id) {
            indices.extend(own);
            indices.sort_unstable();
        }
        indices
    }
}
