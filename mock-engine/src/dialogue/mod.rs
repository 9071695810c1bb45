//! Dialogues: what tapes answer to what clients say.
//!
//! ```text
//! frame ─► assembly ─► message ─► index ─► matcher ─► happenings ─► the core performs them
//!          (fragments) (parsed    (steps    (does it              (speech: references
//!                       once)      that may) hold?)                filled in)
//! ```
//!
//! - `message`: what a client said, put together from its frames; `document`: the JSON that it is,
//!   each value as its text; `decimal`: numbers compared exactly.
//! - `script`: the steps of all layers; `index`: which of them a message may be for; `matcher`:
//!   whether it is.
//! - `speech`: an action with values in place of its references.
//! - `scenes`: the streams that run on a connection; `talk`: all that is known of one connection.
//! - `waiting`: what is kept for answers still to come, within a bound.
//!
//! Nothing here sends, waits or reads a clock: [`Dialogue`] is told what happened and says what is
//! to happen. The core (`hub/core/dialogue.rs`) schedules and performs it.

mod decimal;
mod document;
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

use wstape_tape::{Action, MessageKind, Micros, Step, Trigger, WhichScene};

use self::index::StepIndex as Index;
use self::matcher::Found;
use self::script::Script;
use self::talk::{Talk, Tally};
use self::waiting::Waiting;
use crate::chance::draw;
use crate::frame::ClientFrame;
use crate::ids::{ConnId, LayerIndex, PathId};

pub use self::document::MAX_MESSAGE_VALUES;
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

/// A step that is to happen on a connection.
#[derive(Debug)]
pub(crate) struct Happening {
    pub(crate) step: StepIndex,
    /// How often it has happened there, this time included.
    pub(crate) count: u64,
    pub(crate) said: Option<Arc<Said>>,
    /// How much later.
    pub(crate) after: Micros,
    /// It answers the Ping or Close that set it off, so that the engine need not.
    pub(crate) answers: bool,
}

/// What a frame came to.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Steps that are to happen, in order.
    pub(crate) happenings: Vec<Happening>,
    /// Silences to wait for anew: the step, and when it is due.
    pub(crate) silences: Vec<(StepIndex, Micros)>,
    /// What the journal is to say.
    pub(crate) notes: Vec<String>,
}

/// What came of a silence whose time may have come.
#[derive(Debug)]
pub(crate) enum Silence {
    /// The step happens.
    Answered(Happening),
    /// A frame came in the meantime: it is due then.
    Later(Micros),
    Over,
}

/// A line of a scene whose time has come.
#[derive(Debug)]
pub(crate) struct SceneDue {
    /// When it comes again.
    pub(crate) next: Option<Micros>,
    /// What it says; `None` where chance has it say nothing.
    pub(crate) line: Option<scenes::Line>,
    /// How much later, by its jitter.
    pub(crate) after: Micros,
}

impl Dialogue {
    /// Adds a step for the whole run; [`file`](Self::file) has it heard.
    pub(crate) fn push(&mut self, layer: LayerIndex, step: Step, path: Option<PathId>) {
        self.script.push(layer, step, path);
    }

    /// Takes the steps of these layers out.
    pub(crate) fn retire(&mut self, of: impl Fn(LayerIndex) -> bool, no_connection: bool) {
        self.script.retire(of, no_connection);
    }

    /// How many steps of a layer there are.
    pub(crate) fn count(&self, of: LayerIndex) -> usize {
        self.script.count(of)
    }

    /// Whether a step is still played.
    pub(crate) fn plays(&self, step: StepIndex) -> bool {
        !self.script.is_retired(step)
    }

    /// What was added is listened for from here on. Returns the silences that open connections are
    /// to be waited for with now, and when each is due.
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

    /// A connection is upgraded: returns the silences to wait for, and when each is due.
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

    /// A connection is over.
    pub(crate) fn ended(&mut self, id: ConnId) {
        self.talks.remove(&id);
    }

    /// The client sent a frame.
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

    /// A silence's time may have come.
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

    /// A step starts a scene on a connection.
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

    /// The lines of a scene for a connection; `None` where no layer has a scene of that name.
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

    /// The `nth` time of a line of a scene has come; `None` where the scene no longer runs so.
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

    /// What a fault does to scenes; whether there is one that it means.
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

    /// Mutes a scene, or with `None` has all of them heard again; what one muting can be undone by.
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

    /// A muting is over.
    pub(crate) fn unmute(&mut self, id: ConnId, run: RunIndex, muting: u64) -> bool {
        let talk = self.talks.get_mut(&id);
        talk.is_some_and(|talk| talk.scenes.unmute(run, muting))
    }

    /// Keeps what set a step off, for later; `None` where there is no more room.
    pub(crate) fn keep(&self, said: &Arc<Said>) -> Option<Arc<Kept>> {
        self.waiting.keep(Arc::clone(said))
    }

    /// Room for so many bytes that are late.
    pub(crate) fn room(&self, bytes: usize) -> Option<Ticket> {
        self.waiting.ticket(bytes)
    }
}

/// When the silence of a step is one.
fn silent_at(script: &Script, talk: &Talk, step: Index) -> Option<Micros> {
    match script.line(step).step.trigger {
        Trigger::OnSilence { silence, .. } => talk.silent_at(step, silence),
        _ => None,
    }
}

