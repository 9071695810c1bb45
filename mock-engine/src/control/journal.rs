//! The journal, whole or followed.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State as Extract};
use axum::response::Response;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::look::{pairs, unknown};
use super::problem::Problem;
use super::state::{Place, State};
use crate::journal::{JournalLine, JournalTime, Said, Shown};

/// The most readers that may follow the journal at a time; further ones get 503.
pub const MAX_FOLLOWERS: usize = 64;

/// The most lines handed to a reader at once.
const MAX_LINES: usize = 256;

/// The most bytes of those lines, not counting the last: as much as waits for a reader that stops
/// reading.
const MAX_CHUNK_BYTES: usize = 128 << 10;

/// How long lines are gathered before they are handed to a follower. Waking it for each line would
/// cost the engine more than the run that is followed.
const GATHER: Duration = Duration::from_millis(20);

/// After this many seconds without a line a follower gets a comment, so that a dead connection is
/// noticed. Once a second, the repeats so far are summed up for it.
const HEARTBEATS: u32 = 15;
const SETTLE_EVERY: Duration = Duration::from_secs(1);

/// The header with the number of the last line in a whole journal: where to go on from.
const LAST: HeaderName = HeaderName::from_static("x-journal-last");

/// What the reader asks for.
#[derive(Debug, Default)]
struct Asked {
    since: u64,
    /// Whether `since` was given: the reader already has the journal's header.
    resumed: bool,
    follow: bool,
}

fn asked(query: Option<&str>, headers: &HeaderMap) -> Result<Asked, Problem> {
    let mut asked = Asked::default();
    let number = |text: &str| {
        let bad = || Problem::bad(format!("a line's number is a whole number, found {text:?}"));
        text.parse().map_err(|_| bad())
    };
    for (key, value) in pairs(query) {
        match (key, value) {
            ("since", Some(value)) => (asked.since, asked.resumed) = (number(value)?, true),
            ("follow", None | Some("" | "true" | "1")) => asked.follow = true,
            ("follow", Some("false" | "0")) => asked.follow = false,
            ("since", None) => return Err(Problem::bad("`since` needs the number of a line")),
            ("follow", Some(value)) => {
                return Err(Problem::bad(format!(
                    "`follow` is true or false, found {value:?}"
                )));
            }
            _ => return Err(unknown(key, &["since", "follow"])),
        }
    }
    // What a browser's EventSource sends when it reconnects.
    if let Some(last) = headers.get("last-event-id").and_then(|id| id.to_str().ok()) {
        (asked.since, asked.resumed) = (number(last)?, true);
    }
    Ok(asked)
}

pub(super) async fn journal(
    Extract(state): Extract<Arc<State>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = asked(query.as_deref(), &headers)?;
    state.hub.log().journal().settle();
    if !asked.follow {
        return Ok(whole(state, &asked));
    }
    let Some(place) = state.follow(MAX_FOLLOWERS) else {
        let error = format!("{MAX_FOLLOWERS} readers follow the journal already");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, error));
    };
    Ok(followed(state, &asked, place))
}

fn response(body: Body, kind: &'static str) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The line that tells a reader how much it missed.
fn missed(shown: &Shown) -> Option<JournalLine> {
    let at = shown
        .lines
        .first()
        .map_or(JournalTime::At(wstape_tape::Micros::ZERO), |line| line.at);
    let said = Said::Missing {
        entries: shown.missed,
    };
    (shown.missed > 0).then_some(JournalLine { at, said })
}

fn json(line: &JournalLine) -> Vec<u8> {
    // An entry that can't be written has no line.
    line.to_json().unwrap_or_default()
}

/// Answers with the lines so far, as the journal's file has them.
fn whole(state: Arc<State>, asked: &Asked) -> Response {
    let journal = state.hub.log().journal();
    let last = journal.newest_shown();
    let mut header = Vec::new();
    if !asked.resumed {
        header = serde_json::to_vec(journal.header()).unwrap_or_default();
        header.push(b'\n');
    }
    let first = stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(
        Bytes::from(header),
    )));
    let rest = stream::unfold((state, asked.since), move |(state, had)| async move {
        if had >= last {
            return None;
        }
        let most = usize::try_from(last - had).unwrap_or(MAX_LINES);
        let shown = state
            .hub
            .log()
            .journal()
            .shown_since(had, most.min(MAX_LINES));
        if shown.lines.is_empty() {
            return None;
        }
        let mut text = missed(&shown).as_ref().map(json).unwrap_or_default();
        let mut had = shown.first - 1;
        for line in &shown.lines {
            text.extend(json(line));
            had += 1;
            if text.len() >= MAX_CHUNK_BYTES {
                break;
            }
        }
        Some((Ok(Bytes::from(text)), (state, had)))
    });
    let body = Body::from_stream(stream::StreamExt::chain(first, rest));
    let mut response = response(body, "application/jsonl");
    if let Ok(last) = HeaderValue::try_from(last.to_string()) {
        response.headers_mut().insert(LAST, last);
    }
    response
}

/// A reader that follows the journal.
struct Follower {
    state: Arc<State>,
    had: u64,
    /// What it is sent before the first line.
    greeting: Option<Bytes>,
    _place: Place,
}

/// Answers with the lines as server-sent events, each with its number, for as long as the reader
/// stays. Nothing is buffered for it: it reads on from its place, and is told what it missed.
fn followed(state: Arc<State>, asked: &Asked, place: Place) -> Response {
    let mut greeting = b"retry: 1000\n".to_vec();
    if !asked.resumed {
        greeting.extend_from_slice(b"event: header\ndata: ");
        greeting.extend(serde_json::to_vec(state.hub.log().journal().header()).unwrap_or_default());
        greeting.push(b'\n');
    }
    greeting.push(b'\n');
    let follower = Follower {
        had: asked.since,
        greeting: Some(greeting.into()),
        state,
        _place: place,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let next = follower.next().await;
        Some((Ok::<_, std::convert::Infallible>(next), follower))
    });
    response(Body::from_stream(events), "text/event-stream")
}

impl Follower {
    /// Waits for what it is sent next: lines, or a sign of life.
    async fn next(&mut self) -> Bytes {
        if let Some(greeting) = self.greeting.take() {
            return greeting;
        }
        let journal = self.state.hub.log().journal().clone();
        for _ in 0..HEARTBEATS {
            let shown = journal.shown_since(self.had, MAX_LINES);
            if !shown.lines.is_empty() {
                return self.events(&shown);
            }
            let more = journal.shown_behind(self.had);
            if tokio::time::timeout(SETTLE_EVERY, more).await.is_ok() {
                tokio::time::sleep(GATHER).await;
            } else {
                journal.settle();
            }
        }
        Bytes::from_static(b":\n\n")
    }

    fn events(&mut self, shown: &Shown) -> Bytes {
        let mut text = Vec::new();
        if let Some(missed) = missed(shown) {
            text.extend_from_slice(b"event: missed\ndata: ");
            text.extend(json(&missed));
            text.push(b'\n');
        }
        for (line, number) in shown.lines.iter().zip(shown.first..) {
            text.extend_from_slice(format!("id: {number}\ndata: ").as_bytes());
            text.extend(json(line));
            text.push(b'\n');
            self.had = number;
            if text.len() >= MAX_CHUNK_BYTES {
                break;
            }
        }
        text.into()
    }
}
