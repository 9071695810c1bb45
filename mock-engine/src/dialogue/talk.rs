//! One connection's part of the dialogue: what it has said so far, and what that set off.

use std::collections::BTreeMap;

use wstape_tape::Micros;

use super::index::StepIndex;
use super::message::Assembly;
use super::scenes::Scenes;
use super::script::Line;
use crate::ids::PathId;

/// What is known of a connection.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// Its number in the tape.
    number: u64,
    /// Its number among the connections to each path that steps name.
    paths: Vec<(PathId, u64)>,
    pub(super) assembly: Assembly,
    pub(super) scenes: Scenes,
    tallies: BTreeMap<StepIndex, Tally>,
    /// When its last frame came, or its 101 went out.
    last_frame: Micros,
    /// The silences that have been answered since the last frame.
    answered: Vec<StepIndex>,
}

/// How often a step has matched and happened on a connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// The number of messages that it matched.
    pub(super) held: u64,
    /// The number of times that it has happened.
    pub(super) happened: u64,
}

impl Talk {
    pub(super) fn new(number: u64, paths: Vec<(PathId, u64)>, now: Micros) -> Self {
        Self {
            number,
            paths,
            last_frame: now,
            ..Self::default()
        }
    }

    /// Whether a line is for this connection.
    pub(super) fn is_for(&self, line: &Line) -> bool {
        let number = match line.path {
            None => Some(self.number),
            Some(path) => {
                let mut paths = self.paths.iter();
                paths.find(|(other, _)| *other == path).map(|(_, nth)| *nth)
            }
        };
        number.is_some_and(|number| line.step.trigger.whose().contains(number))
    }

    pub(super) fn tally(&mut self, step: StepIndex) -> &mut Tally {
        self.tallies.entry(step).or_default()
    }

    /// Notes a frame; returns the silences that may be answered again.
    pub(super) fn frame(&mut self, now: Micros) -> Vec<StepIndex> {
        self.last_frame = now;
        std::mem::take(&mut self.answered)
    }

    /// When a silence of this length is complete; `None` if it has been answered.
    pub(super) fn silent_at(&self, step: StepIndex, silence: Micros) -> Option<Micros> {
        let due = Micros(self.last_frame.0.saturating_add(silence.0));
        (!self.answered.contains(&step)).then_some(due)
    }

    pub(super) fn answer_silence(&mut self, step: StepIndex) {
        self.answered.push(step);
    }
}
