//! Performs what clients set off: answers, silences, scenes.

use std::borrow::Cow;
use std::sync::Arc;

use wstape_tape::{Action, End, Micros, Step};

use super::Core;
use super::answered::Answered;
use crate::dialogue::{
    Answer, Fate, Happening, Heard, Said, SceneDue, Silence, Sources, Speech, Started, StepIndex,
    may_refer,
};
use crate::frame::{ClientFrame, FrameKind};
use crate::hub::phase::Phase;
use crate::hub::schedule::Op;
use crate::ids::{ConnId, LayerIndex, Scope};
use crate::journal::JournalKind;

/// What a step's references are filled in from.
#[derive(Clone, Copy)]
pub(super) struct Cause<'a> {
    pub(super) said: Option<&'a Said>,
    pub(super) count: u64,
}

impl Cause<'_> {
    /// The cause of a step that no client set off.
    pub(super) const NONE: Self = Self {
        said: None,
        count: 1,
    };
}

impl Core {
    /// Begins the dialogue of a connection that has its 101.
    pub(super) fn begin_dialogue(&mut self, id: ConnId) {
        let newest = self.connections.newest();
        let number = self.numbers.of(id, newest);
        let paths = self.routes.numbers(id).to_vec();
        let now = self.log.now();
        for (step, due) in self.dialogue.opened(id, number, paths, now) {
            self.schedule.put(due, Op::Silence { conn: id, step });
        }
    }

    /// Hears a frame that the client sent, and does what it sets off. Returns when a step answers
    /// the frame, so that the engine doesn't have to.
    pub(super) fn hear(&mut self, id: ConnId, frame: &ClientFrame) -> Answered {
        let Heard {
            happenings,
            silences,
            notes,
        } = self.dialogue.heard(id, frame, self.log.now());
        for (step, due) in silences {
            self.schedule.put(due, Op::Silence { conn: id, step });
        }
        for note in notes {
            self.log.note(id, note);
        }
        let mut answered = Answered::No;
        for happening in happenings {
            let (answers, after) = (happening.answers, happening.after);
            let of_close = frame.kind == FrameKind::Close;
            if self.begin_happening(id, happening, of_close) && answers {
                let when = if after == Micros::ZERO {
                    Answered::Now
                } else {
                    Answered::Later
                };
                answered = answered.max(when);
            }
        }
        answered
    }

    /// Makes a step happen now or later; `false` if there is no room for it to wait.
    fn begin_happening(&mut self, id: ConnId, happening: Happening, of_close: bool) -> bool {
        let Happening {
            step,
            count,
            said,
            after,
            answers,
        } = happening;
        if after == Micros::ZERO {
            self.happen(id, step, count, said.as_ref());
            return true;
        }
        let kept = match said.map(|said| self.dialogue.keep(&said)) {
            Some(None) => {
                let what = self.dialogue.line(step).step.key().into();
                self.log.note(id, "answers: no more room");
                self.log.write(id, JournalKind::Lost { what });
                return false;
            }
            kept => kept.flatten(),
        };
        let answer = Op::Answer {
            conn: id,
            step,
            count,
            kept,
            ends: of_close && answers,
        };
        self.schedule.put(self.log.in_future(after), answer);
        true
    }

    /// Makes a step of the script happen on a connection.
    pub(super) fn happen(
        &mut self,
        id: ConnId,
        step: StepIndex,
        count: u64,
        said: Option<&Arc<Said>>,
    ) {
        let line = self.dialogue.line(step);
        let cause = Cause {
            said: said.map(|said| &**said),
            count,
        };
        if self.lacks_part(&line.speech, &line.step.action, Some(id), cause) {
            return;
        }
        let action = self.filled(&line.speech, &line.step.action, Some(id), cause);
        match &*action {
            Action::Start(start) => {
                let words = action.words().into_owned();
                self.start_scene(id, &start.scene, start.goes_by(), words, said);
            }
            action => self.perform_as(line.layer, id, &line.step, action),
        }
    }

    /// Performs an action in place of a step's own, on one connection.
    pub(super) fn perform_as(
        &mut self,
        layer: LayerIndex,
        id: ConnId,
        step: &Step,
        action: &Action,
    ) {
        let wall = || self.log.wall();
        if let Some(outgoing) = self.outbox.make(layer, action, &step.trigger, wall) {
            self.send(Scope::One(id), outgoing);
        } else if *action == step.action {
            self.perform_plain(layer, Scope::One(id), step);
        } else {
            let mut step = step.clone();
            step.action = action.clone();
            self.perform_plain(layer, Scope::One(id), &step);
        }
    }

