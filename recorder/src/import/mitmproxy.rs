//! mitmproxy's flow files: a typed netstring a flow, one after the other.
//!
//! A flow's messages stand inside its HTTP flow since version 12 of the format; since version 15
//! each also says whether mitmproxy made it up. The file is walked twice: once for where the
//! connections are, then for their messages, as the tape asks for them.

use bytes::Bytes;
use wstape_tape::{Action, MAX_LINE_BYTES};

use super::body::{self, LeftOut};
use super::kind;
use super::session::{
    Answer, Headers, Moment, Sender, Session, ended, handshake, message, value_of,
};
use super::tnetstring::{Fault, Item, Kind, Reader};
use super::wall::Wall;
use crate::error::import::{ImportError, quoted};

/// The versions of the format that are read.
const MIN_VERSION: u64 = 12;
const MAX_VERSION: u64 = 21;

/// The status of a handshake that was upgraded.
const SWITCHING_PROTOCOLS: u16 = 101;

/// Most bytes of a URL, a header, a reason, an error's text, a number.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// The key of what mitmproxy made up, and of what it held back.
const MADE_UP: &str = "x-injected";
const HELD_BACK: &str = "x-dropped";

/// The connections of a flow file, in its order. `name` is what errors call it.
pub(super) fn sessions(
    name: &str,
    input: &mut Reader,
) -> Result<Vec<Session<'static>>, ImportError> {
    let mut sessions = Vec::new();
    let (mut at, mut flows) = (0, 0_u64);
    if input.len() == 0 {
        let message = "the file is empty; expected flows as `mitmdump -w FILE` writes them";
        return Err(flaw(name, String::new(), message));
    }
    while at < input.len() {
        flows += 1;
        let place = Place {
            name: name.to_owned(),
            flow: flows,
        };
        let item = input.item(at, input.len()).map_err(|fault| match fault {
            Fault::Wrong { .. } if flows == 1 => flaw(name, String::new(), not_flows(input)),
            fault => place.fault(fault),
        })?;
        let mut flow = Flow {
            place,
            input: &mut *input,
        };
        sessions.extend(flow.session(item)?);
        at = item.next();
    }
    if sessions.is_empty() {
        let flows = if flows == 1 {
            "1 flow".to_owned()
        } else {
            format!("{flows} flows")
        };
        let message = format!("expected a flow with a WebSocket, found {flows} without");
        return Err(ImportError::Nothing {
            name: name.to_owned(),
            message,
        });
    }
    Ok(sessions)
}

/// What a file is that begins with no value.
fn not_flows(input: &mut Reader) -> String {
    const LOOKED_AT: u64 = 64;
    let expected = "expected flows as `mitmdump -w FILE` writes them";
    let end = input.len().min(LOOKED_AT);
    let first = Item {
        kind: Kind::Bytes,
        start: 0,
        end,
    };
    let begin = input.payload(first, usize::try_from(end).unwrap_or_default());
    let begin = begin.unwrap_or_default();
    let json = begin
        .starts_with(b"{")
        .then_some("JSON; for a HAR: wstape import har");
    let what = kind::of(&begin).or(json);
    format!("{expected}, found {}", what.unwrap_or("something else"))
}

