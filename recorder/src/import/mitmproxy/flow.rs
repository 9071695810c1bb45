//! Reads a flow as a connection.

use bytes::Bytes;
use wstape_tape::Action;

use super::messages::Messages;
use super::values::Values;
use crate::error::import::{ImportError, quoted};
use crate::import::body::{self, LeftOut};
use crate::import::session::{
    Answer, Headers, Moment, Sender, Session, ended, handshake, value_of,
};
use crate::import::tnetstring::{Item, Kind};
use crate::import::wall::Wall;

/// The versions of the flow format that are read.
const MIN_VERSION: u64 = 12;
const MAX_VERSION: u64 = 21;

/// The status of a handshake that was upgraded.
const SWITCHING_PROTOCOLS: u16 = 101;

/// Reads one flow.
pub(super) struct Flow<'a>(pub(super) Values<'a>);

impl Flow<'_> {
    /// Reads the flow's connection; `None` if it is not a WebSocket.
    pub(super) fn session(&mut self, flow: Item) -> Result<Option<Session<'static>>, ImportError> {
        self.0.is(flow, &[Kind::Dict])?;
        let [version, kind, request, response, websocket, error] = self.0.members(
            flow,
            [
                "version",
                "type",
                "request",
                "response",
                "websocket",
                "error",
            ],
        )?;
        self.version(flow, version)?;
        let kind = self.0.demand(flow, kind, "type")?;
        if self.0.text(kind)? != "http" {
            return Ok(None);
        }
        let request = self.0.demand(flow, request, "request")?;
        self.0.is(request, &[Kind::Dict])?;
        let [headers, scheme, host, port, path, started] = self.0.members(
            request,
            [
                "headers",
                "scheme",
                "host",
                "port",
                "path",
                "timestamp_start",
            ],
        )?;
        let headers = self.0.headers(request, headers)?;
        let websocket = websocket.filter(|item| item.kind != Kind::Null);
        let wants =
            value_of(&headers, "upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
        if websocket.is_none() && !wants {
            return Ok(None);
        }
        let started = self.0.demand(request, started, "timestamp_start")?;
        let begin = self.0.time(started)?;
        let mut field = |item, name| {
            let item = self.0.demand(request, item, name)?;
            self.0.text(item)
        };
        let scheme = if field(scheme, "scheme")? == "https" {
            "wss"
        } else {
            "ws"
        };
        let (host, port) = (field(host, "host")?, field(port, "port")?);
        let url = format!("{scheme}://{host}:{port}{}", field(path, "path")?);
        let error = error.filter(|item| item.kind != Kind::Null);

        let mut moments = self.opening(begin, &url, headers, response, websocket.is_some())?;
        if let Some(error) = error {
            moments.push(self.error(error)?);
        }
        let Some(websocket) = websocket else {
            return Ok(Some(never_opened(begin, url, moments)));
        };
        self.0.is(websocket, &[Kind::Dict])?;
        let [messages, by_client, code, reason, end] = self.0.members(
            websocket,
            [
                "messages",
                "closed_by_client",
                "close_code",
                "close_reason",
                "timestamp_end",
            ],
        )?;
        let messages = self.0.demand(websocket, messages, "messages")?;
        self.0.is(messages, &[Kind::List])?;
        let end = end.filter(|item| item.kind != Kind::Null);
        let end = end.map(|item| self.0.time(item)).transpose()?;
        let ends = match end {
            Some(end) => self.end(end, by_client, code, reason)?,
            None => Vec::new(),
        };
        let failed = moments.split_off(2);
        let first = Messages {
            place: self.0.place.clone(),
            input: self.0.input.another(),
            at: messages.start,
            end: messages.end,
        };
        let moments = moments.into_iter().map(Ok).chain(first);
        let moments = moments.chain(failed.into_iter().chain(ends).map(Ok));
        Ok(Some(Session {
            begin,
            until: end.unwrap_or(begin),
            url: Some(url),
            accepted: true,
            talks: messages.len() > 0,
            ends: end.is_some(),
            moments: Box::new(moments),
        }))
    }

    fn version(&mut self, flow: Item, version: Option<Item>) -> Result<(), ImportError> {
        let version = self.0.demand(flow, version, "version")?;
        let number = match version.kind {
            Kind::Integer => self.0.text(version)?.parse().unwrap_or(u64::MAX),
            // Before versions were counted, this was mitmproxy's own version, such as [0, 18].
            _ => 0,
        };
        if (MIN_VERSION..=MAX_VERSION).contains(&number) {
            return Ok(());
        }
        let found = match version.kind {
            Kind::Integer => quoted(&self.0.text(version)?),
            _ => "one of mitmproxy 3 or before".to_owned(),
        };
        let hint = if number < MIN_VERSION {
            "convert it with a current mitmproxy: mitmdump -n -r FILE -w NEW"
        } else {
            "this recorder does not know it yet"
        };
        let message = format!(
            "expected version {MIN_VERSION} to {MAX_VERSION} of the flow format, found {found}; {hint}"
        );
        Err(self.0.place.flaw(version.start, message))
    }

    /// Reads the handshake. A refused one has no `websocket` member in mitmproxy's flow.
    fn opening(
        &mut self,
        begin: Wall,
        url: &str,
        headers: Headers,
        response: Option<Item>,
        upgraded: bool,
    ) -> Result<Vec<Moment>, ImportError> {
        let Some(response) = response.filter(|item| item.kind != Kind::Null) else {
            let answer = if upgraded {
                Answer::Accepted(Headers::new())
            } else {
                Answer::Never
            };
            return Ok(handshake(begin, url, headers, begin, answer));
        };
        self.0.is(response, &[Kind::Dict])?;
        let [answered, status, lines, content] = self.0.members(
            response,
            ["timestamp_start", "status_code", "headers", "content"],
        )?;
        let answered = answered.filter(|item| item.kind != Kind::Null);
        let answered = answered.map_or(Ok(begin), |item| self.0.time(item))?;
        let lines = self.0.headers(response, lines)?;
        let status = self.0.demand(response, status, "status_code")?;
        let text = self.0.text(status)?;
        let answer = match text.parse() {
            _ if upgraded => Answer::Accepted(lines),
            Ok(SWITCHING_PROTOCOLS) => {
                let message = "the handshake was upgraded, but no message was kept: mitmproxy ran \
                               with websocket=false, which leaves frames as raw TCP; record again \
                               without it (mitmdump -w FILE)";
                return Err(self.0.place.flaw(status.start, message));
            }
            // An interim answer (RFC 9110, 15.2) without a final one after it.
            Ok(100..=199) => Answer::Never,
            Ok(status @ 200..=599) => match self.body(content, &lines)? {
                Ok(body) => Answer::Refused(status, lines, body),
                Err(left_out) => {
                    let answer = Answer::Refused(status, lines, Bytes::new());
                    let mut opening = handshake(begin, url, headers, answered, answer);
                    let mark = Action::Mark(format!("mitmproxy: {left_out}"));
                    opening.insert(1, Moment::new(answered, mark));
                    return Ok(opening);
                }
            },
            _ => {
                let message = format!("expected a status of 100 to 599, found {}", quoted(&text));
                return Err(self.0.place.flaw(status.start, message));
            }
        };
        Ok(handshake(begin, url, headers, answered, answer))
    }

    /// The body of a refusal, or why it is left out.
    fn body(
        &mut self,
        content: Option<Item>,
        headers: &Headers,
    ) -> Result<Result<Bytes, LeftOut>, ImportError> {
        let Some(content) = content.filter(|item| item.kind != Kind::Null) else {
            return Ok(Ok(Bytes::new()));
        };
        self.0.is(content, &[Kind::Bytes, Kind::Text])?;
        if content.len() > body::MAX_BODY_BYTES as u64 {
            return Ok(Err(LeftOut::TooLong));
        }
        let sent = self.0.payload(content, body::MAX_BODY_BYTES)?;
        Ok(body::of_wire(sent, headers))
    }

    /// Reads the error that mitmproxy recorded, as a mark.
    fn error(&mut self, error: Item) -> Result<Moment, ImportError> {
        self.0.is(error, &[Kind::Dict])?;
        let [text, at] = self.0.members(error, ["msg", "timestamp"])?;
        let (text, at) = (
            self.0.demand(error, text, "msg")?,
            self.0.demand(error, at, "timestamp")?,
        );
        let text = format!("mitmproxy: {}", self.0.text(text)?);
        Ok(Moment::new(self.0.time(at)?, Action::Mark(text)))
    }

    fn end(
        &mut self,
        at: Wall,
        by_client: Option<Item>,
        code: Option<Item>,
        reason: Option<Item>,
    ) -> Result<Vec<Moment>, ImportError> {
        let by_client = by_client.filter(|item| item.kind != Kind::Null);
        let by = match by_client.map(|item| self.0.bool(item)).transpose()? {
            Some(true) => Sender::Client,
            _ => Sender::Engine,
        };
        let code = match code.filter(|item| item.kind != Kind::Null) {
            None => None,
            Some(item) => {
                let text = self.0.text(item)?;
                Some(text.parse().map_err(|_| {
                    let message = format!("expected a close code, found {}", quoted(&text));
                    self.0.place.flaw(item.start, message)
                })?)
            }
        };
        let reason = reason.filter(|item| item.kind != Kind::Null);
        let reason = reason.map_or(Ok(String::new()), |item| self.0.text(item))?;
        Ok(ended(at, by, code, reason))
    }
}

/// A connection that ended with its handshake.
fn never_opened(begin: Wall, url: String, moments: Vec<Moment>) -> Session<'static> {
    Session {
        begin,
        until: moments.last().map_or(begin, |last| last.at),
        url: Some(url),
        accepted: false,
        talks: false,
        ends: true,
        moments: Box::new(moments.into_iter().map(Ok)),
    }
}
