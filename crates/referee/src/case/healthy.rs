//! How an engine behaves when all is well.

use std::path::Path;

use include_dir::{Dir, include_dir};
use wstape_tape::{Action, Micros, Step, Tape, TapeError, Trigger, WhichScene};

use super::subscription::{given_back, is_subscription, told_of};

static HEALTHY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/healthy");

/// The name of the default healthy tape.
const DEFAULT: &str = "events";

/// The shortest round of a healthy tape, so that a case's tape stays small.
const MIN_ROUND: Micros = Micros::from_ms(1_000);

/// How an engine behaves when all is well: a tape over which each case lays its faults.
#[derive(Debug, Clone)]
pub struct Healthy {
    name: String,
    tape: Tape,
}

/// Why a healthy tape was not found.
#[derive(Debug, thiserror::Error)]
pub enum HealthyError {
    /// It can't be read.
    #[error("{}", .0.report())]
    Tape(#[from] TapeError),
    /// A folder is not a tape.
    #[error("{0:?} is a folder, but --healthy takes a file or the name of a healthy tape: {there_are}", there_are = names().join(", "))]
    Folder(String),
    /// There is no such file, and no built-in tape with that name.
    #[error("there is no file {name:?}, and no healthy tape of that name; there are {}", there_are.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that exist.
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
    /// The built-in tape with this name, or the one in this file.
    ///
    /// # Errors
    /// If there is neither, or it is not a tape.
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
        if Path::new(name).is_dir() {
            return Err(HealthyError::Folder(name.to_owned()));
        }
        Err(HealthyError::Unknown {
            name: name.to_owned(),
            there_are: names(),
        })
    }

    /// Its name, or the path it was read from.
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

    /// Members of a client's message that identify its answer: those that an answer repeats under
    /// the same name.
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

    /// Its steps, with the timed ones repeated for this long; from `quiet_from` on it sends
    /// nothing.
    pub(crate) fn lasting(&self, length: Micros, quiet_from: Option<Micros>) -> Tape {
        let steps = &self.tape.steps;
        let at = |step: &Step| match step.trigger {
            Trigger::At(at) => Some(at),
            _ => None,
        };
        let end = steps.iter().find(|step| matches!(step.action, Action::End));
        // Without an `end`, a round is over at its last step.
        let last = steps.iter().filter_map(at).max().unwrap_or(Micros::ZERO);
        let round = end.and_then(at).unwrap_or(last).0.max(MIN_ROUND.0);
        let mut tape = Tape::new(self.tape.header.clone(), Vec::new());
        let is_quiet = |at: Micros, step: &Step| {
            speaks_by_itself(step) && quiet_from.is_some_and(|from| at >= from)
        };
        for step in steps.iter().filter(|step| at(step).is_none()) {
            if is_subscription(step) {
                tape.push(told_of(step));
            }
            if !is_quiet(Micros::ZERO, step) {
                tape.push(step.clone());
            }
        }
        let mut timed: Vec<(Micros, Step)> = Vec::new();
        let starts = (0..length.0).step_by(usize::try_from(round).unwrap_or(usize::MAX));
        for step in steps.iter().filter(|it| !matches!(it.action, Action::End)) {
            let Some(first) = at(step) else { continue };
            let rounds = starts.clone().map(|start| Micros(first.0 + start));
            let loud = rounds.filter(|at| !is_quiet(*at, step));
            timed.extend(loud.map(|at| (at, step.clone())));
        }
        // Scenes already running don't end by themselves.
        let mute_from = quiet_from.filter(|from| *from > Micros::ZERO && self.has_scenes());
        timed.extend(mute_from.into_iter().flat_map(mute_all));
        timed.sort_by_key(|(at, _)| *at);
        for (at, mut step) in timed {
            step.trigger = Trigger::At(at);
            tape.push(step);
        }
        tape
    }
}

/// The most scenes per connection that are muted when the healthy tape must be quiet.
const MAX_MUTED: u64 = 64;

/// Returns the steps that silence all scenes from this time on.
fn mute_all(from: Micros) -> impl Iterator<Item = (Micros, Step)> {
    let mute = |nth| Action::Mute(Some(WhichScene::Any(nth)));
    (1..=MAX_MUTED).map(move |nth| (from, Step::at(from, mute(nth))))
}

/// Whether a step speaks unprompted, which an answer does not.
fn speaks_by_itself(step: &Step) -> bool {
    let answers = matches!(
        step.trigger,
        Trigger::OnMessage(_) | Trigger::OnSilence { .. }
    );
    says_something(step) && !answers
}

fn says_something(step: &Step) -> bool {
    matches!(
        step.action,
        Action::Emit(_) | Action::Json(_) | Action::Text(_) | Action::Binary(_)
    )
}

/// The built-in healthy tapes.
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
    fn where_it_is_to_be_quiet_timed_steps_and_scenes_are_and_answers_are_not() {
        let from = Micros::from_ms(5_000);
        let streams = Healthy::find("path-streams").unwrap();
        let lasting = streams.lasting(Micros::from_ms(60_000), Some(from));
        let mutes = |step: &&Step| matches!(step.action, Action::Mute(_));
        let silent: Vec<&Step> = lasting.steps.iter().filter(mutes).collect();
        assert_eq!(silent.len() as u64, MAX_MUTED);
        assert!(silent.iter().all(|it| it.trigger == Trigger::At(from)));
        // Pings are not messages: they go on.
        let pings = |step: &&Step| matches!(step.action, Action::Ping(_));
        assert_eq!(lasting.steps.iter().filter(pings).count(), 3);
        // From the beginning, nothing has to be muted: no scene says anything at all.
        let never = streams.lasting(Micros::from_ms(60_000), Some(Micros::ZERO));
        assert!(!never.steps.iter().any(speaks_by_itself));
        assert!(never.steps.iter().any(says_something));
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
