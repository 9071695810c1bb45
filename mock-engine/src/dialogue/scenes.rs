//! The scenes that run on one connection, and the faults set on them.

use std::collections::BTreeMap;
use std::sync::Arc;

use wstape_tape::{Micros, WhichScene};

use super::index::StepIndex;
use super::waiting::Kept;

/// The most scenes started on a connection, each name counted once.
pub const MAX_SCENES: usize = 64;

/// A scene of a connection, numbered in the order of first starts there.
pub(crate) type RunIndex = usize;

/// The scenes of a connection.
#[derive(Debug, Default)]
pub(super) struct Scenes {
    runs: Vec<Run>,
}

/// One scene under one name.
#[derive(Debug)]
struct Run {
    name: String,
    running: bool,
    /// When it was last started.
    started: Micros,
    /// The number of times it was started: what an earlier start scheduled no longer counts.
    starts: u64,
    said: Option<Arc<Kept>>,
    /// How often each of its lines has happened.
    counts: BTreeMap<StepIndex, u64>,
    muted: bool,
    /// The number of times it was muted or unmuted.
    mutings: u64,
    gap: u32,
    repeat: u32,
    late: u32,
    late_by: Micros,
}

/// The result of a start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// It runs from now on, for the `starts`th time.
    Now { run: RunIndex, starts: u64 },
    /// It was running already.
    Already,
    /// There are too many scenes.
    TooMany,
}

/// What a line of a scene says when its time has come.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) count: u64,
    pub(crate) said: Option<Arc<Kept>>,
    /// What becomes of its message; a line that sends none is not affected.
    pub(crate) message: Fate,
}

/// What becomes of a message of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Sent,
    Twice,
    Left,
    Late(Micros),
}

impl Scenes {
    /// Starts a scene under a name.
    pub(super) fn start(&mut self, name: String, now: Micros, said: Option<Arc<Kept>>) -> Started {
        let run = match self.runs.iter().position(|run| run.name == name) {
            Some(run) if self.runs[run].running => return Started::Already,
            Some(run) => run,
            None if self.runs.len() >= MAX_SCENES => return Started::TooMany,
            None => {
                self.runs.push(Run::new(name));
                self.runs.len() - 1
            }
        };
        let found = &mut self.runs[run];
        found.running = true;
        found.started = now;
        found.starts += 1;
        found.said = said;
        Started::Now {
            run,
            starts: found.starts,
        }
    }

    /// The scene that a step names, if it has been started here.
    fn find(&self, which: &WhichScene) -> Option<RunIndex> {
        match which {
            WhichScene::Named(name) => self.runs.iter().position(|run| run.name == *name),
            WhichScene::Any(nth) => {
                let run = usize::try_from(nth.checked_sub(1)?).ok()?;
                (run < self.runs.len()).then_some(run)
            }
        }
    }

    fn find_mut(&mut self, which: &WhichScene) -> Option<&mut Run> {
        let run = self.find(which)?;
        self.runs.get_mut(run)
    }

    /// Stops a scene; returns whether there is one.
    pub(super) fn stop(&mut self, which: &WhichScene) -> bool {
        let run = self.find_mut(which);
        run.map(|run| {
            run.running = false;
            run.said = None;
        })
        .is_some()
    }

    /// Mutes a scene; returns which, and the number to unmute it with.
    pub(super) fn mute(&mut self, which: &WhichScene) -> Option<(RunIndex, u64)> {
        let at = self.find(which)?;
        let run = &mut self.runs[at];
        run.muted = true;
        run.mutings += 1;
        Some((at, run.mutings))
    }

    /// Unmutes all scenes.
    pub(super) fn unmute_all(&mut self) {
        for run in &mut self.runs {
            run.muted = false;
            run.mutings += 1;
        }
    }

    /// Unmutes a scene, unless it was muted or unmuted again since then.
    pub(super) fn unmute(&mut self, run: RunIndex, muting: u64) -> bool {
        let run = self.runs.get_mut(run).filter(|run| run.mutings == muting);
        run.map(|run| run.muted = false).is_some()
    }

    /// Drops a scene's next messages; returns whether there is such a scene.
    pub(super) fn gap(&mut self, which: &WhichScene, next: u32) -> bool {
        self.find_mut(which).map(|run| run.gap = next).is_some()
    }

    /// Doubles a scene's next messages; returns whether there is such a scene.
    pub(super) fn repeat(&mut self, which: &WhichScene, next: u32) -> bool {
        self.find_mut(which).map(|run| run.repeat = next).is_some()
    }

    /// Delays a scene's next messages; returns whether there is such a scene.
    pub(super) fn late(&mut self, which: &WhichScene, next: u32, by: Micros) -> bool {
        let run = self.find_mut(which);
        run.map(|run| (run.late, run.late_by) = (next, by))
            .is_some()
    }

    /// When a scene was started, if that start is still the one that runs.
    pub(super) fn started(&self, run: RunIndex, starts: u64) -> Option<Micros> {
        let run = self.runs.get(run)?;
        (run.running && run.starts == starts).then_some(run.started)
    }

    /// The number of times that a line has happened.
    pub(super) fn count(&self, run: RunIndex, step: StepIndex) -> u64 {
        let run = self.runs.get(run);
        run.and_then(|run| run.counts.get(&step))
            .copied()
            .unwrap_or_default()
    }

    /// Makes a line happen; `sends` tells whether it sends a message.
    pub(super) fn happen(&mut self, run: RunIndex, step: StepIndex, sends: bool) -> Option<Line> {
        let run = self.runs.get_mut(run)?;
        let count = run.counts.entry(step).or_default();
        *count += 1;
        let (count, said) = (*count, run.said.clone());
        let message = if sends { run.fate() } else { Fate::Sent };
        Some(Line {
            count,
            said,
            message,
        })
    }
}

impl Run {
    fn new(name: String) -> Self {
        Self {
            name,
            running: false,
            started: Micros::ZERO,
            starts: 0,
            said: None,
            counts: BTreeMap::new(),
            muted: false,
            mutings: 0,
            gap: 0,
            repeat: 0,
            late: 0,
            late_by: Micros::ZERO,
        }
    }

    /// What becomes of the next message; spends one use of the fault that decides it.
    fn fate(&mut self) -> Fate {
        let spend = |left: &mut u32| {
            let is = *left > 0;
            *left = left.saturating_sub(1);
            is
        };
        if spend(&mut self.gap) || self.muted {
            Fate::Left
        } else if spend(&mut self.late) {
            Fate::Late(self.late_by)
        } else if spend(&mut self.repeat) {
            Fate::Twice
        } else {
            Fate::Sent
        }
    }
}
