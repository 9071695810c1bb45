//! One entry of an archive as a connection.

use std::path::Path;
use std::vec;

use serde::Deserialize;
use serde_json::value::RawValue;
use wstape_tape::{Action, End, Micros};

use super::messages::{Messages, What};
use super::place::Place;
use crate::import::error::{ImportError, quoted};
use crate::import::session::{Answer, Headers, Moment, Sender, Session, ended, handshake, message};
use crate::import::wall::{Wall, span_of_ms};

/// An entry of `log.entries`: what is read of it.
#[derive(Deserialize)]
pub(super) struct Entry<'a> {
    #[serde(rename = "startedDateTime")]
    started: Option<String>,
    /// How long it took in milliseconds.
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow)]
    timings: Option<Timings<'a>>,
    #[serde(borrow)]
    request: Option<Request<'a>>,
    #[serde(borrow)]
    response: Option<Response<'a>>,
    #[serde(rename = "_resourceType")]
    resource_type: Option<String>,
    #[serde(rename = "_webSocketMessages", borrow)]
    messages: Option<&'a RawValue>,
    #[serde(rename = "_webSocketClose", borrow)]
    close: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Timings<'a> {
    #[serde(borrow)]
    receive: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Request<'a> {
    url: Option<String>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(rename = "httpVersion")]
    version: Option<String>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
    content: Option<Content>,
    /// Chrome's and mitmproxy's word for a failure.
    #[serde(rename = "_error", borrow)]
    error: Option<&'a RawValue>,
    /// Playwright's.
    #[serde(rename = "_failureText")]
    failure: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    /// Where Playwright has put the messages.
    #[serde(rename = "_file")]
    file: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

/// `_webSocketClose`, where it is no word.
#[derive(Deserialize)]
struct CloseEvent<'a> {
    code: Option<u16>,
    reason: Option<String>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
}

/// How a connection ended.
enum Ending {
    /// The transport broke.
    Aborted,
    /// It is known that it did, and no more.
    Gone,
    Closed {
        at: Option<Wall>,
        code: Option<u16>,
        reason: String,
    },
}

impl<'a> Entry<'a> {
    pub(super) fn is_web_socket(&self) -> bool {
        let status = self.response.as_ref().and_then(|r| r.status);
        let request = self.request.as_ref();
        let url = request.and_then(|r| r.url.as_deref());
        // A refused one of mitmproxy's is told by what it asked for alone. The text is looked
        // through first: it is one of many entries, and seldom one of these.
        let asks = request.and_then(|r| r.headers).is_some_and(|headers| {
            headers.get().contains("ebsocket") && {
                let headers: Vec<Header> = serde_json::from_str(headers.get()).unwrap_or_default();
                let to = |h: &Header| h.value.eq_ignore_ascii_case("websocket");
                headers
                    .iter()
                    .any(|h| h.name.eq_ignore_ascii_case("upgrade") && to(h))
            }
        });
        asks || self.messages.is_some()
            || self.close.is_some()
            || self.resource_type.as_deref() == Some("websocket")
            || status.is_some_and(|status| status.get() == "101")
            || url.is_some_and(|url| url.starts_with("ws://") || url.starts_with("wss://"))
    }

    pub(super) fn session(
        self,
        place: &Place,
        folder: Option<&Path>,
        is_chromes: bool,
    ) -> Result<Session<'a>, ImportError> {
        let request = self.request.unwrap_or_default();
        let mut response = self.response.unwrap_or_default();
        let attached = response.content.take().and_then(|content| content.file);
        let mut messages = match (self.messages, attached) {
            (Some(embedded), _) => Messages::embedded(place.clone(), embedded.get())?,
            (None, Some(file)) => Messages::attached(place.clone(), folder, &file)?,
            (None, None) => Messages::none(place.clone()),
        };
        // Looked at ahead: a connection whose first message is older than its beginning began
        // with it, and one that has a message was accepted, whatever its status.
        let first = messages.first()?;
        let earliest = first.as_ref().and_then(|first| first.at);
        let talks = first.as_ref().is_some_and(|first| first.error.is_none());
        let failure = response.failure();
        let refused = failure
            .as_deref()
            .or_else(|| first.as_ref()?.error.as_deref())
            .and_then(status_in);
        let started = self.started.as_deref().map(|text| {
            Wall::from_date(text).ok_or_else(|| {
                let found = quoted(text);
                let message = format!("expected a date and time (RFC 3339), found {found}");
                place.flaw(".startedDateTime", message)
            })
        });
        let begin = match (started.transpose()?, earliest) {
            (Some(started), Some(first)) => started.min(first),
            (Some(at), None) | (None, Some(at)) => at,
            (None, None) => {
                return Err(place.flaw("", "expected a startedDateTime, found none"));
            }
        };
        let lasted = self.time.and_then(|time| span_of_ms(time.get()));
        let until = begin.plus(lasted.unwrap_or_default());
        // Chrome tells of no close, but a WebSocket receives for longer than nothing only once it
        // is closed, and took all of its time until then.
        let received = self.timings.and_then(|timings| timings.receive);
        let received = received.and_then(|receive| span_of_ms(receive.get()));
        let gone = is_chromes && received.is_some_and(|span| span > Micros::ZERO);
        let ending = match self.close {
            Some(text) => Some(ending(place, text)?),
            None => gone.then_some(Ending::Gone),
        };

