//! The opening handshake (RFC 6455, section 4): the subscriber's request and its answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDateTime, Utc};
use sha1::{Digest as _, Sha1};

use super::head::Grammar;

/// What is appended to the key before it is hashed (RFC 6455, 1.3).
const ACCEPT_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Most bytes of a head, on either side; a longer one is no answer.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The date formats of HTTP (RFC 9110, 5.6.7).
const HTTP_DATES: [&str; 3] = [
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
];

/// Name and value of the fields of a head, in order. Names are in lower case.
type Fields = Vec<(String, String)>;

/// The subscriber's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The request target.
    pub target: String,
    /// Name, in lower case, and value of each field.
    pub fields: Vec<(String, String)>,
    /// Offset in the stream after the head.
    pub end: u64,
}

/// The result of the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A valid 101.
    Upgraded {
        /// Offset in the stream after the head: frames begin there.
        end: u64,
    },
    /// Another status.
    Refused {
        /// The status.
        status: u16,
        /// What `Retry-After` says, if there is one.
        retry_after: Option<String>,
        /// Offset in the stream after the head.
        end: u64,
    },
    /// No usable answer.
    Failed {
        /// Why, in words.
        what: &'static str,
        /// Offset in the stream by which that is clear.
        end: u64,
        /// Whether the head is complete. If not, only someone who reads heads before their end can
        /// know.
        whole: bool,
    },
}

/// Reads both directions of a connection until its handshake is decided.
///
/// ```
/// use wstape_oracle::wire::{Answer, Opening};
///
/// let mut opening = Opening::new();
/// opening.push_client(b"GET /ws HTTP/1.1\r\nhost: engine\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
/// let rest = opening.push_server(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n");
/// assert!(rest.is_empty());
/// let Some(Answer::Refused { status: 503, retry_after, .. }) = opening.answer() else { panic!() };
/// assert_eq!(retry_after.as_deref(), Some("7"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Opening {
    asked: Vec<u8>,
    request: Option<Request>,
    answered: Vec<u8>,
    /// Offset in the server's stream of the first of `answered`.
    answered_at: u64,
    grammar: Grammar,
    /// Whether the answer's `Content-Length` is not a number.
    unmeasured: bool,
    answer: Option<Answer>,
}

impl Opening {
    /// A connection on which nothing has been said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The request, once it is complete.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// The result, once it is decided.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref()
    }

    /// Whether a byte of the answer is illegal where it is, such as a control byte in a reason
    /// phrase or in a field's value (RFC 9112, 4; RFC 9110, 5.5). Its reader may refuse the head as
    /// soon as that byte comes, or carry on to what [`answer`](Self::answer) says: both are right.
    /// The same goes for a `Content-Length` that is not a number, from which a recipient can't
    /// recover (RFC 9112, 6.3).
    ///
    /// ```
    /// use wstape_oracle::wire::{Answer, Opening};
    ///
    /// let mut opening = Opening::new();
    /// opening.push_server(b"HTTP/1.1 503 B\x15sy\r\n");
    /// assert!(opening.is_doubtful() && opening.answer().is_none());
    /// opening.push_server(b"\r\n");
    /// assert!(matches!(opening.answer(), Some(Answer::Refused { status: 503, .. })));
    ///
    /// let mut opening = Opening::new();
    /// opening.push_server(b"HTTP/1.1 503 Busy\r\nContent-Length: o\r\n\r\n");
    /// assert!(opening.is_doubtful());
    /// ```
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.grammar.is_broken() || self.unmeasured
    }

    /// Takes the next bytes that the subscriber wrote; returns those after the request.
    pub fn push_client<'b>(&mut self, chunk: &'b [u8]) -> &'b [u8] {
        if self.request.is_some() {
            return chunk;
        }
        let rest = extend_to_head_end(&mut self.asked, chunk);
        if let Some(rest) = rest {
            let end = self.asked.len() as u64;
            let (method, target, fields) = request_head(&self.asked);
            self.request = Some(Request {
                method,
                target,
                fields,
                end,
            });
            return rest;
        }
        &[]
    }

    /// Takes the next bytes that were delivered to the subscriber; returns those after the answer,
    /// which are frames if it is [`Answer::Upgraded`].
    pub fn push_server<'b>(&mut self, chunk: &'b [u8]) -> &'b [u8] {
        let mut chunk = chunk;
        while self.answer.is_none() {
            let rest = extend_to_head_end(&mut self.answered, chunk);
            let taken = chunk.len() - rest.map_or(0, <[u8]>::len);
            chunk[..taken]
                .iter()
                .for_each(|byte| self.grammar.push(*byte));
            let Some(rest) = rest else {
                self.answer = self.failed_already();
                return &[];
            };
            let end = self.answered_at + self.answered.len() as u64;
            let head = answer_head(&self.answered);
            self.unmeasured = head.as_ref().is_ok_and(|(_, fields)| !is_measured(fields));
            self.answer = match head {
                Err(what) => Some(Answer::Failed {
                    what,
                    end,
                    whole: true,
                }),
                Ok((101, fields)) => Some(self.upgrade(&fields, end)),
                // An interim answer: the final one follows (RFC 9110, 15.2).
                Ok((100..200, _)) => {
                    self.grammar.begins_again();
                    None
                }
                Ok((status, fields)) => Some(Answer::Refused {
                    status,
                    retry_after: field(&fields, "retry-after").map(ToOwned::to_owned),
                    end,
                }),
            };
            self.answered.clear();
            self.answered_at = end;
            chunk = rest;
        }
        chunk
    }

    /// The failure of an answer that can't become one, whatever follows.
    fn failed_already(&self) -> Option<Answer> {
        let end = self.answered_at + self.answered.len() as u64;
        let start = b"HTTP/1.";
        let same = self
            .answered
            .iter()
            .zip(start)
            .all(|(byte, expected)| byte == expected);
        if !same {
            let what = "an answer that is not HTTP";
            return Some(Answer::Failed {
                what,
                end,
                whole: false,
            });
        }
        let what = "a head over the limit";
        (self.answered.len() >= MAX_HEAD_BYTES).then_some(Answer::Failed {
            what,
            end,
            whole: false,
        })
    }

    /// Checks what a client must verify in a 101 (RFC 6455, 4.1).
    fn upgrade(&self, fields: &Fields, end: u64) -> Answer {
        let key = self
            .request
            .as_ref()
            .and_then(|request| field(&request.fields, "sec-websocket-key"));
        let accept = key.map(|key| STANDARD.encode(Sha1::digest(format!("{key}{ACCEPT_GUID}"))));
        let upgrades =
            field(fields, "upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
        let connection = fields
            .iter()
            .filter(|(name, _)| name == "connection")
            .flat_map(|(_, value)| value.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case("upgrade"));
        let what = if !upgrades {
            "a 101 that does not upgrade to websocket"
        } else if !connection {
            "a 101 without Connection: Upgrade"
        } else if accept.is_none() || field(fields, "sec-websocket-accept") != accept.as_deref() {
            "a 101 with a wrong Sec-WebSocket-Accept"
        } else if field(fields, "sec-websocket-extensions").is_some() {
            "a 101 with an extension nobody asked for"
        } else if field(fields, "sec-websocket-protocol").is_some() {
            "a 101 with a subprotocol nobody asked for"
        } else {
            return Answer::Upgraded { end };
        };
        Answer::Failed {
            what,
            end,
            whole: true,
        }
    }
}

