//! Requests that look at the engine's present state and change nothing.

use std::sync::Arc;

use axum::extract::{RawQuery, State as Extract};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use wstape_tape::Micros;

use super::problem::{Problem, json};
use super::state::State;
use crate::faults::Standing;
use crate::hub::{Counts, Listed};
use crate::journal::{Entry, JournalKind, RequestHead};

/// The most connections in one answer.
const MAX_LISTED: usize = 1_000;

/// A time in milliseconds, with the digits that a tape would have.
fn ms(time: Micros) -> Option<Box<RawValue>> {
    RawValue::from_string(time.to_ms_text()).ok()
}

#[derive(Serialize)]
struct EngineAnswer<'a> {
    version: &'static str,
    url: &'a str,
    /// PEM file of the authority that signed a `wss` URL's certificate.
    ca: Option<&'a str>,
    name: Option<&'a str>,
    tapes: Vec<Option<String>>,
    speed: String,
    looped: bool,
    /// Whether the tape has begun, and its time now.
    began: bool,
    at_ms: Option<Box<RawValue>>,
    /// Wall times of the engine's start and of the tape's time 0.
    up: DateTime<Utc>,
    zero: Option<DateTime<Utc>>,
    /// Whether the last step was played.
    over: bool,
    #[serde(flatten)]
    counts: CountsAnswer,
}

#[derive(Serialize)]
struct CountsAnswer {
    accepted: u64,
    upgraded: u64,
    open: u64,
    messages: u64,
    /// Requests that wait for a condition.
    waiting: usize,
}

impl From<Counts> for CountsAnswer {
    fn from(counts: Counts) -> Self {
        Self {
            accepted: counts.accepted,
            upgraded: counts.upgraded,
            open: counts.open,
            messages: counts.messages,
            waiting: counts.waiting,
        }
    }
}

pub(super) async fn engine(Extract(state): Extract<Arc<State>>) -> Response {
    let hub = &state.hub;
    let log = hub.log();
    let header = log.journal().header();
    let (tapes, speed, looped, over) = {
        let playback = hub.playback();
        (
            playback.titles(),
            playback.speed(),
            playback.looped(),
            playback.over(),
        )
    };
    let (zero, counts) = {
        let core = hub.core();
        (core.zero(), core.counts())
    };
    let now = log.now();
    let since = zero.map(|zero| Micros(now.0.saturating_sub(zero.0)));
    let zero_wall = since.and_then(|since| {
        let since = TimeDelta::microseconds(i64::try_from(since.0).ok()?);
        log.clock().wall().checked_sub_signed(since)
    });
    json(&EngineAnswer {
        version: env!("CARGO_PKG_VERSION"),
        url: &header.url,
        ca: state.ca.as_deref(),
        name: header.engine.as_deref(),
        tapes,
        speed: speed.to_string(),
        looped,
        began: zero.is_some(),
        at_ms: ms(since.unwrap_or_default()),
        up: header.up,
        zero: zero_wall,
        over,
        counts: counts.into(),
    })
}

#[derive(Serialize)]
struct ConnectionsAnswer {
    /// How many are open in all.
    live: usize,
    connections: Vec<ConnectionAnswer>,
    /// Where the next request is to go on from, if there may be more.
    next: Option<u64>,
}

#[derive(Serialize)]
struct ConnectionAnswer {
    conn: u64,
    phase: &'static str,
    path: Option<String>,
    waiting_bytes: usize,
    held: bool,
}

pub(super) async fn connections(
    Extract(state): Extract<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let from = number(query.as_deref(), "from")?.unwrap_or(0);
    let (listed, live) = state.hub.core().listing(from, MAX_LISTED);
    let full = listed.len() == MAX_LISTED;
    let next = listed.last().filter(|_| full);
    let next = next.map(|last| last.conn.get() + 1);
    let connections = listed.into_iter().map(|one| connection(&state, one));
    Ok(json(&ConnectionsAnswer {
        live,
        connections: connections.collect(),
        next,
    }))
}

