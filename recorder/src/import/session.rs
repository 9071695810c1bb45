//! One connection of another tool's recording, as a sequence of moments.

use bytes::Bytes;
use wstape_tape::{
    Accept, Action, CloseFrame, End, Micros, RawFrame, Received, ReceivedKind, Refusal,
};
pub(super) use wstape_wire::opcode::{BINARY, TEXT};
use wstape_wire::{Message, is_own_header};

use super::wall::Wall;
use crate::error::ImportError;
pub(super) use crate::redact::WAIT_FOR;
use crate::transcript;

/// Close codes that stand for a missing one (RFC 6455, 7.4.1): a Close without a code, and an end
/// without a Close.
const NO_STATUS: u16 = 1005;
const ABNORMAL: u16 = 1006;

/// Headers of an answer that don't apply to the tape: extensions and encodings, because the
/// recording holds decoded bytes, and the alternative services of the recorded host.
const LOST_HEADERS: [&str; 3] = ["sec-websocket-extensions", "content-encoding", "alt-svc"];

/// The key that marks a step whose text `MockForge` would have filled in.
pub(super) const TEMPLATE: &str = "x-template";

/// The maximum number of headers that a tape keeps of a request or an answer, and their maximum
/// size: more than any server reads (8 to 64 KiB). The limits matter because values joined by line
/// feeds become one header each, which repeats the name for every value.
const MAX_HEADERS: usize = 1_024;
const MAX_HEADERS_BYTES: usize = 256 << 10;

/// Header names and values, as they came.
pub(super) type Headers = Vec<(String, String)>;

/// Something that happened on a connection.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) at: Wall,
    pub(super) action: Action,
    /// `x-` keys to add to the step: name and JSON value.
    pub(super) extensions: Vec<(&'static str, String)>,
    /// How many connections of the same session ended before this one: a recording that dials
    /// repeatedly may be read as one session.
    pub(super) later: u64,
}

impl Moment {
    pub(super) fn new(at: Wall, action: Action) -> Self {
        Self {
            at,
            action,
            extensions: Vec::new(),
            later: 0,
        }
    }

    /// Puts the moment on a later connection of its session.
    pub(super) fn later(mut self, later: u64) -> Self {
        self.later = later;
        self
    }

    /// Adds an `x-` key.
    pub(super) fn with(mut self, key: &'static str, json: impl Into<String>) -> Self {
        self.extensions.push((key, json.into()));
        self
    }
}

/// The moments of a connection, read when they are needed.
pub(super) type Moments<'a> = Box<dyn Iterator<Item = Result<Moment, ImportError>> + 'a>;

/// A connection.
pub(super) struct Session<'a> {
    /// When it was dialed.
    pub(super) begin: Wall,
    /// When it was last known to be open, even if nothing happened.
    pub(super) until: Wall,
    /// Its URL, if the file has it. It is unchanged and may hold secrets.
    pub(super) url: Option<String>,
    /// Whether its handshake was accepted.
    pub(super) accepted: bool,
    /// Whether it has a message.
    pub(super) talks: bool,
    /// Whether the file says how it ended.
    pub(super) ends: bool,
    /// What happens on it, in order, from the dial on. Times may step back a little, as a clock
    /// may; the order is right.
    pub(super) moments: Moments<'a>,
}

/// How a handshake was answered.
#[derive(Debug)]
pub(super) enum Answer {
    /// With a 101 (or its HTTP/2 equivalent) and these headers.
    Accepted(Headers),
    /// With another status, these headers and this body.
    Refused(u16, Headers, Bytes),
    /// The client got no answer.
    Never,
}