        let url = request.url.unwrap_or_default();
        let asked = headers(place, ".request.headers", request.headers)?;
        let answer = response.answer(place, talks, refused)?;
        let open = matches!(answer, Answer::Accepted(_));
        let mut opening = handshake(begin, &url, asked, begin, answer);
        if let Some(text) = failure.filter(|_| !open) {
            opening.insert(1, Moment::new(begin, Action::Mark(text)));
        }
        let body = Body {
            messages,
            ending: ending.filter(|_| open),
            open,
            last: begin,
            until,
            failed: false,
            rest: Vec::new().into_iter(),
        };
        Ok(Session {
            begin,
            until,
            url: Some(url).filter(|url| !url.is_empty()),
            moments: Box::new(opening.into_iter().map(Ok).chain(body)),
        })
    }
}

impl Response<'_> {
    /// How the handshake was answered; `talks` where messages followed, `refused` the status that
    /// the browser says it was refused with.
    fn answer(
        &self,
        place: &Place,
        talks: bool,
        refused: Option<u16>,
    ) -> Result<Answer, ImportError> {
        let headers = headers(place, ".response.headers", self.headers)?;
        let status = self.status.map_or("0", RawValue::get);
        // Over HTTP/2 and 3 a WebSocket's CONNECT is answered with a 200 (RFC 8441, 5).
        let stream = self.version.as_deref().is_some_and(|version| {
            let version = version.to_ascii_lowercase();
            ["h2", "h3", "http/2", "http/3"]
                .iter()
                .any(|v| version.starts_with(v))
        });
        Ok(match status.parse::<i16>() {
            Ok(101) => Answer::Accepted(headers),
            Ok(200) if stream => Answer::Accepted(headers),
            _ if talks => Answer::Accepted(headers),
            // Chrome and mitmproxy write 0 where no answer came, Playwright -1.
            Ok(-1 | 0) => refused.map_or(Answer::Never, |status| Answer::Refused(status, headers)),
            // Only announced an answer (RFC 9110, 15.2), and none came.
            Ok(102..=199) => Answer::Never,
            Ok(status @ 200..=599) => Answer::Refused(status.unsigned_abs(), headers),
            _ => {
                let found = quoted(status);
                let message = format!("expected the status of an answer, found {found}");
                return Err(place.flaw(".response.status", message));
            }
        })
    }

    /// Why no answer came, in the tool's words.
    fn failure(&mut self) -> Option<String> {
        let said = |error: &RawValue| serde_json::from_str(error.get()).ok();
        let text = self.failure.take().or_else(|| said(self.error?));
        text.filter(|text: &String| !text.is_empty())
    }
}

/// The status in Chrome's words for a refused handshake, of which its archives hold nothing else.
fn status_in(failure: &str) -> Option<u16> {
    let (_, status) = failure.split_once("Unexpected response code: ")?;
    let status = status.trim().parse().ok()?;
    (100..=599).contains(&status).then_some(status)
}

fn headers(place: &Place, part: &str, headers: Option<&RawValue>) -> Result<Headers, ImportError> {
    let text = headers.map_or("[]", RawValue::get);
    let headers: Vec<Header> = serde_json::from_str(text)
        .map_err(|_| place.flaw(part, "expected a list of {\"name\", \"value\"}"))?;
    let pair = |header: Header| (header.name, header.value);
    Ok(headers.into_iter().map(pair).collect())
}

fn ending(place: &Place, text: &RawValue) -> Result<Ending, ImportError> {
    const PART: &str = "._webSocketClose";
    if text.get() == "\"aborted\"" {
        return Ok(Ending::Aborted);
    }
    let event: CloseEvent<'_> = serde_json::from_str(text.get()).map_err(|_| {
        let message = "expected {\"code\", \"reason\", \"timestamp\"} or \"aborted\"";
        place.flaw(PART, message)
    })?;
    let at = event.timestamp.map(|text| {
        let part = format!("{PART}.timestamp");
        Wall::from_epoch(text.get()).ok_or_else(|| place.no_epoch(&part, text.get()))
    });
    Ok(Ending::Closed {
        at: at.transpose()?,
        code: event.code,
        reason: event.reason.unwrap_or_default(),
    })
}

/// What follows the handshake: messages, then the end, where it is known.
struct Body<'a> {
    messages: Messages<'a>,
    ending: Option<Ending>,
    open: bool,
    /// Of the last message, or the beginning.
    last: Wall,
    /// The beginning and the time that the entry took.
    until: Wall,
    /// The last message is an error.
    failed: bool,
    /// What is left of the end.
    rest: vec::IntoIter<Moment>,
}

impl Iterator for Body<'_> {
    type Item = Result<Moment, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match self.messages.next() {
            Some(Ok(next)) => next,
            Some(Err(error)) => return Some(Err(error)),
            None => {
                if let Some(end) = self.end() {
                    self.rest = end.into_iter();
                }
                return self.rest.next().map(Ok);
            }
        };
        // Playwright can be told to leave the times out.
        let at = next.at.unwrap_or(self.last);
        self.last = self.last.max(at);
        self.failed = matches!(next.what, What::Error(_));
        Some(Ok(Moment::new(
            at,
            match next.what {
                What::Error(text) => Action::Mark(text),
                What::Frame {
                    sender,
                    opcode,
                    payload,
                } => message(sender, opcode, payload),
            },
        )))
    }
}

impl Body<'_> {
    /// How it ended; once.
    fn end(&mut self) -> Option<Vec<Moment>> {
        let reset = |at| vec![Moment::new(at, Action::Drop(End::Reset))];
        let last = self.last.max(self.until);
        if let Some(ending) = self.ending.take() {
            self.failed = false;
            return Some(match ending {
                Ending::Aborted => reset(last),
                Ending::Gone => vec![Moment::new(last, Action::Drop(End::Fin))],
                Ending::Closed { at, code, reason } => {
                    ended(at.unwrap_or(last), Sender::Engine, code, reason)
                }
            });
        }
        // What comes after an error is no connection any more.
        (std::mem::take(&mut self.failed) && self.open).then(|| reset(self.last))
    }
}