/// The wait that a refusal asks for (SPEC, reconnect rule 6), read at `wall`: only from 429 and
/// 503, in seconds or as a date. A date in the past is zero; an unreadable value is `None`.
#[must_use]
pub fn retry_after(status: u16, text: Option<&str>, wall: DateTime<Utc>) -> Option<Duration> {
    if status != 429 && status != 503 {
        return None;
    }
    let text = text?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = HTTP_DATES
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some((date.and_utc() - wall).to_std().unwrap_or(Duration::ZERO))
}

/// Whether the fields that give a body's length are numbers.
fn is_measured(fields: &Fields) -> bool {
    let mut lengths = fields.iter().filter(|(name, _)| name == "content-length");
    lengths.all(|(_, length)| {
        let digits = length.bytes().all(|byte| byte.is_ascii_digit());
        digits && !length.is_empty()
    })
}

/// The first field with this name.
fn field<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    let (_, value) = fields.iter().find(|(had, _)| had == name)?;
    Some(value)
}

/// Moves bytes from `chunk` to `head` up to the empty line that ends a head; returns the rest, once
/// that line has come.
fn extend_to_head_end<'b>(head: &mut Vec<u8>, chunk: &'b [u8]) -> Option<&'b [u8]> {
    for (at, byte) in chunk.iter().enumerate() {
        head.push(*byte);
        if *byte == b'\n' && (head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n")) {
            return Some(&chunk[at + 1..]);
        }
    }
    None
}

/// The lines of a head, without their ends.
fn lines(head: &[u8]) -> impl Iterator<Item = String> {
    head.split(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
        .take_while(|line| !line.is_empty())
}

fn fields(lines: impl Iterator<Item = String>) -> Option<Fields> {
    lines
        .map(|line| {
            let (name, value) = line.split_once(':')?;
            let token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
            token.then(|| (name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect()
}

fn request_head(head: &[u8]) -> (String, String, Fields) {
    let mut lines = lines(head);
    let line = lines.next().unwrap_or_default();
    let mut words = line.split(' ').map(ToOwned::to_owned);
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    (method, target, fields(lines).unwrap_or_default())
}

/// Status and fields of an answer's head (RFC 9112, 4).
fn answer_head(head: &[u8]) -> Result<(u16, Fields), &'static str> {
    let mut lines = lines(head);
    let line = lines.next().unwrap_or_default();
    let status = line
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| line.strip_prefix("HTTP/1.0 "))
        .map(|rest| rest.split_once(' ').map_or(rest, |(status, _)| status))
        .filter(|status| status.len() == 3)
        .and_then(|status| status.parse::<u16>().ok())
        .filter(|status| *status >= 100)
        .ok_or("an answer that is not HTTP")?;
    let fields = fields(lines).ok_or("a head with a line that is no field")?;
    Ok((status, fields))
}