/// The moments of a handshake: the client's request at `begin`, and the answer at `answered`.
pub(super) fn handshake(
    begin: Wall,
    url: &str,
    headers: Headers,
    answered: Wall,
    answer: Answer,
) -> Vec<Moment> {
    let mut open = Received::new(ReceivedKind::Open);
    open.path = Some(path_of(url));
    open.headers = lines_of(headers);
    let answer = match answer {
        Answer::Accepted(headers) => {
            let extensions = value_of(&headers, "sec-websocket-extensions");
            let accept = Accept {
                headers: others(headers),
                ..Accept::default()
            };
            let moment = Moment::new(answered, Action::Accept(Some(accept)));
            match extensions {
                Some(text) => moment.with("x-extensions", json_string(&text)),
                None => moment,
            }
        }
        Answer::Refused(status, headers, body) => {
            let headers = others(headers);
            let refusal = Refusal {
                headers,
                body,
                ..Refusal::new(status)
            };
            Moment::new(answered, Action::refusing(refusal, Some(End::Fin)))
        }
        Answer::Never => Moment::new(answered, Action::Drop(End::Reset)),
    };
    vec![Moment::new(begin, Action::Received(open)), answer]
}

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    Client,
    Engine,
}

/// The action for a message or frame.
pub(super) fn message(from: Sender, opcode: u8, payload: Vec<u8>) -> Action {
    match from {
        Sender::Engine => sent(opcode, payload),
        Sender::Client => Action::Received(received(opcode, payload)),
    }
}

fn sent(opcode: u8, payload: Vec<u8>) -> Action {
    match Message::of(opcode, payload.into()) {
        Message::Text(text) => {
            transcript::text_step(Micros::ZERO, text)
                .into_fields()
                .action
        }
        Message::Binary(payload) => Action::Binary(payload),
        Message::Close(parts) => {
            Action::Close(parts.map(|(code, reason)| CloseFrame { code, reason }))
        }
        Message::Ping(payload) => Action::Ping(payload),
        Message::Pong(payload) => Action::Pong(payload),
        Message::Other(payload) => Action::Frame(RawFrame {
            fin: true,
            rsv: 0,
            opcode,
            mask: None,
            payload,
            declared_len: None,
        }),
    }
}

fn received(opcode: u8, payload: Vec<u8>) -> Received {
    let with_payload = |kind, payload: Bytes| {
        let mut received = Received::new(kind);
        match str::from_utf8(&payload) {
            Ok(text) => received.text = Some(text.to_owned()),
            Err(_) => received.binary = Some(payload),
        }
        received
    };
    match Message::of(opcode, payload.into()) {
        Message::Text(text) => {
            let mut received = Received::new(ReceivedKind::Text);
            received.text = Some(text);
            received
        }
        Message::Binary(payload) => {
            let mut received = Received::new(ReceivedKind::Binary);
            received.binary = Some(payload);
            received
        }
        Message::Ping(payload) => with_payload(ReceivedKind::Ping, payload),
        Message::Pong(payload) => with_payload(ReceivedKind::Pong, payload),
        Message::Close(parts) => {
            received_close(parts.map(|(code, reason)| CloseFrame { code, reason }))
        }
        // A text message stays one even if it is not UTF-8.
        Message::Other(payload) if opcode == TEXT => with_payload(ReceivedKind::Text, payload),
        Message::Other(payload) => {
            let mut received = Received::new(ReceivedKind::Frame);
            received.opcode = Some(opcode);
            received.binary = Some(payload);
            received
        }
    }
}

fn received_close(frame: Option<CloseFrame>) -> Received {
    let mut received = Received::new(ReceivedKind::Close);
    if let Some(frame) = frame {
        received.code = Some(frame.code);
        received.reason = (!frame.reason.is_empty()).then_some(frame.reason);
    }
    received
}

