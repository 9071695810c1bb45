//! Several tapes as one: a base and its overlays.

use std::fmt;

use crate::{Action, Micros, Step, TapeError, Trigger};

/// A tape's steps, as a reader or a [`Tape`](crate::Tape) yields them.
pub type LayerSteps = Box<dyn Iterator<Item = Result<Step, TapeError>> + Send>;

/// Merges layers by time. Layer 0 is the base, the others are overlays.
///
/// First come the prologues (steps without an `at_ms`), layer by layer. Then come the `at_ms` steps
/// by time; at equal times the base first, then the overlays in their order, each in the order of
/// its lines. Only one step per layer is read ahead.
///
/// The base's `end` ends the run: it is the last step, and steps of overlays at its time or later
/// are not yielded. An `end` of an overlay is dropped, because an overlay does not say how long the
/// recording is. Without an `end` in the base, a run has all steps of all layers. The first error
/// of any layer ends it too.
///
/// ```
/// use wstape_tape::{Merge, Tape};
/// let base = "{\"tape\":1}\n{\"at_ms\":5,\"mark\":\"base\"}\n{\"at_ms\":9,\"end\":true}\n";
/// let over = "{\"tape\":1}\n{\"at_ms\":5,\"hang\":true}\n{\"at_ms\":9,\"hang\":false}\n";
/// let layers = [base, over].map(|text| Box::new(Tape::parse("x", text).unwrap().into_iter()) as _);
/// let merged = Merge::new(layers.into()).map(|step| step.map(|(layer, step)| (layer, step.key())));
/// assert_eq!(merged.collect::<Result<Vec<_>, _>>()?, [(0, "mark"), (1, "hang"), (0, "end")]);
/// # Ok::<(), wstape_tape::TapeError>(())
/// ```
pub struct Merge {
    layers: Vec<Layer>,
    state: State,
}

struct Layer {
    steps: LayerSteps,
    /// The next step, read ahead.
    ahead: Option<Result<Step, TapeError>>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Nothing was read yet.
    New,
    /// In the prologue of the layer with this index; the layers after it still hold their first
    /// step.
    Prologue(usize),
    /// Among the `at_ms` steps.
    Timed,
    Done,
}

impl Merge {
    /// Merges these layers, the base first. Reads nothing yet.
    #[must_use]
    pub fn new(layers: Vec<LayerSteps>) -> Self {
        let layers = layers
            .into_iter()
            .map(|steps| Layer { steps, ahead: None })
            .collect();
        Self {
            layers,
            state: State::New,
        }
    }

    fn step(&mut self) -> Option<Result<(usize, Step), TapeError>> {
        if let State::New = self.state {
            for (index, layer) in self.layers.iter_mut().enumerate() {
                layer.read(index);
            }
            self.state = State::Prologue(0);
        }
        while let State::Prologue(index) = self.state {
            match self.layers.get_mut(index) {
                Some(layer) if layer.in_prologue() => return layer.take(index),
                Some(_) => self.state = State::Prologue(index + 1),
                None => self.state = State::Timed,
            }
        }
        let times = self.layers.iter().enumerate();
        let next = times
            .filter_map(|(index, layer)| Some((layer.time()?, index)))
            .min();
        let (_, index) = next?;
        self.layers[index].take(index)
    }
}

impl Layer {
    /// Reads the next step into `ahead`, and skips an overlay's `end`.
    fn read(&mut self, index: usize) {
        debug_assert!(self.ahead.is_none(), "a step read ahead is never lost");
        self.ahead = self.steps.next();
        while index > 0 && self.ahead.as_ref().is_some_and(is_end) {
            self.ahead = self.steps.next();
        }
    }

    fn take(&mut self, index: usize) -> Option<Result<(usize, Step), TapeError>> {
        let step = self.ahead.take()?;
        self.read(index);
        Some(step.map(|step| (index, step)))
    }

    /// Whether the step ahead is of the prologue. An error counts as one, so that it comes where
    /// the step it replaces would have come.
    fn in_prologue(&self) -> bool {
        self.ahead.as_ref().is_some_and(|step| {
            step.as_ref()
                .map_or(true, |step| step.trigger.is_prologue())
        })
    }

    /// Time of the step ahead. An error is due at once, and so is a misplaced step without a time
    /// (a reader rejects those, but a tape made in Rust may hold one).
    fn time(&self) -> Option<Micros> {
        self.ahead
            .as_ref()
            .map(|step| match step.as_ref().map(|step| &step.trigger) {
                Ok(Trigger::At(at)) => *at,
                Ok(_) | Err(_) => Micros::ZERO,
            })
    }
}

fn is_end(step: &Result<Step, TapeError>) -> bool {
    step.as_ref().is_ok_and(|step| step.action == Action::End)
}

impl Iterator for Merge {
    type Item = Result<(usize, Step), TapeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let State::Done = self.state {
            return None;
        }
        let step = self.step();
        let last = match &step {
            Some(Ok((layer, step))) => *layer == 0 && step.action == Action::End,
            Some(Err(_)) | None => true,
        };
        if last {
            self.state = State::Done;
        }
        step
    }
}

impl std::iter::FusedIterator for Merge {}

impl fmt::Debug for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ahead: Vec<_> = self.layers.iter().map(|layer| &layer.ahead).collect();
        f.debug_struct("Merge")
            .field("state", &self.state)
            .field("ahead", &ahead)
            .finish()
    }
}
