//! Dialogues: how tapes answer what clients say.
//!
//! ```text
//! frame ─► assembly ─► message ─► index ─► matcher ─► happenings ─► the core performs them
//!          (fragments) (parsed    (steps    (does it              (speech: references
//!                       once)      that may) hold?)                filled in)
//! ```
//!
//! - `message`: what a client said, put together from its frames; `document`: the JSON that it is,
//!   each value as its text; `decimal`: exact comparison of numbers.
//! - `script`: the steps of all layers; `index`: which of them a message may be for; `matcher`:
//!   whether it is; `happening`: what it sets off.
//! - `speech`: an action with values in place of its references.
//! - `scenes`: the streams that run on a connection; `talk`: all that is known of one connection.
//! - `waiting`: what is kept for answers still to come, within a bound.
//!
//! Nothing here sends, waits or reads a clock: [`Dialogue`] is told what happened and says what
//! must happen. The core (`hub/core/dialogue.rs`) schedules and performs it.

mod decimal;
mod document;
mod happening;
mod index;
mod matcher;
#[cfg(test)]
mod matching_tests;
mod message;
mod scenes;
mod script;
mod speech;
mod talk;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;

use wstape_tape::{Action, Micros, Step, Trigger, WhichScene};

use self::happening::{happening, hear, stream};
use self::index::StepIndex as Index;
use self::script::Script;
use self::talk::Talk;
use self::waiting::Waiting;
use crate::chance::draw;
use crate::frame::ClientFrame;
use crate::ids::{ConnId, LayerIndex, PathId};

pub use self::document::MAX_MESSAGE_VALUES;
pub(crate) use self::happening::{Happening, Heard};
pub(crate) use self::index::StepIndex;
pub(crate) use self::matcher::Matcher;
pub(crate) use self::message::{Assembly, Message};
pub use self::message::{MAX_JSONPATH_DEPTH, MAX_JSONPATH_STEPS, MAX_LOOKED_AT_BYTES};
pub use self::scenes::MAX_SCENES;
pub(crate) use self::scenes::{Fate, RunIndex, Started};
pub(crate) use self::script::Line;
pub(crate) use self::speech::{Answer, Asked, Said, Sources, Speech, may_refer};
pub use self::waiting::MAX_WAITING_BYTES;
pub(crate) use self::waiting::{Kept, Ticket};

/// All dialogues of an engine.
#[derive(Debug, Default)]
pub(crate) struct Dialogue {
    script: Script,
    talks: BTreeMap<ConnId, Talk>,
    waiting: Waiting,
}

/// What becomes of a silence that may be long enough.
#[derive(Debug)]
pub(crate) enum Silence {
    /// The step happens.
    Answered(Happening),
    /// A frame came in the meantime: the silence may be long enough at this time.
    Later(Micros),
    Over,
}

/// A line of a scene whose time has come.
#[derive(Debug)]
pub(crate) struct SceneDue {
    /// When it is said again.
    pub(crate) next: Option<Micros>,
    /// What it says; `None` if chance keeps it silent.
    pub(crate) line: Option<scenes::Line>,
    /// How much later it is said, through its jitter.
    pub(crate) after: Micros,
}

impl Dialogue {
    /// Adds a step for the whole run; it counts from the next [`file`](Self::file) on.
    pub(crate) fn push(&mut self, layer: LayerIndex, step: Step, path: Option<PathId>) {
        self.script.push(layer, step, path);
    }

    /// Removes the steps of these layers.
    pub(crate) fn retire(&mut self, of: impl Fn(LayerIndex) -> bool, no_connection: bool) {
        self.script.retire(of, no_connection);
    }

    /// The number of steps of a layer.
    pub(crate) fn count(&self, of: LayerIndex) -> usize {
        self.script.count(of)
    }

    /// Whether a step is still played.
    pub(crate) fn plays(&self, step: StepIndex) -> bool {
        !self.script.is_retired(step)
    }

