//! How an engine treats the client when all is well.

use std::path::Path;

use include_dir::{Dir, include_dir};
use wstape_tape::{
    Action, Micros, Part, Reference, Step, Tape, TapeError, Template, Trigger, WhichScene,
};

static HEALTHY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/healthy");

/// The name of what is played where nobody says otherwise.
const DEFAULT: &str = "events";

/// A round of a healthy tape takes this long at least, so that a case's tape stays small.
const MIN_ROUND: Micros = Micros::from_ms(1_000);

/// How an engine treats the client when all is well: a tape, over which each case lays its faults.
#[derive(Debug, Clone)]
pub struct Healthy {
    name: String,
    tape: Tape,
}

/// Why there is no such healthy tape.
#[derive(Debug, thiserror::Error)]
pub enum HealthyError {
    /// It can't be read.
    #[error("{}", .0.report())]
    Tape(#[from] TapeError),
    /// There is no such file, and none comes with the program under that name.
    #[error("there is no file {name:?}, and no healthy tape of that name: those are {}", there_are.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        there_are: Vec<String>,
    },
}

impl Default for Healthy {
    /// The engine's own events, once a second.
    fn default() -> Self {
        Self::find(DEFAULT).expect("the default comes with the program, and a test reads it")
    }
}

impl Healthy {
    /// The mark that the engine passes whenever a client has asked for a stream.
    pub(crate) const SUBSCRIBES: &str = "subscribes";

    /// The tape of this name that comes with the program, or the one in this file.
    ///
    /// # Errors
    /// Where there is neither, or it is no tape.
    pub fn find(name: &str) -> Result<Self, HealthyError> {
        if let Some(file) = HEALTHY.get_file(format!("{name}.jsonl")) {
            let text = file.contents_utf8().unwrap_or_default();
            let tape = Tape::parse(name, text)?;
            let name = name.to_owned();
            return Ok(Self { name, tape });
        }
        if Path::new(name).is_file() {
            let (tape, name) = (Tape::load(name)?, name.to_owned());
            return Ok(Self { name, tape });
        }
        Err(HealthyError::Unknown {
            name: name.to_owned(),
            there_are: names(),
        })
    }

    /// Its name, or where it was read from.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn has_scenes(&self) -> bool {
        let mut triggers = self.tape.steps.iter().map(|step| &step.trigger);
        triggers.any(|it| matches!(it, Trigger::Scene(_)))
    }

    /// Whether it sends anything by itself.
    pub(crate) fn sends(&self) -> bool {
        self.tape.steps.iter().any(says_something)
    }

    /// Members of what a client says by which it knows the answer again: those that an answer gives
    /// back under their own name.
    pub(crate) fn ids(&self) -> Vec<String> {
        let answers = self.tape.steps.iter().filter_map(|step| {
            let (Trigger::OnMessage(_), Action::Json(json) | Action::Emit(json)) =
                (&step.trigger, &step.action)
            else {
                return None;
            };
            std::str::from_utf8(json).ok()
        });
        answers.flat_map(given_back).collect()
    }

    /// Its steps, timed ones again and again, until nothing is left of this time; from `quiet_from`
    /// on it sends nothing.
    pub(crate) fn lasting(&self, length: Micros, quiet_from: Option<Micros>) -> Tape {
        let steps = &self.tape.steps;
        let at = |step: &Step| match step.trigger {
            Trigger::At(at) => Some(at),
            _ => None,
        };
        let end = steps.iter().find(|step| matches!(step.action, Action::End));
        // Without an `end` a round is over with its last step.
        let last = steps.iter().filter_map(at).max().unwrap_or(Micros::ZERO);
        let round = end.and_then(at).unwrap_or(last).0.max(MIN_ROUND.0);
        let mut tape = Tape::new(self.tape.header.clone(), Vec::new());
        // An answer is still given: what is asked for is not said by itself.
        let is_quiet = |at: Micros, step: &Step| {
            let answers = matches!(
                step.trigger,
                Trigger::OnMessage(_) | Trigger::OnSilence { .. }
            );
            says_something(step) && !answers && quiet_from.is_some_and(|from| at >= from)
        };
        for step in steps.iter().filter(|step| at(step).is_none()) {
            if is_subscription(step) {
                tape.push(told_of(step));
            }
            if !is_quiet(Micros::ZERO, step) {
                tape.push(step.clone());
            }
        }
        let timed: Vec<&Step> = steps
            .iter()
            .filter(|step| at(step).is_some() && !matches!(step.action, Action::End))
            .collect();
        let quiet_from = quiet_from.filter(|from| *from > Micros::ZERO && self.has_scenes());
        let mutes: Vec<Step> = quiet_from.map(mute_all).into_iter().flatten().collect();
        if timed.is_empty() {
            for mute in mutes {
                tape.push(mute);
            }
            return tape;
        }
        let mut mutes = mutes.into_iter().peekable();
        for start in (0..length.0).step_by(usize::try_from(round).unwrap_or(usize::MAX)) {
            for step in &timed {
                let mut again = (*step).clone();
                let Trigger::At(at) = step.trigger else {
                    continue;
                };
                let at = Micros(at.0 + start);
                while let Some(mute) = mutes.next_if(|_| quiet_from.is_some_and(|from| from <= at))
                {
                    tape.push(mute);
                }
                again.trigger = Trigger::At(at);
                if !is_quiet(at, step) {
                    tape.push(again);
                }
            }
        }
        for mute in mutes {
            tape.push(mute);
        }
        tape
    }
}