fn connection(state: &State, listed: Listed) -> ConnectionAnswer {
    let path = listed.target.map(|target| {
        // The path, redacted as the journal redacts it.
        let head = RequestHead {
            target,
            ..RequestHead::default()
        };
        let kind = JournalKind::Requested(Box::new(head));
        let entry = Entry::new(Micros::ZERO, Some(listed.conn.get()), kind);
        match state.hub.log().journal().clean(entry).kind {
            JournalKind::Requested(head) => head.target,
            _ => String::new(),
        }
    });
    ConnectionAnswer {
        conn: listed.conn.get(),
        phase: listed.phase,
        path,
        waiting_bytes: listed.waiting_bytes,
        held: listed.held,
    }
}

#[derive(Serialize)]
struct FaultsAnswer {
    faults: Vec<FaultAnswer>,
}

#[derive(Serialize)]
struct FaultAnswer {
    /// `tape`, `overlay 1` and so on, or `control`.
    of: String,
    conn: Option<u64>,
    state: String,
    direction: Option<&'static str>,
    left: Option<u32>,
}

pub(super) async fn faults(Extract(state): Extract<Arc<State>>) -> Response {
    let standing = state.hub.core().standing();
    let of = |layer: usize| match layer {
        layer if layer >= state.controls.0 => "control".to_owned(),
        0 => "tape".to_owned(),
        overlay => format!("overlay {overlay}"),
    };
    let faults = standing.into_iter().map(|fault: Standing| FaultAnswer {
        of: of(fault.layer),
        conn: fault.conn,
        state: fault.state,
        direction: fault.direction,
        left: fault.left,
    });
    json(&FaultsAnswer {
        faults: faults.collect(),
    })
}

#[derive(Serialize)]
pub(super) struct VerdictAnswer {
    met: u64,
    unmet: u64,
    /// Those that are not met yet and still have time.
    open: usize,
    /// Those that only `wstape replay` can judge.
    unseen: u64,
    /// The first of those that were not met.
    not_met: Vec<NotMet>,
}

#[derive(Serialize)]
struct NotMet {
    layer: usize,
    line: u64,
    text: String,
}

impl VerdictAnswer {
    pub(super) fn of(state: &State) -> Self {
        let tally = state.hub.core().tally();
        let not_met = tally.first_unmet.into_iter().map(|verdict| NotMet {
            layer: verdict.layer,
            line: verdict.line,
            text: verdict.text,
        });
        Self {
            met: tally.met,
            unmet: tally.unmet,
            open: tally.open,
            unseen: tally.unseen,
            not_met: not_met.collect(),
        }
    }
}

pub(super) async fn verdict(Extract(state): Extract<Arc<State>>) -> Response {
    json(&VerdictAnswer::of(&state))
}

/// The number that a query gives for `name`; any other name in it is an error.
pub(super) fn number(query: Option<&str>, name: &str) -> Result<Option<u64>, Problem> {
    let mut found = None;
    for (key, value) in pairs(query) {
        if key != name {
            return Err(unknown(key, &[name]));
        }
        let value = value.unwrap_or("");
        let number = value.parse();
        found = Some(number.map_err(|_| {
            Problem::bad(format!("`{name}` must be a whole number, found {value:?}"))
        })?);
    }
    Ok(found)
}

/// The names and values of a query.
pub(super) fn pairs(query: Option<&str>) -> impl Iterator<Item = (&str, Option<&str>)> {
    let items = query.unwrap_or_default().split('&');
    items
        .filter(|item| !item.is_empty())
        .map(|item| match item.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (item, None),
        })
}

pub(super) fn unknown(key: &str, known: &[&str]) -> Problem {
    let known = known.join("`, `");
    Problem::bad(format!("there is no `{key}` here; there is `{known}`"))
}