    /// Starts listening for the steps that were added. Returns the silences to wait for on open
    /// connections, and when each is due.
    pub(crate) fn file(&mut self) -> Vec<(ConnId, StepIndex, Micros)> {
        let filed = self.script.silences().to_vec();
        self.script.file();
        let mut due = Vec::new();
        let silences = self.script.silences().iter();
        for &step in silences.filter(|step| !filed.contains(step)) {
            let line = self.script.line(step);
            for (&id, talk) in self.talks.iter().filter(|(_, talk)| talk.is_for(line)) {
                due.extend(silent_at(&self.script, talk, step).map(|at| (id, step, at)));
            }
        }
        due
    }

    pub(crate) fn line(&self, step: StepIndex) -> Arc<Line> {
        Arc::clone(self.script.line(step))
    }

    /// Adds a connection that is upgraded. Returns the silences to wait for, and when each is due.
    pub(crate) fn opened(
        &mut self,
        id: ConnId,
        number: u64,
        paths: Vec<(PathId, u64)>,
        now: Micros,
    ) -> Vec<(StepIndex, Micros)> {
        let talk = Talk::new(number, paths, now);
        let silences = self.script.silences().iter();
        let due = silences
            .filter(|&&step| talk.is_for(self.script.line(step)))
            .filter_map(|&step| Some((step, silent_at(&self.script, &talk, step)?)))
            .collect();
        self.talks.insert(id, talk);
        due
    }

    /// Forgets a connection that is over.
    pub(crate) fn ended(&mut self, id: ConnId) {
        self.talks.remove(&id);
    }

    /// Hears a frame that the client sent.
    pub(crate) fn heard(&mut self, id: ConnId, frame: &ClientFrame, now: Micros) -> Heard {
        let mut heard = Heard::default();
        if self.script.is_empty() {
            return heard;
        }
        let (Some(talk), script) = (self.talks.get_mut(&id), &self.script) else {
            return heard;
        };
        for step in talk.frame(now) {
            if let Some(due) = silent_at(script, talk, step) {
                heard.silences.push((step, due));
            }
        }
        if let Some(mut message) = talk.assembly.take(frame) {
            let records = message.split();
            hear(script, talk, id, &Arc::new(message), &mut heard);
            for record in records {
                hear(script, talk, id, &Arc::new(record), &mut heard);
            }
        }
        heard
    }

    /// Checks whether a silence is long enough now.
    pub(crate) fn silence_due(&mut self, id: ConnId, step: StepIndex, now: Micros) -> Silence {
        let (Some(talk), script) = (self.talks.get_mut(&id), &self.script) else {
            return Silence::Over;
        };
        if script.is_retired(step) {
            return Silence::Over;
        }
        match silent_at(script, talk, step) {
            None => Silence::Over,
            Some(due) if due > now => Silence::Later(due),
            Some(_) => {
                talk.answer_silence(step);
                let tally = talk.tally(step);
                tally.held += 1;
                happening(script, id, step, tally, None).map_or(Silence::Over, Silence::Answered)
            }
        }
    }

    /// Starts a scene on a connection.
    pub(crate) fn start(
        &mut self,
        id: ConnId,
        name: &str,
        now: Micros,
        said: Option<&Arc<Said>>,
    ) -> Option<Started> {
        let talk = self.talks.get_mut(&id)?;
        let said = match said {
            None => None,
            Some(said) => match self.waiting.keep(Arc::clone(said)) {
                None => return Some(Started::TooMany),
                kept => kept,
            },
        };
        Some(talk.scenes.start(name.to_owned(), now, said))
    }

    /// The lines of a scene for a connection; `None` if no layer has a scene of that name.
    pub(crate) fn scene(&self, id: ConnId, name: &str) -> Option<Vec<StepIndex>> {
        let (talk, lines) = (self.talks.get(&id)?, self.script.scene(name)?);
        let own = lines
            .iter()
            .filter(|&&step| talk.is_for(self.script.line(step)));
        Some(own.copied().collect())
    }

