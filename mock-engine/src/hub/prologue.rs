//! The prologue: steps that happen on connections, kept for all that will come.

use std::collections::BTreeMap;
use std::sync::Arc;

use wstape_tape::{Step, Trigger, Whose};

use crate::ids::{ConnId, LayerIndex};

/// The `on_connect` steps of all layers, in the order of the tapes.
#[derive(Debug, Default)]
pub(crate) struct Prologue {
    steps: Vec<(LayerIndex, Arc<Step>)>,
    on_each: Vec<usize>,
    on_nth: BTreeMap<u64, Vec<usize>>,
    on_range: Vec<(Whose, usize)>,
}

impl Prologue {
    /// Adds a step; one that does not happen on connections is left out.
    pub(crate) fn push(&mut self, layer: LayerIndex, step: Step) {
        let index = self.steps.len();
        if let Trigger::OnConnect { whose, .. } = step.trigger {
            match whose {
                Whose::Each => self.on_each.push(index),
                Whose::Nth(nth) => self.on_nth.entry(nth).or_default().push(index),
                Whose::Range { .. } => self.on_range.push((whose, index)),
            }
            self.steps.push((layer, Arc::new(step)));
        }
    }

    pub(super) fn step(&self, index: usize) -> (LayerIndex, Arc<Step>) {
        let (layer, step) = &self.steps[index];
        (*layer, Arc::clone(step))
    }

    /// The steps for connection `id`, in the order of the tapes.
    pub(super) fn of(&self, id: ConnId) -> Vec<usize> {
        let mut indices = self.on_each.clone();
        indices.extend(self.on_nth.get(&id.get()).into_iter().flatten());
        let ranges = self.on_range.iter();
        indices
            .extend(ranges.filter_map(|(whose, index)| whose.contains(id.get()).then_some(index)));
        indices.sort_unstable();
        indices
    }
}
