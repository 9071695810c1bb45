//! Reads one entry of an archive as a connection.

use std::vec;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use wstape_tape::{Action, End, Micros};

use super::answer::{Content, Header, Response, headers, status_in};
use super::attached::Attached;
use super::ending::{Ending, ending};
use super::message::{First, What};
use super::messages::Messages;
use super::place::Place;
use super::writer::{Times, Writer};
use crate::error::import::{ImportError, quoted};
use crate::import::session::{Answer, Moment, Sender, Session, ended, handshake, message};
use crate::import::wall::{Wall, span_of_ms};

/// The parts of an entry of `log.entries` that are read.
#[derive(Deserialize)]
#[serde(expecting = "an entry, which is an object")]
pub(super) struct Entry<'a> {
    #[serde(rename = "startedDateTime")]
    started: Option<String>,
    /// How long the entry took, in milliseconds.
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
#[serde(expecting = "an object with timings")]
struct Timings<'a> {
    #[serde(borrow)]
    wait: Option<&'a RawValue>,
    #[serde(borrow)]
    receive: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "a request, which is an object")]
struct Request<'a> {
    url: Option<String>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
}

impl<'a> Entry<'a> {
    pub(super) fn is_web_socket(&self) -> bool {
        let status = self.response.as_ref().and_then(|r| r.status);
        let request = self.request.as_ref();
        let url = request.and_then(|r| r.url.as_deref());
        // A handshake that mitmproxy saw refused shows only in its request. The text is searched
        // before it is parsed, because few of an archive's many entries are WebSockets.
        let asks = request.and_then(|r| r.headers).is_some_and(|headers| {
            headers.get().contains("ebsocket") && {
                let headers: Vec<Header> = serde_json::from_str(headers.get()).unwrap_or_default();
                let to = |h: &Header| h.value.eq_ignore_ascii_case("websocket");
                headers
                    .iter()
                    .any(|h| h.name.eq_ignore_ascii_case("upgrade") && to(h))
            }
        });
        // Cypress's recorder writes a list into every entry, empty if it is not a WebSocket.
        let plain = url.is_some_and(|url| url.starts_with("http"));
        let listed = self
            .messages
            .is_some_and(|list| !plain || is_filled(list.get()));
        asks || listed
            || self.close.is_some()
            || self.resource_type.as_deref() == Some("websocket")
            || status.is_some_and(|status| status.get() == "101")
            || url.is_some_and(|url| url.starts_with("ws://") || url.starts_with("wss://"))
    }

    /// What is known before the whole entry is read, such as when it began and its URL. Errors in
    /// it are not reported here but once it is read.
    pub(super) fn outline(
        &self,
        place: &Place,
        beside: Option<&Attached>,
        writer: Writer,
    ) -> Outline {
        let messages = self.messages(place, beside, writer);
        let mut messages = messages.unwrap_or_else(|_| Messages::none(place.clone()));
        let first = messages.first().ok().flatten();
        let url = self
            .request
            .as_ref()
            .and_then(|request| request.url.clone());
        let lasted = self.lasted(writer);
        Outline {
            has_date: self.started.is_some(),
            begin: self.started(place).ok().flatten(),
            earliest: first.as_ref().and_then(|first| first.at),
            monotonic: first.as_ref().and_then(|first| first.monotonic),
            lasted,
            url,
            left_out: if writer.stands_in {
                messages.left_out()
            } else {
                0
            },
        }
    }

    /// When the entry says it began. `None` for a date in 1969 or 1970, which Chrome writes for a
    /// dial without an answer.
    fn started(&self, place: &Place) -> Result<Option<Wall>, ImportError> {
        let Some(text) = self.started.as_deref() else {
            return Ok(None);
        };
        let started = Wall::from_date(text).ok_or_else(|| {
            let found = quoted(text);
            let message = format!("expected a date and time (RFC 3339), found {found}");
            place.flaw(".startedDateTime", message)
        })?;
        Ok(Some(started).filter(|started| started.is_plausible()))
    }

    /// How long the entry says it took.
    fn lasted(&self, writer: Writer) -> Micros {
        let lasted = self.time.and_then(|time| span_of_ms(time.get()));
        let lasted = lasted.unwrap_or_default();
        if writer.times == Times::Squeezed {
            return Micros(lasted.0.saturating_mul(1_000));
        }
        lasted
    }

    /// How long the entry waited for an answer. Chrome, and what copies its protocol, count until the
    /// last message.
    fn waited(&self) -> Option<Micros> {
        span_of_ms(self.timings.as_ref()?.wait?.get())
    }

