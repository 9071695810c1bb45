//! The last answers of the polled paths, and the steps that a new answer makes.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use wstape_tape::{Action, Down, FINAL_STATUSES, HttpAnswer, Micros, Step};
use wstape_wire::time::{Zone, to_text};

use super::fetch::{Answer, Silence};
use crate::recording::Stats;

/// A path that is polled.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: &'static str,
    /// The event that its answers are pushed as.
    event: &'static str,
}

/// Everything that is polled, in the order of a round.
pub(super) const SURFACE: [Source; 4] = [
    Source {
        path: "/v2/status",
        event: "v2_status",
    },
    Source {
        path: "/positions",
        event: "positions",
    },
    Source {
        path: "/risk",
        event: "risk",
    },
    Source {
        path: "/regime",
        event: "regime",
    },
];

/// A step, and the bytes of memory that it holds.
type Weighed = (Step, usize);

/// What is known about the engine's surface.
#[derive(Debug)]
pub(super) struct Surface {
    paths: [Known; SURFACE.len()],
    ignored: Vec<String>,
    /// Whether the engine answers nothing at all.
    down: bool,
    /// Whether some path was answered in this round.
    round_answered: bool,
    /// The paths that were not answered in this round, with time and reason, while none was
    /// answered.
    round_silent: Vec<(Micros, usize, String)>,
    stats: Stats,
    pub(super) answers: u64,
    pub(super) changes: u64,
    /// The number of answers that are readings.
    pub(super) readings: u64,
}

#[derive(Debug, Default)]
struct Known {
    answer: Option<Answer>,
    /// Whether the tape says that it is not answered.
    silent: bool,
}

impl Surface {
    /// Starts without any answers. Changes only in the values of `ignored` keys don't count.
    pub(super) fn new(ignored: Vec<String>, stats: Stats) -> Self {
        Self {
            paths: Default::default(),
            ignored,
            down: false,
            round_answered: false,
            round_silent: Vec::new(),
            stats,
            answers: 0,
            changes: 0,
            readings: 0,
        }
    }

    pub(super) fn begin_round(&mut self) {
        self.round_answered = false;
        self.round_silent.clear();
    }

    /// Takes an answer for a path. Returns the steps that it makes.
    pub(super) fn answered(
        &mut self,
        at: Micros,
        wall: DateTime<Utc>,
        index: usize,
        answer: Answer,
    ) -> Vec<Weighed> {
        self.answers += 1;
        self.readings += u64::from(answer.is_reading());
        self.stats.came(1, answer.body.len() as u64);
        let mut steps = Vec::new();
        if std::mem::take(&mut self.down) {
            steps.push(light(at, Action::Down(Down::Up)));
            steps.push(mark(at, "reachable again".to_owned()));
        }
        self.round_answered = true;
        if !FINAL_STATUSES.contains(&answer.status) {
            let why = format!("status {}, which a tape can't hold", answer.status);
            steps.extend(self.path_silent(at, index, &why));
            return steps;
        }
        for (at, index, why) in std::mem::take(&mut self.round_silent) {
            steps.extend(self.path_silent(at, index, &why));
        }
        let Source { path, event } = SURFACE[index];
        let known = &mut self.paths[index];
        if std::mem::take(&mut known.silent) {
            steps.push(mark(at, format!("GET {path}: answered again")));
        }
        if known
            .answer
            .as_ref()
            .is_some_and(|last| same(last, &answer, &self.ignored))
        {
            return steps;
        }
        self.changes += 1;
        let weight = answer.body.len();
        steps.push((Step::at(at, Action::Http(http(path, &answer))), weight));
        if let Some(message) = message(event, &answer, wall) {
            steps.push((Step::at(at, Action::Emit(message)), weight));
        }
        known.answer = Some(answer);
        steps
    }

    /// Takes the lack of an answer for a path. Returns the steps that it makes.
    pub(super) fn silent(&mut self, at: Micros, index: usize, silence: &Silence) -> Vec<Weighed> {
        if self.down {
            return Vec::new();
        }
        let why = silence.to_string();
        if silence.is_gone() {
            self.round_silent.clear();
            return self.go_down(at, &why);
        }
        if self.round_answered {
            return self.path_silent(at, index, &why);
        }
        // The rest of the round shows whether only this path is not answered.
        self.round_silent.push((at, index, why));
        Vec::new()
    }

    /// Ends the round: an engine that answered nothing in it is down.
    pub(super) fn end_round(&mut self) -> Vec<Weighed> {
        let mut silent = std::mem::take(&mut self.round_silent).into_iter();
        match silent.next() {
            Some((at, _, why)) => self.go_down(at, &why),
            None => Vec::new(),
        }
    }

    fn go_down(&mut self, at: Micros, why: &str) -> Vec<Weighed> {
        self.down = true;
        self.stats.outage();
        vec![
            mark(at, format!("unreachable: {why}")),
            light(at, Action::Down(Down::Refuses)),
        ]
    }

    fn path_silent(&mut self, at: Micros, index: usize, why: &str) -> Vec<Weighed> {
        if std::mem::replace(&mut self.paths[index].silent, true) {
            return Vec::new();
        }
        let path = SURFACE[index].path;
        vec![mark(at, format!("GET {path}: not answered: {why}"))]
    }
}

fn light(at: Micros, action: Action) -> Weighed {
    (Step::at(at, action), 0)
}

fn mark(at: Micros, text: String) -> Weighed {
    light(at, Action::Mark(text))
}

fn http(path: &str, answer: &Answer) -> HttpAnswer {
    HttpAnswer {
        path: path.to_owned(),
        method: None,
        status: answer.status,
        headers: answer.headers.clone(),
        body: answer.body.clone(),
    }
}

/// The event that pushes an answer: its data is the body, byte for byte except for line breaks.
/// `None` if the answer is not a 200 with JSON.
fn message(event: &str, answer: &Answer, wall: DateTime<Utc>) -> Option<Bytes> {
    #[derive(Deserialize)]
    struct Stamped<'a> {
        #[serde(borrow)]
        ts: Cow<'a, str>,
    }
    if answer.status != StatusCode::OK.as_u16() {
        return None;
    }
    let data = serde_json::from_slice::<&RawValue>(&answer.body)
        .ok()?
        .get();
    let ts = match serde_json::from_str::<Stamped<'_>>(data) {
        Ok(stamped) => stamped.ts,
        Err(_) => to_text(wall, Zone::Z).into(),
    };
    let ts = serde_json::to_string(&ts).ok()?;
    // In JSON a line break can only be between tokens.
    let data = data.replace(['\n', '\r'], " ");
    Some(format!("{{\"event\":\"{event}\",\"ts\":{ts},\"data\":{data}}}").into())
}

/// Whether two answers are the same, except for the values of `ignored` keys.
fn same(a: &Answer, b: &Answer, ignored: &[String]) -> bool {
    if a.body == b.body || ignored.is_empty() {
        return a == b;
    }
    let rest = |answer: &Answer| {
        let mut body: Value = serde_json::from_slice(&answer.body).ok()?;
        forget(&mut body, ignored);
        Some(body)
    };
    a.status == b.status
        && a.headers == b.headers
        && rest(a).is_some_and(|a| rest(b).is_some_and(|b| a == b))
}

/// Removes the members with these names, at any depth.
fn forget(value: &mut Value, names: &[String]) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !names.contains(name));
            members.values_mut().for_each(|value| forget(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| forget(value, names)),
        _ => {}
    }
}
