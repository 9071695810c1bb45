//! The prologue: steps that happen on connections, kept for all connections still to come.

use std::collections::BTreeMap;

use wstape_tape::{Action, Micros, Received, ReceivedKind, Step, Trigger, Whose};

use crate::ids::{LayerIndex, PathId};

/// The `on_connect` steps of all layers, in the order of the tapes.
#[derive(Debug, Default)]
pub(crate) struct Prologue {
    steps: Vec<(LayerIndex, Step, Option<PathId>)>,
    on_each: Vec<usize>,
    on_nth: BTreeMap<u64, Vec<usize>>,
    on_range: Vec<(Whose, usize)>,
    /// Steps for the connections of a path. They begin when a request's head has come.
    on_path: Vec<(PathId, Whose, usize)>,
}

impl Prologue {
    /// Adds a step, for a path's connections if it has one; a step that does not happen on
    /// connections is left out.
    pub(super) fn push(&mut self, layer: LayerIndex, step: Step, path: Option<PathId>) {
        let index = self.steps.len();
        if let Trigger::OnConnect { whose, .. } = step.trigger {
            match (path, whose) {
                (Some(path), _) => self.on_path.push((path, whose, index)),
                (None, Whose::Each) => self.on_each.push(index),
                (None, Whose::Nth(nth)) => self.on_nth.entry(nth).or_default().push(index),
                (None, Whose::Range { .. }) => self.on_range.push((whose, index)),
            }
            self.steps.push((layer, step, path));
        }
    }

    pub(super) fn step(&self, index: usize) -> (LayerIndex, Step) {
        let (layer, step, _) = &self.steps[index];
        (*layer, step.clone())
    }

    /// The number of steps of a layer.
    pub(super) fn count(&self, of: LayerIndex) -> usize {
        self.steps.iter().filter(|(layer, ..)| *layer == of).count()
    }

    /// Removes the steps of these layers. Connections refer to steps by place, so unless there is
    /// no connection, removed steps stay in place and do nothing.
    pub(super) fn retire(&mut self, of: impl Fn(LayerIndex) -> bool, no_connection: bool) {
        if no_connection {
            let kept = std::mem::take(self).steps;
            for (layer, step, path) in kept.into_iter().filter(|(layer, ..)| !of(*layer)) {
                self.push(layer, step, path);
            }
            return;
        }
        let nothing = Received::new(ReceivedKind::Fin);
        let nothing = Step::at(Micros::ZERO, Action::Received(nothing));
        for (layer, step, _) in &mut self.steps {
            if of(*layer) {
                *step = nothing.clone();
            }
        }
    }

    /// The steps for the connection with this number of the tape, in the order of the tapes.
    pub(super) fn of(&self, number: u64) -> Vec<usize> {
        let mut indices = self.on_each.clone();
        indices.extend(self.on_nth.get(&number).into_iter().flatten());
        let ranges = self.on_range.iter();
        indices.extend(ranges.filter_map(|(whose, index)| whose.contains(number).then_some(index)));
        indices.sort_unstable();
        indices
    }

    /// The steps that begin when the head of a request has come that has these numbers among paths.
    pub(super) fn at_head(&self, numbers: &[(PathId, u64)]) -> Vec<usize> {
        let is = |path: PathId, whose: Whose| {
            let mut numbers = numbers.iter();
            numbers.any(|&(other, number)| other == path && whose.contains(number))
        };
        let steps = self.on_path.iter();
        steps
            .filter_map(|&(path, whose, index)| is(path, whose).then_some(index))
            .collect()
    }
}