    /// When a line of a scene that starts at `started` happens for the `nth` time, from 0.
    pub(crate) fn scene_time(&self, step: StepIndex, started: Micros, nth: u64) -> Option<Micros> {
        let Trigger::Scene(scene) = &self.script.line(step).step.trigger else {
            return None;
        };
        let wait = match (nth, scene.every) {
            (0, _) => 0,
            (nth, Some(every)) => every.0.saturating_mul(nth),
            (_, None) => return None,
        };
        let after = scene.after.0.saturating_add(wait);
        Some(Micros(started.0.saturating_add(after)))
    }

    /// Says a line of a scene whose `nth` time has come; `None` if the scene no longer runs as it
    /// did, or the line has been said often enough.
    pub(crate) fn scene_due(
        &mut self,
        id: ConnId,
        run: RunIndex,
        starts: u64,
        step: StepIndex,
        nth: u64,
    ) -> Option<SceneDue> {
        if self.script.is_retired(step) {
            return None;
        }
        let started = self.talks.get(&id)?.scenes.started(run, starts)?;
        let next = self.scene_time(step, started, nth + 1);
        let line = self.line(step);
        let talk = self.talks.get_mut(&id)?;
        let count = talk.scenes.count(run, step);
        if line
            .step
            .times
            .is_some_and(|times| count >= u64::from(times))
        {
            return None;
        }
        let drawn = draw(&line.step, stream(id, &line.step, nth));
        let (line, after) = match drawn {
            None => (None, Micros::ZERO),
            Some(after) => (
                talk.scenes.happen(run, step, line.step.action.is_sent()),
                after,
            ),
        };
        Some(SceneDue { next, line, after })
    }

    /// Applies a fault to a scene; returns whether there is such a scene.
    pub(crate) fn disturb(&mut self, id: ConnId, action: &Action) -> bool {
        let Some(talk) = self.talks.get_mut(&id) else {
            return false;
        };
        let scenes = &mut talk.scenes;
        match action {
            Action::Stop(which) => scenes.stop(which),
            Action::Gap(some) => scenes.gap(&some.which, some.next),
            Action::Repeat(some) => scenes.repeat(&some.which, some.next),
            Action::Late(late) => scenes.late(&late.some.which, late.some.next, late.by),
            _ => false,
        }
    }

    /// Mutes a scene, or with `None` unmutes all; returns what undoes this muting.
    pub(crate) fn mute(
        &mut self,
        id: ConnId,
        which: Option<&WhichScene>,
    ) -> Option<(RunIndex, u64)> {
        let scenes = &mut self.talks.get_mut(&id)?.scenes;
        if let Some(which) = which {
            return scenes.mute(which);
        }
        scenes.unmute_all();
        None
    }

    /// Ends a muting, if it still lasts; returns whether it did.
    pub(crate) fn unmute(&mut self, id: ConnId, run: RunIndex, muting: u64) -> bool {
        let talk = self.talks.get_mut(&id);
        talk.is_some_and(|talk| talk.scenes.unmute(run, muting))
    }

    /// Keeps what set a step off, for later; `None` if there is no room left.
    pub(crate) fn keep(&self, said: &Arc<Said>) -> Option<Arc<Kept>> {
        self.waiting.keep(Arc::clone(said))
    }

    /// Takes room for this many bytes that are to be sent late; `None` if there is none left.
    pub(crate) fn room(&self, bytes: usize) -> Option<Ticket> {
        self.waiting.ticket(bytes)
    }
}

/// When a step's silence is long enough to count; `None` if it has been answered.
fn silent_at(script: &Script, talk: &Talk, step: Index) -> Option<Micros> {
    match script.line(step).step.trigger {
        Trigger::OnSilence { silence, .. } => talk.silent_at(step, silence),
        _ => None,
    }
}
