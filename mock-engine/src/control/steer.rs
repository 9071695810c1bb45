//! Requests that change something: steps, faults, the tape, the end.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as Extract;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use wstape_tape::{Action, DIALOGUE, Step, Tape, TapeReader};

use super::body::{MAX_REQUEST_BYTES, MAX_TAPE_BYTES, read, read_text};
use super::look::VerdictAnswer;
use super::problem::{Problem, json};
use super::state::State;
use crate::driver;
use crate::hub::Untaken;
use crate::misfit::misfit;

/// The name that errors give to a request's lines.
const NAME: &str = "request";

/// The most steps in one request.
const MAX_STEPS: usize = 4_096;

#[derive(Serialize)]
struct StepsAnswer {
    steps: usize,
}

/// Plays steps: the lines of a tape, with or without its header. Takes all of them or none.
pub(super) async fn steps(
    Extract(state): Extract<Arc<State>>,
    body: Body,
) -> Result<Response, Problem> {
    let text = read_text(body, MAX_REQUEST_BYTES).await?;
    let (steps, refer) = parse(&text)?;
    let count = steps.len();
    let hub = &state.hub;
    if hub.core().is_live() {
        fit(&steps)?;
    }
    // What is due at this instant happens first.
    driver::catch_up(hub);
    let layer = if refer { state.layer } else { state.controls };
    let posted = hub.core().post(layer, steps);
    posted.map_err(|error| untaken(&error))?;
    Ok(json(&StepsAnswer { steps: count }))
}

/// Parses the steps, and says whether `${` begins a reference in them: it does, unless there is a
/// header that doesn't need `dialogue`.
fn parse(text: &str) -> Result<(Vec<Step>, bool), Problem> {
    let mut refer = true;
    let steps = if has_header(text) {
        let reader = TapeReader::new(NAME, text.as_bytes());
        reader.and_then(|reader| {
            refer = reader.header().needs.iter().any(|need| need == DIALOGUE);
            reader.collect::<Result<Vec<Step>, _>>()
        })
    } else {
        let lines = text.lines().zip(1_u64..);
        let lines = lines.filter(|(line, _)| !line.trim().is_empty());
        let steps = lines.map(|(line, n)| Step::parse_referring(NAME, n, line));
        steps.collect()
    };
    let steps = steps.map_err(|error| Problem::tape(&error))?;
    if steps.is_empty() {
        let error = "no step in the request; its body must be lines of a tape, such as \
                     {\"at_ms\":0,\"drop\":\"reset\"}";
        return Err(Problem::bad(error));
    }
    if steps.len() > MAX_STEPS {
        let error = format!("more than {MAX_STEPS} steps in one request");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error));
    }
    match steps.iter().find(|step| matches!(step.action, Action::End)) {
        Some(end) => Err(Problem::bad(format!(
            "{NAME}:{}: a step can't end the run; POST /v1/end does",
            end.line
        ))),
        None => Ok((steps, refer)),
    }
}

/// Answers why the core did not take the steps.
fn untaken(error: &Untaken) -> Problem {
    let Untaken::Absent(absent) = error else {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string());
    };
    let status = if absent.never {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::CONFLICT
    };
    Problem::new(status, format!("{NAME}:{}: {absent}", absent.line)).at_line(absent.line)
}

/// Checks that all of the steps can be laid over a real engine.
fn fit(steps: &[Step]) -> Result<(), Problem> {
    let misfits = |step: &Step| misfit(step).map(|why| format!("{NAME}:{}: {why}", step.line));
    let first = steps.iter().find_map(misfits);
    first.map_or(Ok(()), |why| Err(Problem::bad(why)))
}

/// Whether the first line is a tape's header.
fn has_header(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct First {
        #[serde(rename = "tape")]
        _tape: serde::de::IgnoredAny,
    }
    let first = text.lines().next().unwrap_or_default();
    serde_json::from_str::<First>(first).is_ok()
}

/// Clears every fault set here or by Rust's controls; those that a tape set stay.
pub(super) async fn clear_faults(Extract(state): Extract<Arc<State>>) -> StatusCode {
    let layers = [state.controls, state.layer];
    state.hub.core().clear_faults(&layers);
    StatusCode::NO_CONTENT
}

/// Plays another tape from its beginning, now.
pub(super) async fn tape(
    Extract(state): Extract<Arc<State>>,
    body: Body,
) -> Result<Response, Problem> {
    if state.hub.core().is_live() {
        let error = "a real engine is served, not a tape; POST /v1/steps lays steps over it";
        return Err(Problem::new(StatusCode::CONFLICT, error));
    }
    let bytes = read(body, MAX_TAPE_BYTES).await?;
    let reader = TapeReader::new(NAME, &bytes[..]);
    let tape = reader.and_then(Tape::read);
    let tape = tape.map_err(|error| Problem::tape(&error))?;
    let steps = tape.steps.len();
    let hub = &state.hub;
    let replaced = hub.replace_tape(tape, state.controls);
    replaced.map_err(|error| Problem::tape(&error))?;
    Ok(json(&StepsAnswer { steps }))
}

/// Ends the run and reports what became of the expectations.
pub(super) async fn end(Extract(state): Extract<Arc<State>>) -> Response {
    let answer = json(&VerdictAnswer::of(&state));
    state.end();
    answer
}
