//! The script: the steps of all layers that are triggered by clients' messages, their silence or a
//! scene.

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
    pub(crate) step: Step,
    pub(crate) speech: Speech,
    /// The path of the connections that it is for; `None` for any.
    pub(super) path: Option<PathId>,
    /// The messages that it listens for, if it does.
    pub(super) matcher: Option<Matcher>,
}

/// All lines, in the order of layers and lines.
#[derive(Debug, Default)]
pub(super) struct Script {
    lines: Vec<Arc<Line>>,
    /// Whether each line is no longer played. It keeps its place, because connections may refer to
    /// it.
    retired: Vec<bool>,
    index: Index,
    scenes: BTreeMap<String, Vec<StepIndex>>,
    silences: Vec<StepIndex>,
    /// Steps for messages that no other step of their layer matches.
    unmatched: BTreeMap<LayerIndex, Vec<StepIndex>>,
}

impl Script {
    /// Adds a step; it is found from the next [`file`](Self::file) on.
    pub(super) fn push(&mut self, layer: LayerIndex, step: Step, path: Option<PathId>) {
        let matcher = match &step.trigger {
            Trigger::OnMessage(on) => Some(Matcher::new(on.wanted.clone())),
            Trigger::OnSilence { .. } | Trigger::Scene(_) => None,
            Trigger::At(_) | Trigger::OnConnect { .. } => return,
        };
        self.retired.push(false);
        self.lines.push(Arc::new(Line {
            layer,
            speech: Speech::of(&step.action),
            step,
            path,
            matcher,
        }));
    }

    /// Removes the lines of these layers. Connections refer to lines by place, so unless there is
    /// no connection, lines are only marked as retired.
    pub(super) fn retire(&mut self, of: impl Fn(LayerIndex) -> bool, no_connection: bool) {
        if no_connection {
            self.lines.retain(|line| !of(line.layer));
            self.retired = vec![false; self.lines.len()];
            return;
        }
        for (line, retired) in self.lines.iter().zip(&mut self.retired) {
            *retired |= of(line.layer);
        }
    }

    /// Whether a line is no longer played.
    pub(super) fn is_retired(&self, at: StepIndex) -> bool {
        self.retired.get(at).copied().unwrap_or(true)
    }

    /// The number of lines of a layer.
    pub(super) fn count(&self, of: LayerIndex) -> usize {
        let lines = self.lines.iter().zip(&self.retired);
        lines
            .filter(|(line, retired)| line.layer == of && !**retired)
            .count()
    }

    /// Files anew all lines that are still played.
    pub(super) fn file(&mut self) {
        self.scenes.clear();
        self.silences.clear();
        self.unmatched.clear();
        for (at, line) in self.lines.iter().enumerate() {
            if self.retired[at] {
                continue;
            }
            match &line.step.trigger {
                Trigger::OnMessage(on) if on.wanted.unmatched => {
                    self.unmatched.entry(line.layer).or_default().push(at);
                }
                Trigger::OnSilence { .. } => self.silences.push(at),
                Trigger::Scene(scene) => {
                    self.scenes.entry(scene.name.clone()).or_default().push(at);
                }
                _ => {}
            }
        }
        let retired = &self.retired;
        let listening = self.lines.iter().enumerate().filter_map(|(at, line)| {
            let matcher = line.matcher.as_ref()?;
            (!matcher.wanted().unmatched && !retired[at]).then_some((at, matcher))
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

    /// The lines of a scene; `None` if no layer has one of that name.
    pub(super) fn scene(&self, name: &str) -> Option<&[StepIndex]> {
        self.scenes.get(name).map(Vec::as_slice)
    }

    /// The steps for messages that no other step of their layer matches, layer by layer.
    pub(super) fn unmatched(&self) -> impl Iterator<Item = (LayerIndex, &[StepIndex])> {
        self.unmatched
            .iter()
            .map(|(&layer, steps)| (layer, steps.as_slice()))
    }
}