/// The moments of a connection's end, in the terms of a close event: `code` 1005 (or none) is a
/// Close without a code, 1006 an end without a Close. If it is unknown who began, the engine did.
///
/// The engine always sends a Close, whoever began: a peer answers a Close with its own (RFC 6455,
/// 5.5.1).
pub(super) fn ended(at: Wall, by: Sender, code: Option<u16>, reason: String) -> Vec<Moment> {
    if code == Some(ABNORMAL) {
        let fin = || Moment::new(at, Action::Drop(End::Fin));
        return match by {
            Sender::Engine => vec![fin()],
            Sender::Client => vec![
                Moment::new(at, Action::Received(Received::new(ReceivedKind::Fin))),
                fin(),
            ],
        };
    }
    let frame = code
        .filter(|code| *code != NO_STATUS)
        .map(|code| CloseFrame { code, reason });
    match by {
        Sender::Engine => vec![Moment::new(at, Action::Close(frame))],
        Sender::Client => {
            let answer = frame.as_ref().map(|frame| CloseFrame {
                code: frame.code,
                reason: String::new(),
            });
            vec![
                Moment::new(at, Action::Received(received_close(frame))),
                Moment::new(at, Action::Close(answer)),
            ]
        }
    }
}

/// The value of a header; the case of its name does not matter.
pub(super) fn value_of(headers: &Headers, name: &str) -> Option<String> {
    let found = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone())
}

/// An answer's headers without those of the connection itself and without [`LOST_HEADERS`].
fn others(headers: Headers) -> Headers {
    let lost = |name: &str| {
        LOST_HEADERS
            .iter()
            .any(|lost| name.eq_ignore_ascii_case(lost))
    };
    let mut headers = lines_of(headers);
    headers.retain(|(name, _)| !is_own_header(name) && !lost(name));
    headers
}

/// Headers as lines of HTTP/1: browsers join the values of one name by line feeds, and HTTP/2 has
/// pseudo-headers. Headers that no line can hold are left out, and those beyond the limits.
fn lines_of(headers: Headers) -> Headers {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let mut lines = Headers::new();
    let mut bytes = 0;
    for (name, values) in headers {
        if name.is_empty() || !name.bytes().all(token) {
            continue;
        }
        for value in values.split('\n').map(str::trim) {
            bytes += name.len() + value.len();
            if lines.len() == MAX_HEADERS || bytes > MAX_HEADERS_BYTES {
                return lines;
            }
            if !value.chars().any(|c| c.is_control() && c != '\t') {
                lines.push((name.clone(), value.to_owned()));
            }
        }
    }
    lines
}

/// The target in the request line for a URL.
fn path_of(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match rest.find(['/', '?']) {
        Some(at) if rest[at..].starts_with('/') => rest[at..].to_owned(),
        Some(at) => format!("/{}", &rest[at..]),
        None => "/".to_owned(),
    }
}

/// A URL without user info, query and fragment, and with a WebSocket scheme.
pub(super) fn bare(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let scheme = match scheme {
        "http" => "ws",
        "https" => "wss",
        other => other,
    };
    format!("{scheme}://{host}{path}")
}