fn flaw(name: &str, place: String, message: impl Into<String>) -> ImportError {
    ImportError::Flaw {
        name: name.to_owned(),
        place,
        message: message.into(),
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

/// Where in the file, for errors.
#[derive(Debug, Clone)]
struct Place {
    name: String,
    /// From 1.
    flow: u64,
}

impl Place {
    fn fault(&self, fault: Fault) -> ImportError {
        match fault {
            Fault::Io(error) => ImportError::Read(self.name.clone(), error),
            Fault::Wrong { at, message } => {
                self.flaw(at, format!("expected a value, found {message}"))
            }
            Fault::Truncated { at, needed } => {
                let needed = needed.map_or(String::new(), |needed| format!(" of {needed} bytes"));
                let message = format!(
                    "the file breaks off within the value{needed} that begins here; \
                     it was not written to its end"
                );
                self.flaw(at, message)
            }
        }
    }

    fn flaw(&self, at: u64, message: impl Into<String>) -> ImportError {
        flaw(
            &self.name,
            format!(": flow {}, at byte {at}", self.flow),
            message,
        )
    }
}

/// Reads one flow.
struct Flow<'a> {
    place: Place,
    input: &'a mut Reader,
}

impl Flow<'_> {
    /// The flow's connection, where it is a WebSocket's.
    fn session(&mut self, flow: Item) -> Result<Option<Session<'static>>, ImportError> {
        self.is(flow, &[Kind::Dict])?;
        let [version, kind, request, response, websocket, error] = self.members(
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
        let kind = self.demand(flow, kind, "type")?;
        if self.text(kind)? != "http" {
            return Ok(None);
        }
        let request = self.demand(flow, request, "request")?;
        self.is(request, &[Kind::Dict])?;
        let [headers, scheme, host, port, path, started] = self.members(
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
        let headers = self.headers(request, headers)?;
        let websocket = websocket.filter(|item| item.kind != Kind::Null);
        let wants =
            value_of(&headers, "upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
        if websocket.is_none() && !wants {
            return Ok(None);
        }
        let started = self.demand(request, started, "timestamp_start")?;
        let begin = self.time(started)?;
        let mut field = |item, name| {
            let item = self.demand(request, item, name)?;
            self.text(item)
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
        self.is(websocket, &[Kind::Dict])?;
        let [messages, by_client, code, reason, end] = self.members(
            websocket,
            [
                "messages",
                "closed_by_client",
                "close_code",
                "close_reason",
                "timestamp_end",
            ],
        )?;
        let messages = self.demand(websocket, messages, "messages")?;
        self.is(messages, &[Kind::List])?;
        let end = end.filter(|item| item.kind != Kind::Null);
        let end = end.map(|item| self.time(item)).transpose()?;
        let ends = match end {
            Some(end) => self.end(end, by_client, code, reason)?,
            None => Vec::new(),
        };
        let failed = moments.split_off(2);
        let first = Messages {
            place: self.place.clone(),
            input: self.input.another(),
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
        let version = self.demand(flow, version, "version")?;
        let number = match version.kind {
            Kind::Integer => self.text(version)?.parse().unwrap_or(u64::MAX),
            // The first versions were mitmproxy's own, such as [0, 18].
            _ => 0,
        };
        if (MIN_VERSION..=MAX_VERSION).contains(&number) {
            return Ok(());
        }
        let found = match version.kind {
            Kind::Integer => quoted(&self.text(version)?),
            _ => "one of mitmproxy 3 or before".to_owned(),
        };
        let hint = if number < MIN_VERSION {
            "a current mitmproxy writes it anew: mitmdump -n -r FILE -w NEW"
        } else {
            "this recorder does not know it yet"
        };
        let message = format!(
            "expected version {MIN_VERSION} to {MAX_VERSION} of the flow format, found {found}; {hint}"
        );
        Err(self.place.flaw(version.start, message))
    }

    /// The handshake. mitmproxy notes no WebSocket where it was refused.
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
        self.is(response, &[Kind::Dict])?;
        let [answered, status, lines, content] = self.members(
            response,
            ["timestamp_start", "status_code", "headers", "content"],
        )?;
        let answered = answered.filter(|item| item.kind != Kind::Null);
        let answered = answered.map_or(Ok(begin), |item| self.time(item))?;
        let lines = self.headers(response, lines)?;
        let status = self.demand(response, status, "status_code")?;
        let text = self.text(status)?;
        let answer = match text.parse() {
            _ if upgraded => Answer::Accepted(lines),
            Ok(SWITCHING_PROTOCOLS) => {
                let message = "the handshake was upgraded, and no message was kept: mitmproxy ran \
                               with websocket=false, which leaves frames as raw TCP; record again \
                               without it (mitmdump -w FILE)";
                return Err(self.place.flaw(status.start, message));
            }
            // Only announced an answer (RFC 9110, 15.2), and none came.
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
                return Err(self.place.flaw(status.start, message));
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
        self.is(content, &[Kind::Bytes, Kind::Text])?;
        if content.len() > body::MAX_BODY_BYTES as u64 {
            return Ok(Err(LeftOut::TooLong));
        }
        let sent = self.payload(content, body::MAX_BODY_BYTES)?;
        Ok(body::of_wire(sent, headers))
    }

    /// What went wrong, as mitmproxy says it.
    fn error(&mut self, error: Item) -> Result<Moment, ImportError> {
        self.is(error, &[Kind::Dict])?;
        let [text, at] = self.members(error, ["msg", "timestamp"])?;
        let (text, at) = (
            self.demand(error, text, "msg")?,
            self.demand(error, at, "timestamp")?,
        );
        let text = format!("mitmproxy: {}", self.text(text)?);
        Ok(Moment::new(self.time(at)?, Action::Mark(text)))
    }

    fn end(
        &mut self,
        at: Wall,
        by_client: Option<Item>,
        code: Option<Item>,
        reason: Option<Item>,
    ) -> Result<Vec<Moment>, ImportError> {
        let by_client = by_client.filter(|item| item.kind != Kind::Null);
        let by = match by_client.map(|item| self.bool(item)).transpose()? {
            Some(true) => Sender::Client,
            _ => Sender::Engine,
        };
        let code = match code.filter(|item| item.kind != Kind::Null) {
            None => None,
            Some(item) => {
                let text = self.text(item)?;
                Some(text.parse().map_err(|_| {
                    let message = format!("expected a close code, found {}", quoted(&text));
                    self.place.flaw(item.start, message)
                })?)
            }
        };
        let reason = reason.filter(|item| item.kind != Kind::Null);
        let reason = reason.map_or(Ok(String::new()), |item| self.text(item))?;
        Ok(ended(at, by, code, reason))
    }

    fn headers(&mut self, whose: Item, headers: Option<Item>) -> Result<Headers, ImportError> {
        let list = self.demand(whose, headers, "headers")?;
        self.is(list, &[Kind::List])?;
        let mut headers = Headers::new();
        let mut at = list.start;
        while at < list.end {
            let pair = self.item(at, list.end)?;
            self.is(pair, &[Kind::List])?;
            let name = self.item(pair.start, pair.end)?;
            let value = self.item(name.next(), pair.end)?;
            headers.push((self.text(name)?, self.text(value)?));
            at = pair.next();
        }
        Ok(headers)
    }

    fn item(&mut self, at: u64, limit: u64) -> Result<Item, ImportError> {
        self.input
            .item(at, limit)
            .map_err(|fault| self.place.fault(fault))
    }

    fn members<const N: usize>(
        &mut self,
        dict: Item,
        names: [&str; N],
    ) -> Result<[Option<Item>; N], ImportError> {
        let found = self.input.members(dict, names);
        found.map_err(|fault| self.place.fault(fault))
    }

    fn demand(&self, dict: Item, member: Option<Item>, name: &str) -> Result<Item, ImportError> {
        let missing = || {
            self.place.flaw(
                dict.start,
                format!("expected a member {name:?}, found none"),
            )
        };
        member.ok_or_else(missing)
    }

    fn is(&self, item: Item, kinds: &[Kind]) -> Result<(), ImportError> {
        if kinds.contains(&item.kind) {
            return Ok(());
        }
        let expected: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let message = format!(
            "expected {}, found {}",
            expected.join(" or "),
            item.kind.name()
        );
        Err(self.place.flaw(item.start, message))
    }

    /// Text, bytes (their invalid parts replaced) or the digits of a number.
    fn text(&mut self, item: Item) -> Result<String, ImportError> {
        self.is(item, &[Kind::Text, Kind::Bytes, Kind::Integer, Kind::Float])?;
        let bytes = self.payload(item, MAX_TEXT_BYTES)?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn payload(&mut self, item: Item, most: usize) -> Result<Vec<u8>, ImportError> {
        let payload = self.input.payload(item, most);
        payload.map_err(|fault| self.place.fault(fault))
    }

    fn bool(&mut self, item: Item) -> Result<bool, ImportError> {
        self.is(item, &[Kind::Bool])?;
        match self.payload(item, 5)?.as_slice() {
            b"true" => Ok(true),
            b"false" => Ok(false),
            _ => Err(self.place.flaw(item.start, "expected true or false")),
        }
    }

    /// Seconds since 1970.
    fn time(&mut self, item: Item) -> Result<Wall, ImportError> {
        self.is(item, &[Kind::Float, Kind::Integer])?;
        let text = self.text(item)?;
        Wall::from_seconds(&text).ok_or_else(|| {
            let message = format!("expected seconds since 1970, found {}", quoted(&text));
            self.place.flaw(item.start, message)
        })
    }
}

/// The messages of a flow.
struct Messages {
    place: Place,
    input: Reader,
    at: u64,
    end: u64,
}

impl Iterator for Messages {
    type Item = Result<Moment, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let message = self.message();
        if message.is_err() {
            self.at = self.end;
        }
        Some(message)
    }
}

impl Messages {
    fn message(&mut self) -> Result<Moment, ImportError> {
        let mut flow = Flow {
            place: self.place.clone(),
            input: &mut self.input,
        };
        let tuple = flow.item(self.at, self.end)?;
        self.at = tuple.next();
        flow.is(tuple, &[Kind::List])?;
        let mut at = tuple.start;
        let mut fields = Vec::with_capacity(6);
        while at < tuple.end && fields.len() < 6 {
            let field = flow.item(at, tuple.end)?;
            fields.push(field);
            at = field.next();
        }
        let &[
            opcode,
            from_client,
            content,
            time,
            dropped,
            ref injected @ ..,
        ] = fields.as_slice()
        else {
            let message = format!(
                "expected a message of opcode, from_client, content, timestamp, dropped \
                 (and injected), found {} values",
                fields.len()
            );
            return Err(flow.place.flaw(tuple.start, message));
        };
        let text = flow.text(opcode)?;
        let opcode = text
            .parse()
            .ok()
            .filter(|opcode| *opcode < 16)
            .ok_or_else(|| {
                let message = format!("expected an opcode of 0 to 15, found {}", quoted(&text));
                flow.place.flaw(opcode.start, message)
            })?;
        let from = if flow.bool(from_client)? {
            Sender::Client
        } else {
            Sender::Engine
        };
        let time = flow.time(time)?;
        let dropped = flow.bool(dropped)?;
        let injected = injected
            .first()
            .map_or(Ok(false), |item| flow.bool(*item))?;
        flow.is(content, &[Kind::Bytes, Kind::Text])?;
        // What never reached the client, or never came from it, is no part of what it saw.
        if (dropped && from == Sender::Engine) || (injected && from == Sender::Client) {
            let what = if dropped && from == Sender::Engine {
                "held back from the client"
            } else {
                "made up in the client's name"
            };
            let mark = format!("mitmproxy: {} bytes {what}", content.len());
            return Ok(Moment::new(time, Action::Mark(mark)));
        }
        let payload = flow.payload(content, MAX_LINE_BYTES)?;
        let moment = Moment::new(time, message(from, opcode, payload));
        Ok(match (dropped, injected) {
            (true, _) => moment.with(HELD_BACK, "true"),
            (_, true) => moment.with(MADE_UP, "true"),
            _ => moment,
        })
    }
}
