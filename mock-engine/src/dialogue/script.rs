//! The script: every step of all layers that stands on what clients say, their silence or a scene.

use std::collections::BTreeMap;
use std::sync::Arc;

use wstape_tape::{Step, Trigger};

use super::index::{Index, StepIndex};
use super::matcher::Matcher;
use super::speech::Speech;
use crate::ids::{LayerIndex, PathId};

/// A step of a dialogue, ready to be played.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) layer: LayerIndex,
    pub(crate) step: Arc<Step>,
    pub(crate) speech: Speech,
    /// The path of the connections that it is for.
    pub(super) path: Option<PathId>,
    /// What it listens for, where it does.
    pub(super) matcher: Option<Matcher>,
}

/// All lines, in the order of layers and lines.
#[derive(Debug, Default)]
pub(super) struct Script {
    lines: Vec<Arc<Line>>,
    index: Index,
    scenes: BTreeMap<String, Vec<StepIndex>>,
    silences: Vec<StepIndex>,
    /// Steps for what no other step of their layer holds for.
    unmatched: BTreeMap<LayerIndex, Vec<StepIndex>>,
}

impl Script {
    /// Adds a step; [`file`](Self::file) has it found.
    pub(super) fn push(&mut self, layer: LayerIndex, step: Step, path: Option<PathId>) {
        let at = self.lines.len();
        let matcher = match &step.trigger {
            Trigger::OnMessage(on) => {
                if on.wanted.unmatched {
                    self.unmatched.entry(layer).or_default().push(at);
                }
                Some(Matcher::new(on.wanted.clone()))
            }
            Trigger::OnSilence { .. } => {
                self.silences.push(at);
                None
            }
            Trigger::Scene(scene) => {
                self.scenes.entry(scene.name.clone()).or_default().push(at);
                None
            }
            Trigger::At(_) | Trigger::OnConnect { .. } => return,
        };
        self.lines.push(Arc::new(Line {
            layer,
            speech: Speech::of(&step.action),
            step: Arc::new(step),
            path,
            matcher,
        }));
    }

    /// Files what was added.
    pub(super) fn file(&mut self) {
        let listening = self.lines.iter().enumerate().filter_map(|(at, line)| {
            let matcher = line.matcher.as_ref()?;
            (!matcher.wanted().unmatched).then_some((at, matcher))
        });
        self.index = Index::build(listening);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn line(&self, at: StepIndex) -> &Arc<Line> {
        &self.lines[at]
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    pub(super) fn silences(&self) -> &[StepIndex] {
        &self.silences
    }

    /// The lines of a scene; `None` where no layer has one of that name.
    pub(super) fn scene(&self, name: &str) -> Option<&[StepIndex]> {
        self.scenes.get(name).map(Vec::as_slice)
    }

    /// The steps for what no other step of their layer holds for, layer by layer.
    pub(super) fn unmatched(&self) -> impl Iterator<Item = (LayerIndex, &[StepIndex])> {
        self.unmatched
            .iter()
            .map(|(&layer, steps)| (layer, steps.as_slice()))
    }
}