/// A text as a JSON string.
pub(super) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wstape_tape::Step;

    fn lines(moments: &[Moment]) -> Vec<String> {
        let line = |m: &Moment| Step::at(Micros::ZERO, m.action.clone()).to_canonical();
        moments.iter().map(line).collect()
    }

    #[test]
    fn an_end_is_a_close_or_a_fin_by_whom_it_was_said() {
        let end = |by, code| lines(&ended(Wall::ZERO, by, code, "bye".to_owned()));
        assert_eq!(
            end(Sender::Engine, Some(1001)),
            [r#"{"at_ms":0,"close":{"code":1001,"reason":"bye"}}"#]
        );
        assert_eq!(
            end(Sender::Client, Some(1001)),
            [
                r#"{"at_ms":0,"received":{"kind":"close","code":1001,"reason":"bye"}}"#,
                r#"{"at_ms":0,"close":{"code":1001}}"#,
            ]
        );
        let no_code = [r#"{"at_ms":0,"close":{}}"#];
        assert_eq!(end(Sender::Engine, Some(1005)), no_code);
        assert_eq!(end(Sender::Engine, None), no_code);
        assert_eq!(
            end(Sender::Engine, Some(1006)),
            [r#"{"at_ms":0,"drop":"fin"}"#]
        );
        assert_eq!(
            end(Sender::Client, Some(1006)),
            [
                r#"{"at_ms":0,"received":{"kind":"fin"}}"#,
                r#"{"at_ms":0,"drop":"fin"}"#,
            ]
        );
    }

    #[test]
    fn a_frame_of_any_opcode_has_its_step() {
        let say = |from, opcode, payload: &[u8]| {
            Step::at(Micros::ZERO, message(from, opcode, payload.to_vec())).to_canonical()
        };
        for (opcode, payload, engine, client) in [
            (
                1,
                &b"{\"event\":\"a\"}"[..],
                r#""emit":{"event":"a"}"#,
                r#""received":{"kind":"text","text":"{\"event\":\"a\"}"}"#,
            ),
            (
                1,
                b"x",
                r#""text":"x""#,
                r#""received":{"kind":"text","text":"x"}"#,
            ),
            (
                1,
                b"\xff",
                r#""frame":{"opcode":1,"payload_b64":"/w=="}"#,
                r#""received":{"kind":"text","binary":"/w=="}"#,
            ),
            (
                2,
                b"x",
                r#""binary":"eA==""#,
                r#""received":{"kind":"binary","binary":"eA=="}"#,
            ),
            (8, b"", r#""close":{}"#, r#""received":{"kind":"close"}"#),
            (
                8,
                b"\x03\xe8hi",
                r#""close":{"code":1000,"reason":"hi"}"#,
                r#""received":{"kind":"close","code":1000,"reason":"hi"}"#,
            ),
            (
                8,
                b"\x03",
                r#""frame":{"opcode":8,"payload":"\u0003"}"#,
                r#""received":{"kind":"frame","binary":"Aw==","opcode":8}"#,
            ),
            (
                9,
                b"p",
                r#""ping":"p""#,
                r#""received":{"kind":"ping","text":"p"}"#,
            ),
            (
                10,
                b"\xff",
                r#""pong":{"b64":"/w=="}"#,
                r#""received":{"kind":"pong","binary":"/w=="}"#,
            ),
            (
                3,
                b"x",
                r#""frame":{"opcode":3,"payload":"x"}"#,
                r#""received":{"kind":"frame","binary":"eA==","opcode":3}"#,
            ),
        ] {
            let line = |action: &str| format!("{{\"at_ms\":0,{action}}}");
            assert_eq!(say(Sender::Engine, opcode, payload), line(engine));
            let said = say(Sender::Client, opcode, payload);
            assert_eq!(said, line(client));
            Step::parse("tape", 1, &said).unwrap();
        }
    }

    #[test]
    fn headers_are_lines_and_an_answer_keeps_none_of_the_players_own() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let headers = [
            (":status", "101"),
            ("Upgrade", "websocket"),
            ("X-A", "1\n2"),
            ("Content-Length", "7"),
            ("bad name", "x"),
            ("X-B", "a\u{1b}b"),
            ("Sec-WebSocket-Protocol", "feed"),
        ];
        let kept = others(headers.map(pair).to_vec());
        let expected = [
            ("X-A", "1"),
            ("X-A", "2"),
            ("Sec-WebSocket-Protocol", "feed"),
        ];
        assert_eq!(kept, expected.map(pair));
    }

    #[test]
    fn a_url_has_a_path_and_is_bared_of_what_may_be_secret() {
        for (url, path, without) in [
            ("ws://u:p@h:1/ws?token=t#f", "/ws?token=t", "ws://h:1/ws"),
            ("wss://h", "/", "wss://h"),
            ("https://h/a?b", "/a?b", "wss://h/a"),
            ("wss://h?a=1", "/?a=1", "wss://h"),
            ("nonsense", "/", "nonsense"),
            ("", "/", ""),
        ] {
            assert_eq!(
                (path_of(url), bare(url)),
                (path.to_owned(), without.to_owned())
            );
        }
    }
}