    /// Whether the action names a scene by an item of a list that this connection's query lacks.
    pub(super) fn lacks_part(
        &self,
        speech: &Speech,
        action: &Action,
        id: Option<ConnId>,
        cause: Cause<'_>,
    ) -> bool {
        self.with_sources(id, cause, |sources| speech.lacks_part(action, sources))
    }

    /// Fills in an action's references; the journal says which lead nowhere.
    pub(super) fn filled<'a>(
        &self,
        speech: &Speech,
        action: &'a Action,
        id: Option<ConnId>,
        cause: Cause<'_>,
    ) -> Cow<'a, Action> {
        if !speech.refers() {
            return Cow::Borrowed(action);
        }
        let mut missing = Vec::new();
        let action = self.with_sources(id, cause, |sources| {
            speech.fill(action, sources, &mut missing)
        });
        self.note_missing(id, &missing);
        action
    }

    /// Fills in the references of an answer to a handshake or a request.
    pub(super) fn fill_answer(&self, id: ConnId, answer: &mut impl Answer) {
        let mut missing = Vec::new();
        self.with_sources(Some(id), Cause::NONE, |sources| {
            answer.fill(sources, &mut missing);
        });
        self.note_missing(Some(id), &missing);
    }

    fn note_missing(&self, id: Option<ConnId>, missing: &[String]) {
        for reference in missing {
            self.log.note(id, format!("{reference} leads to nothing"));
        }
    }

    fn with_sources<T>(
        &self,
        id: Option<ConnId>,
        cause: Cause<'_>,
        fill: impl FnOnce(&Sources<'_>) -> T,
    ) -> T {
        fill(&Sources {
            said: cause.said,
            count: cause.count,
            conn: id,
            asked: id.and_then(|id| self.routes.asked(id)),
            wall: &|| self.log.wall(),
            url: &|name: Option<&str>| match name {
                None => Some(self.url()),
                Some(name) => self.urls.get(name),
            },
        })
    }

    /// The speech of a step played by its time, if its layer may hold references and it has any.
    pub(super) fn speech_of(&self, layer: LayerIndex, action: &Action) -> Option<Speech> {
        if !self.speaks.get(layer.0).is_some_and(|speaks| *speaks) {
            return None;
        }
        let refers = match action {
            Action::Emit(bytes)
            | Action::Json(bytes)
            | Action::Ping(bytes)
            | Action::Pong(bytes) => may_refer(bytes),
            Action::Text(text) => may_refer(text.as_bytes()),
            Action::Frame(frame) => may_refer(&frame.payload),
            Action::Close(Some(close)) => may_refer(close.reason.as_bytes()),
            _ => true,
        };
        refers.then(|| Speech::of(action)).filter(Speech::refers)
    }

    /// Starts a scene on a connection.
    pub(super) fn start_scene(
        &mut self,
        id: ConnId,
        scene: &str,
        name: &str,
        words: String,
        said: Option<&Arc<Said>>,
    ) {
        if self.connections.phase(id) != Some(Phase::Open) {
            return;
        }
        let Some(lines) = self.dialogue.scene(id, scene) else {
            self.log.note(id, format!("there is no scene {scene:?}"));
            return;
        };
        let now = self.log.now();
        match self.dialogue.start(id, name, now, said) {
            None | Some(Started::Already) => {}
            Some(Started::TooMany) => {
                self.log.note(id, "scenes: no more room");
                let what = words.into();
                self.log.write(id, JournalKind::Lost { what });
            }
            Some(Started::Now { run, starts }) => {
                self.log.write(id, JournalKind::State(words));
                for step in lines {
                    let line = Op::Scene {
                        conn: id,
                        run,
                        starts,
                        step,
                        nth: 0,
                    };
                    if let Some(due) = self.dialogue.scene_time(step, now, 0) {
                        self.schedule.put(due, line);
                    }
                }
            }
        }
    }

    /// Applies a fault to a scene of one connection; `false` if there is no such scene.
    pub(super) fn disturb(&mut self, id: ConnId, step: &Step) -> bool {
        let Action::Mute(which) = &step.action else {
            return self.dialogue.disturb(id, &step.action);
        };
        let muted = self.dialogue.mute(id, which.as_ref());
        if let (Some((run, muting)), Some(length)) = (muted, step.for_us) {
            let unmute = Op::Unmute {
                conn: id,
                run,
                muting,
            };
            self.schedule.put(self.log.in_future(length), unmute);
        }
        which.is_none() || muted.is_some()
    }

    /// Ends a muting.
    pub(super) fn unmute(&mut self, id: ConnId, run: usize, muting: u64) {
        if self.dialogue.unmute(id, run, muting) {
            self.log
                .write(id, JournalKind::State("mute none".to_owned()));
        }
    }

    /// Whether a connection's dialogue may go on.
    fn talks(&self, id: ConnId) -> bool {
        let conn = self.connections.get(id);
        conn.is_some_and(|conn| conn.phase() == Phase::Open && !conn.closed_by_client())
    }

    /// Answers a silence, if it is long enough now.
    pub(super) fn silence_due(&mut self, id: ConnId, step: StepIndex) {
        if !self.talks(id) {
            return;
        }
        match self.dialogue.silence_due(id, step, self.log.now()) {
            Silence::Answered(happening) => {
                self.begin_happening(id, happening, false);
            }
            Silence::Later(due) => self.schedule.put(due, Op::Silence { conn: id, step }),
            Silence::Over => {}
        }
    }

    /// Makes a step happen that was put off after its message. The answer to a Close ends the
    /// connection.
    pub(super) fn answer_due(
        &mut self,
        id: ConnId,
        step: StepIndex,
        count: u64,
        said: Option<&Arc<Said>>,
        ends: bool,
    ) {
        if self.dialogue.plays(step) {
            self.happen(id, step, count, said);
        }
        if ends {
            self.end(id, End::Fin);
        }
    }

    /// Says a line of a scene that is due.
    pub(super) fn scene_line_due(
        &mut self,
        id: ConnId,
        (run, starts): (usize, u64),
        step: StepIndex,
        nth: u64,
    ) {
        let due = if self.talks(id) {
            self.dialogue.scene_due(id, run, starts, step, nth)
        } else {
            None
        };
        let Some(SceneDue { next, line, after }) = due else {
            return;
        };
        if let Some(next) = next {
            let again = Op::Scene {
                conn: id,
                run,
                starts,
                step,
                nth: nth + 1,
            };
            self.schedule.put(next, again);
        }
        let Some(line) = line else { return };
        let said = line.said.as_ref().map(|kept| kept.said());
        let late = match line.message {
            Fate::Left => return,
            Fate::Late(by) => Micros(by.0.saturating_add(after.0)),
            Fate::Sent | Fate::Twice => after,
        };
        if late > Micros::ZERO {
            self.say_late(id, step, line.count, said, late);
            return;
        }
        self.happen(id, step, line.count, said);
        if line.message == Fate::Twice {
            self.happen(id, step, line.count, said);
        }
    }

    /// Makes a message of a scene now, and sends it later.
    fn say_late(
        &mut self,
        id: ConnId,
        step: StepIndex,
        count: u64,
        said: Option<&Arc<Said>>,
        late: Micros,
    ) {
        let line = self.dialogue.line(step);
        let cause = Cause {
            said: said.map(|said| &**said),
            count,
        };
        let action = self.filled(&line.speech, &line.step.action, Some(id), cause);
        let Some(room) = self.dialogue.room(action.payload_bytes()) else {
            self.log.note(id, "late messages: no more room");
            let what = line.step.key().into();
            self.log.write(id, JournalKind::Lost { what });
            return;
        };
        let mut made = Step::clone(&line.step);
        made.action = action.into_owned();
        let late_one = Op::Late {
            conn: id,
            layer: line.layer,
            step: made,
            _room: room,
        };
        self.schedule.put(self.log.in_future(late), late_one);
    }

    /// Notes that a step answers the client's Close. If it has done so now, the connection ends.
    pub(super) fn closed_by_a_step(&mut self, id: ConnId, answered: Answered) {
        if answered == Answered::Now {
            self.end(id, End::Fin);
        } else if let Some(conn) = self.connections.get_mut(id) {
            conn.close_by_client();
        }
    }
}