/// What chance is drawn from: another stream for each time that a step happens on a connection.
fn stream(id: ConnId, step: &Step, nth: u64) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    id.get()
        .wrapping_mul(1 << 32)
        .wrapping_add(step.line)
        .wrapping_add(nth.wrapping_mul(SPREAD))
}

/// Finds what a message sets off.
fn hear(script: &Script, talk: &mut Talk, id: ConnId, message: &Arc<Message>, heard: &mut Heard) {
    let holding = holding(script, talk, message, &mut heard.notes);
    // From the top, for an upper layer may hide the message from those below.
    let mut layers: Vec<LayerIndex> = holding.iter().map(|&at| script.line(at).layer).collect();
    layers.dedup();
    let mut happening_steps = Vec::new();
    for layer in layers.into_iter().rev() {
        let mut hidden = false;
        let own = holding.iter().filter(|&&at| script.line(at).layer == layer);
        for &at in own {
            let tally = talk.tally(at);
            tally.held += 1;
            let line = script.line(at);
            let Trigger::OnMessage(on) = &line.step.trigger else {
                continue;
            };
            if on.wanted.nth.is_some_and(|nth| nth != tally.held) {
                continue;
            }
            let said = || said(line, message);
            if let Some(mut happening) = happening(script, id, at, tally, Some(&said)) {
                hidden |= on.instead;
                happening.answers = answers(message.kind(), &line.step.action);
                happening_steps.push(happening);
            }
        }
        if hidden {
            break;
        }
    }
    happening_steps.sort_by_key(|happening| happening.step);
    heard.happenings.extend(happening_steps);
}

/// The steps whose match holds, `nth` left out, in their order.
fn holding(script: &Script, talk: &Talk, message: &Message, notes: &mut Vec<String>) -> Vec<Index> {
    let mut holds = |at: Index| {
        let line = script.line(at);
        let Some(matcher) = line.matcher.as_ref().filter(|_| talk.is_for(line)) else {
            return false;
        };
        match matcher.holds(message) {
            Found::Yes => true,
            Found::No => false,
            Found::TooMuch => {
                let line = line.step.line;
                notes.push(format!(
                    "line {line}: the message is too much for its jsonpath"
                ));
                false
            }
        }
    };
    let mut holding = script.index().candidates(message);
    holding.retain(|&at| holds(at));
    let matched: Vec<LayerIndex> = holding
        .iter()
        .map(|&at| script.line(at))
        .filter(|line| {
            !line
                .matcher
                .as_ref()
                .is_some_and(matcher::Matcher::is_of_control)
        })
        .map(|line| line.layer)
        .collect();
    for (layer, steps) in script.unmatched() {
        if !matched.contains(&layer) {
            holding.extend(steps.iter().copied().filter(|&at| holds(at)));
        }
    }
    holding.sort_unstable();
    holding
}

/// The step happens on the connection, unless it did often enough or chance is against it.
fn happening(
    script: &Script,
    id: ConnId,
    at: Index,
    tally: &mut Tally,
    said: Option<&dyn Fn() -> Arc<Said>>,
) -> Option<Happening> {
    let step = &script.line(at).step;
    if step
        .times
        .is_some_and(|times| tally.happened >= u64::from(times))
    {
        return None;
    }
    let later = draw(step, stream(id, step, tally.held))?;
    tally.happened += 1;
    let after = match &step.trigger {
        Trigger::OnMessage(on) => on.after,
        _ => Micros::ZERO,
    };
    Some(Happening {
        step: at,
        count: tally.happened,
        said: said.map(|said| said()),
        after: Micros(after.0.saturating_add(later.0)),
        answers: false,
    })
}

/// The message with the groups that a step's expression finds in it.
fn said(line: &Line, message: &Arc<Message>) -> Arc<Said> {
    let regex = match &line.step.trigger {
        Trigger::OnMessage(on) => on.wanted.regex.as_ref(),
        _ => None,
    };
    let with_names = regex.filter(|regex| regex.regex().capture_names().flatten().next().is_some());
    let captures = with_names
        .zip(message.text())
        .and_then(|(regex, text)| Some((regex, regex.regex().captures(text)?)));
    let groups = captures.map_or_else(Vec::new, |(regex, captures)| {
        let names = regex.regex().capture_names().flatten();
        names
            .filter_map(|name| {
                let found = captures.name(name)?;
                Some((name.to_owned(), found.as_str().to_owned()))
            })
            .collect()
    });
    Arc::new(Said {
        message: Arc::clone(message),
        groups,
    })
}

/// Whether an action answers a Ping or a Close, so that the engine need not.
fn answers(kind: MessageKind, action: &Action) -> bool {
    use crate::frame::{CLOSE, PONG};
    match (kind, action) {
        (MessageKind::Ping, Action::Frame(frame)) => frame.opcode == PONG,
        (MessageKind::Close, Action::Frame(frame)) => frame.opcode == CLOSE,
        (MessageKind::Ping, Action::Pong(_))
        | (MessageKind::Ping | MessageKind::Close, Action::Close(_) | Action::Drop(_)) => true,
        _ => false,
    }
}