    fn messages(
        &self,
        place: &Place,
        beside: Option<&Attached>,
        writer: Writer,
    ) -> Result<Messages<'a>, ImportError> {
        let content = self.response.as_ref().and_then(|r| r.content.as_ref());
        let file = content.and_then(Content::file);
        let messages = match (self.messages, file) {
            (Some(embedded), _) => Messages::embedded(place.clone(), embedded.get()),
            (None, Some(file)) => Messages::attached(place.clone(), beside, &file),
            (None, None) => Ok(Messages::none(place.clone())),
        }?;
        let messages = messages.written_by(writer);
        if writer.times == Times::Squeezed {
            return Ok(messages.squeezed(self.started(place).ok().flatten()));
        }
        Ok(messages)
    }

    /// Reads the connection; `placed` is its start if the archive has no date for it.
    pub(super) fn session(
        self,
        place: &Place,
        beside: Option<&Attached>,
        placed: Option<Wall>,
        writer: Writer,
    ) -> Result<Session<'a>, ImportError> {
        let mut messages = self.messages(place, beside, writer)?;
        let started = self.started(place)?;
        if let Some(started) = started.filter(|_| writer.times == Times::Counted) {
            messages.counted(started, self.waited())?;
        }
        let lasted = self.lasted(writer);
        let request = self.request.unwrap_or_default();
        let mut response = self.response.unwrap_or_default();
        // The first message is needed early: a connection with a message older than its own start
        // began with that message, and a connection with any message was accepted, whatever its
        // status.
        let first = messages.first()?;
        let earliest = first.as_ref().and_then(|first| first.at);
        let talks = first.as_ref().is_some_and(|first| first.error.is_none());
        let failure = response.failure();
        let refused = failure
            .as_deref()
            .or_else(|| first.as_ref()?.error.as_deref())
            .and_then(status_in);
        let dated = match (started, earliest) {
            (Some(started), Some(first)) => Some(started.min(first)),
            (started, first) => started.or(first),
        };
        let Some(begin) = dated.or(placed) else {
            return Err(place.flaw("", "expected a startedDateTime, found none"));
        };
        // Without a date, the time until it failed can't be placed on the tape's clock.
        let lasted = if dated.is_some() {
            lasted
        } else {
            Micros::ZERO
        };
        let until = begin.plus(lasted);
        // Chrome records no close. But a WebSocket's `receive` time is above zero only once it is
        // closed, and then lasts until its end.
        let received = self.timings.and_then(|timings| timings.receive);
        let received = received.and_then(|receive| span_of_ms(receive.get()));
        let gone = writer.closes && received.is_some_and(|span| span > Micros::ZERO);

        let url = request.url.unwrap_or_default();
        let asked = headers(place, ".request.headers", request.headers)?;
        let body = response
            .content
            .as_ref()
            .map_or(Ok(Bytes::new()), Content::body);
        let (body, left_out) = match body {
            Ok(body) => (body, None),
            Err(left_out) => (Bytes::new(), Some(left_out)),
        };
        let answer = response.answer(place, talks, refused, body)?;
        let open = matches!(answer, Answer::Accepted(_));
        let ending = match self.close {
            Some(text) => Some(ending(place, text)?),
            None if failure.is_some() && open => Some(Ending::Aborted),
            None => gone.then_some(Ending::Gone),
        };
        let mut opening = handshake(begin, &url, asked, begin, answer);
        if dated.is_none() {
            let mark = "the archive does not say when this dial was; placed between its neighbours";
            opening.insert(1, Moment::new(begin, Action::Mark(mark.to_owned())));
        }
        if let Some(left_out) = left_out.filter(|_| !open) {
            opening.insert(1, Moment::new(begin, Action::Mark(left_out.to_string())));
        }
        let failed_on_the_way = open.then(|| failure.clone()).flatten();
        if let Some(text) = failure.filter(|_| !open) {
            opening.insert(1, Moment::new(begin, Action::Mark(text)));
        }
        let ends = !open || ending.is_some() || first.as_ref().is_some_and(is_error);
        let body = Body {
            messages,
            ending: ending.filter(|_| open),
            failure: failed_on_the_way,
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
            accepted: open,
            talks,
            ends,
            moments: Box::new(opening.into_iter().map(Ok).chain(body)),
        })
    }
}

/// Whether a list in JSON has something in it.
fn is_filled(list: &str) -> bool {
    let inside = list
        .strip_prefix('[')
        .and_then(|list| list.strip_suffix(']'));
    inside.is_none_or(|inside| !inside.trim().is_empty())
}

fn is_error(first: &First) -> bool {
    first.error.is_some()
}

/// What is known of an entry before all of it is read.
#[derive(Debug)]
pub(super) struct Outline {
    /// Whether it has a date at all, even one that can't be true.
    pub(super) has_date: bool,
    /// When the entry says it began.
    pub(super) begin: Option<Wall>,
    /// The time of its first message.
    pub(super) earliest: Option<Wall>,
    /// When it failed, on a monotonic clock of unknown origin.
    pub(super) monotonic: Option<Micros>,
    pub(super) lasted: Micros,
    pub(super) url: Option<String>,
    /// How many messages the archive replaced by a placeholder.
    pub(super) left_out: usize,
}

/// What follows the handshake: the messages, then the end if it is known.
struct Body<'a> {
    messages: Messages<'a>,
    ending: Option<Ending>,
    /// Why the browser gave the connection up, if it did.
    failure: Option<String>,
    open: bool,
    /// The time of the last message so far, at first the beginning.
    last: Wall,
    /// The end by the entry's own duration.
    until: Wall,
    /// Whether the last message is an error.
    failed: bool,
    /// The moments of the end that are not passed on yet.
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
        // Playwright can be configured to leave times out.
        let at = next.at.unwrap_or(self.last);
        self.last = self.last.max(at);
        self.failed = matches!(next.what, What::Error(_));
        Some(Ok(Moment::new(
            at,
            match next.what {
                What::Error(text) | What::LeftOut(text) => Action::Mark(text),
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
    /// The moments of the connection's end, the first time it is called.
    fn end(&mut self) -> Option<Vec<Moment>> {
        let reset = |at| vec![Moment::new(at, Action::Drop(End::Reset))];
        let last = self.last.max(self.until);
        if let Some(ending) = self.ending.take() {
            self.failed = false;
            let mark = self.failure.take();
            let mark = mark.map(|text| Moment::new(last, Action::Mark(text)));
            return Some(match ending {
                Ending::Aborted => mark.into_iter().chain(reset(last)).collect(),
                Ending::Gone => vec![Moment::new(last, Action::Drop(End::Fin))],
                Ending::Closed { at, code, reason } => {
                    ended(at.unwrap_or(last), Sender::Engine, code, reason)
                }
            });
        }
        // If the last message was an error, the connection broke there.
        (std::mem::take(&mut self.failed) && self.open).then(|| reset(self.last))
    }
}
