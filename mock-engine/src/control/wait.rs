//! Requests that are answered once a condition holds.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State as Extract;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wstape_tape::{Action, Step};

use super::body::read_json;
use super::problem::{Problem, json};
use super::state::State;
use crate::hub::{Core, Hub};
use crate::journal::{JournalKind, Said};
use crate::sought::Sought;

/// The longest that a request may wait.
pub const MAX_WAIT: Duration = Duration::from_mins(10);

/// How long a request waits if it does not say.
const USUAL_WAIT_MS: u64 = 10_000;

/// What a request waits for: all of these.
#[derive(Debug, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object, such as {\"connections\":1}"
)]
struct Asked {
    /// This many connections were upgraded in all, including those that have ended.
    connections: Option<u64>,
    /// This many are upgraded and open now.
    open: Option<u64>,
    /// Clients have sent this many messages in all.
    messages: Option<u64>,
    /// A client has sent this, before or from now on: as in a tape's `expect`.
    received: Option<Box<RawValue>>,
    timeout_ms: Option<u64>,
}

#[derive(Serialize)]
struct WaitAnswer {
    connections: u64,
    open: u64,
    messages: u64,
}

/// A watch for a frame; dropping it ends the watch.
struct Watch {
    hub: Arc<Hub>,
    number: u64,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.hub.core().unwatch(self.number);
    }
}

pub(super) async fn wait(
    Extract(state): Extract<Arc<State>>,
    body: Body,
) -> Result<Response, Problem> {
    let asked: Asked = read_json(body).await?;
    let timeout = Duration::from_millis(asked.timeout_ms.unwrap_or(USUAL_WAIT_MS));
    if timeout > MAX_WAIT {
        let most = MAX_WAIT.as_millis();
        return Err(Problem::bad(format!("`timeout_ms` is {most} at most")));
    }
    let wanted = asked.received.as_deref().map(received).transpose()?;
    let nothing = asked
        .connections
        .or(asked.open)
        .or(asked.messages)
        .is_none();
    if nothing && wanted.is_none() {
        let error = "nothing to wait for: `connections`, `open`, `messages` or `received`";
        return Err(Problem::bad(error));
    }
    let watch = match wanted {
        Some(wanted) => look_out(&state, wanted)?,
        None => None,
    };
    let _waiting = Waiting::new(&state.hub);
    let is_so = |core: &Core| {
        let counts = core.counts();
        let reached = |wanted: Option<u64>, now: u64| wanted.is_none_or(|wanted| now >= wanted);
        reached(asked.connections, counts.upgraded)
            && reached(asked.open, counts.open)
            && reached(asked.messages, counts.messages)
            && watch
                .as_ref()
                .is_none_or(|watch| core.watched(watch.number))
    };
    let so = tokio::time::timeout(timeout, until(&state.hub, is_so)).await;
    let counts = state.hub.core().counts();
    if so.is_err() {
        let error = format!(
            "not reached within {} ms: {} connections, {} open, {} messages{}",
            timeout.as_millis(),
            counts.upgraded,
            counts.open,
            counts.messages,
            if watch.is_some() {
                ", and perhaps no client sent the expected message"
            } else {
                ""
            }
        );
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, error));
    }
    Ok(json(&WaitAnswer {
        connections: counts.upgraded,
        open: counts.open,
        messages: counts.messages,
    }))
}

/// Counts as a waiting request while it lives: as long as there is one, frames are reported.
struct Waiting<'a>(&'a Hub);

impl<'a> Waiting<'a> {
    fn new(hub: &'a Hub) -> Self {
        hub.core().wait_for_messages(true);
        Self(hub)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.core().wait_for_messages(false);
    }
}

/// Returns once `is_so` holds; it is checked after each change.
async fn until(hub: &Hub, is_so: impl Fn(&Core) -> bool) {
    loop {
        let mut progress = std::pin::pin!(hub.progress().notified());
        progress.as_mut().enable();
        if is_so(&hub.core()) {
            return;
        }
        progress.await;
    }
}

/// Reads which frame to look out for, written as in a tape's `expect`.
fn received(text: &RawValue) -> Result<Sought, Problem> {
    let line = format!(r#"{{"at_ms":0,"expect":{{"received":{text}}}}}"#);
    let step = Step::parse("received", 1, &line).map_err(|error| Problem::tape(&error))?;
    match &step.action {
        Action::Expect(expect) => Sought::of(expect),
        _ => None,
    }
    .ok_or_else(|| Problem::bad("`received` must be an object, as in a tape's `expect`"))
}

/// Starts looking out for a frame, unless the journal has kept one that matches.
fn look_out(state: &State, wanted: Sought) -> Result<Option<Watch>, Problem> {
    // Under the core's lock, so that no frame slips in between the check and the watch.
    let mut core = state.hub.core();
    let journal = state.hub.log().journal();
    let is =
        |kind: &JournalKind| matches!(kind, JournalKind::Received(frame) if wanted.is_kept(frame));
    let kept = journal.any_entry(|entry| is(&entry.kind))
        || journal.any_shown(|line| matches!(&line.said, Said::Once { kind, .. } if is(kind)));
    if kept {
        return Ok(None);
    }
    let Some(number) = core.watch(wanted) else {
        let error = "too many requests are already waiting for a frame";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, error));
    };
    drop(core);
    Ok(Some(Watch {
        hub: Arc::clone(&state.hub),
        number,
    }))
}
