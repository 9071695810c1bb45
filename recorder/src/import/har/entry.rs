//! Reads one entry of an archive as a connection.

use std::vec;

use bytes::Bytes;
use serde_json::value::RawValue;
use wstape_tape::{Action, End, Micros};

use super::answer::{Response, has_header, headers, status_in};
use super::attached::Attached;
use super::ending::{Ending, ending};
use super::members::{members, part, scalar};
use super::message::{First, What};
use super::messages::Messages;
use super::place::Place;
use super::writer::{Times, Writer};
use crate::error::import::ImportError;
use crate::import::session::{Answer, Moment, Sender, Session, ended, handshake, message};
use crate::import::wall::Wall;

/// The parts of an entry of `log.entries` that are read, as unparsed JSON: an entry is chosen before
/// it is read, so nothing in one that is not a WebSocket can be an error.
pub(super) struct Entry<'a> {
    started: Option<&'a RawValue>,
    /// How long the entry took, in milliseconds.
    time: Option<&'a RawValue>,
    timings: Option<&'a RawValue>,
    request: Option<&'a RawValue>,
    response: Option<&'a RawValue>,
    resource_type: Option<&'a RawValue>,
    messages: Option<&'a RawValue>,
    close: Option<&'a RawValue>,
}

impl<'a> Entry<'a> {
    /// `None` if it is not an object.
    pub(super) fn of(value: &'a RawValue) -> Option<Self> {
        let names = [
            "startedDateTime",
            "time",
            "timings",
            "request",
            "response",
            "_resourceType",
            "_webSocketMessages",
            "_webSocketClose",
        ];
        let [
            started,
            time,
            timings,
            request,
            response,
            resource_type,
            messages,
            close,
        ] = members(value, names)?;
        Some(Self {
            started,
            time,
            timings,
            request,
            response,
            resource_type,
            messages,
            close,
        })
    }

    /// The URL of its request, if that is a text.
    pub(super) fn url(&self) -> Option<String> {
        let [url] = members(self.request?, ["url"])?;
        serde_json::from_str(url?.get()).ok()
    }

    pub(super) fn is_web_socket(&self) -> bool {
        let [url, headers] = part(self.request, ["url", "headers"]).unwrap_or_default();
        let url = url.and_then(scalar);
        let url = url.as_deref();
        // A handshake that mitmproxy saw refused shows only in its request. The text is searched
        // before it is parsed, because few of an archive's many entries are WebSockets.
        let asks = headers.is_some_and(|headers| {
            headers.get().contains("ebsocket") && has_header(headers, "upgrade", "websocket")
        });
        // Cypress's recorder writes a list into every entry, empty if it is not a WebSocket.
        let plain = url.is_some_and(|url| url.starts_with("http"));
        let listed = self
            .messages
            .is_some_and(|list| !plain || is_filled(list.get()));
        asks || listed
            || self.close.is_some()
            || self
                .resource_type
                .is_some_and(|kind| kind.get() == "\"websocket\"")
            || Response::status(self.response) == Some(101)
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
        let messages = Response::of(place, self.response)
            .and_then(|response| self.messages(place, &response, beside, writer));
        let mut messages = messages.unwrap_or_else(|_| Messages::none(place.clone()));
        let first = messages.first().ok().flatten();
        let lasted = self.lasted(place, writer).unwrap_or_default();
        Outline {
            has_date: self.started.is_some(),
            begin: self.started(place).ok().flatten(),
            earliest: first.as_ref().and_then(|first| first.at),
            monotonic: first.as_ref().and_then(|first| first.monotonic),
            lasted,
            url: self.url(),
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
        let Some(value) = self.started else {
            return Ok(None);
        };
        let text = scalar(value);
        let started =
            text.and_then(|text| Wall::from_date(&text).or_else(|| Wall::from_epoch(&text)));
        let started = started.ok_or_else(|| {
            let expected = "a date and time (RFC 3339)";
            place.other(".startedDateTime", expected, Some(value))
        })?;
        Ok(Some(started).filter(|started| started.is_plausible()))
    }

    /// How long the entry says it took.
    fn lasted(&self, place: &Place, writer: Writer) -> Result<Micros, ImportError> {
        let lasted = place.span(".time", self.time)?.unwrap_or_default();
        if writer.times == Times::Squeezed {
            return Ok(Micros(lasted.0.saturating_mul(1_000)));
        }
        Ok(lasted)
    }

    fn messages(
        &self,
        place: &Place,
        response: &Response<'a>,
        beside: Option<&Attached>,
        writer: Writer,
    ) -> Result<Messages<'a>, ImportError> {
        let messages = match (self.messages, response.content.file()) {
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
        let response = Response::of(place, self.response)?;
        let mut messages = self.messages(place, &response, beside, writer)?;
        let started = self.started(place)?;
        let [waited, received] = place.part(".timings", self.timings, ["wait", "receive"])?;
        // How long the entry waited for an answer. Chrome, and what copies its protocol, count until
        // the last message.
        let waited = place.span(".timings.wait", waited)?;
        let received = place.span(".timings.receive", received)?;
        if let Some(started) = started.filter(|_| writer.times == Times::Counted) {
            messages.counted(started, waited)?;
        }
        let lasted = self.lasted(place, writer)?;
        let [url, asked] = place.part(".request", self.request, ["url", "headers"])?;
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
        let gone = writer.closes && received.is_some_and(|span| span > Micros::ZERO);

        let url = place.text(".request.url", url)?.unwrap_or_default();
        let asked = headers(place, ".request.headers", asked)?;
        let (body, left_out) = match response.content.body(place)? {
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

/// Whether a list in JSON has something in it; what is not a list may be another word for none.
fn is_filled(list: &str) -> bool {
    let inside = list.strip_prefix(['[', '{', '"']);
    let inside = inside.and_then(|list| list.strip_suffix([']', '}', '"']));
    match inside {
        Some(inside) => !inside.trim().is_empty(),
        None => !matches!(list, "false" | "0"),
    }
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