/// Scenes of a connection that are muted where the healthy tape is to be quiet.
const MAX_MUTED: u64 = 64;

/// From then on no scene says anything.
fn mute_all(from: Micros) -> impl Iterator<Item = Step> {
    let mute = |nth| Action::Mute(Some(WhichScene::Any(nth)));
    (1..=MAX_MUTED).map(move |nth| Step::at(from, mute(nth)))
}

/// Whether a step answers a client that asks for a stream: it starts a scene, or says so.
fn is_subscription(step: &Step) -> bool {
    let asked = matches!(
        step.trigger,
        Trigger::OnMessage(_) | Trigger::OnConnect { .. }
    );
    let says_so = || {
        let mut extensions = step.extensions.iter();
        extensions.any(|(key, value)| key == "x-subscribe" && value.get() == "true")
    };
    asked && (matches!(step.action, Action::Start(_)) || says_so())
}

/// The step that tells of a subscription whenever this one answers it.
fn told_of(step: &Step) -> Step {
    let mut told = step.clone();
    told.action = Action::Mark(Healthy::SUBSCRIBES.to_owned());
    if let Trigger::OnMessage(on) = &mut told.trigger {
        on.instead = false;
    }
    // Asked for is asked for, however likely it is to be answered, and when.
    (told.probability, told.jitter, told.seed) = (None, None, None);
    told
}

/// Members that this answer takes from the message under their own name.
fn given_back(answer: &str) -> Vec<String> {
    let Ok(template) = Template::json(answer) else {
        return Vec::new();
    };
    let mut before = "";
    let mut names = Vec::new();
    for part in template.parts() {
        match part {
            Part::Literal(text) => before = text,
            Part::Whole(Reference::Pointer(keys)) => {
                if let [key] = keys.as_slice()
                    && before.trim_end().ends_with(&format!("\"{key}\":"))
                {
                    names.push(key.clone());
                }
            }
            Part::Whole(_) | Part::Inside(_) => {}
        }
    }
    names
}

fn says_something(step: &Step) -> bool {
    matches!(
        step.action,
        Action::Emit(_) | Action::Json(_) | Action::Text(_) | Action::Binary(_)
    )
}

/// The healthy tapes that come with the program.
fn names() -> Vec<String> {
    let mut names: Vec<String> = HEALTHY
        .files()
        .filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_healthy_tape_that_comes_along_is_one() {
        for name in names() {
            assert_eq!(Healthy::find(&name).unwrap().name(), name);
        }
        assert!(Healthy::default().sends());
    }

    #[test]
    fn timed_steps_come_again_until_the_time_is_over() {
        let lasting = Healthy::default().lasting(Micros::from_ms(10_000), None);
        let times: Vec<u64> = lasting
            .steps
            .iter()
            .filter_map(|step| match step.trigger {
                Trigger::At(at) => Some(at.0 / 1_000_000),
                _ => None,
            })
            .collect();
        assert_eq!(times, (1..=10).collect::<Vec<u64>>());
    }

    #[test]
    fn an_unknown_name_says_which_there_are() {
        let error = Healthy::find("nosuch").unwrap_err().to_string();
        assert!(
            error.contains("\"nosuch\"") && error.contains("events"),
            "{error}"
        );
    }
}
