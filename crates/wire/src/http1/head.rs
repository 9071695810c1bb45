//! Heads of HTTP requests and answers (RFC 9112).

use http::header;
use httparse::Status;

/// The longest head of a request or an answer that is accepted, in bytes.
pub const MAX_HTTP_HEAD_BYTES: usize = 64 << 10;

/// The most header fields that a head may have.
const MAX_HEADERS: usize = 128;

/// Names in lower case, with their values, in the order of the head; bytes that are not UTF-8 are
/// replaced.
pub type Headers = Vec<(String, String)>;

/// How much of a head there is.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed<T> {
    /// All of it, and its length in bytes.
    Whole(T, usize),
    /// Not yet all of it.
    Short,
    /// Not a head, or one that is too long.
    NotHttp,
}

/// A request's head.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// What it asks for, path and query.
    pub path: String,
    /// All of its headers.
    pub headers: Headers,
    /// Whether it asks for a WebSocket.
    pub upgrade: bool,
    /// How long its body is.
    pub framing: Framing,
}

/// An answer's head.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// All of its headers.
    pub headers: Headers,
    /// `Sec-WebSocket-Extensions`, if there is one; several are joined by commas.
    pub extensions: Option<String>,
    /// How long its body is, by its headers alone: the answer to a HEAD has no body, whatever they
    /// say.
    pub framing: Framing,
}

/// How long a body is (RFC 9112, 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// This many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// Until the connection ends.
    UntilEnd,
}

/// Reads a request's head.
///
/// ```
/// use wstape_wire::http1::{Parsed, request};
///
/// let Parsed::Whole(asked, len) = request(b"GET /ws HTTP/1.1\r\nHost: h\r\n\r\nrest") else { panic!() };
/// assert_eq!((asked.path.as_str(), len), ("/ws", 29));
/// ```
#[must_use]
pub fn request(bytes: &[u8]) -> Parsed<Request> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut fields);
    let status = request.parse(bytes);
    whole(bytes, status, || {
        let fields = &request.headers;
        Request {
            method: request.method.unwrap_or_default().to_owned(),
            path: request.path.unwrap_or_default().to_owned(),
            headers: all(fields),
            upgrade: values(fields, &header::UPGRADE)
                .any(|value| value.trim_ascii().eq_ignore_ascii_case(b"websocket")),
            framing: framing(fields).unwrap_or(Framing::Length(0)),
        }
    })
}

/// Reads an answer's head.
#[must_use]
pub fn answer(bytes: &[u8]) -> Parsed<Answer> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut fields);
    let status = answer.parse(bytes);
    whole(bytes, status, || {
        let fields = &answer.headers;
        let mut extensions = values(fields, &header::SEC_WEBSOCKET_EXTENSIONS).map(text);
        let first = extensions.next();
        Answer {
            status: answer.code.unwrap_or_default(),
            headers: all(fields),
            extensions: first.map(|first| extensions.fold(first, |all, next| all + ", " + &next)),
            framing: framing(fields).unwrap_or(Framing::UntilEnd),
        }
    })
}

fn whole<T>(bytes: &[u8], status: httparse::Result<usize>, made: impl FnOnce() -> T) -> Parsed<T> {
    match status {
        Ok(Status::Complete(len)) if len <= MAX_HTTP_HEAD_BYTES => Parsed::Whole(made(), len),
        Ok(Status::Partial) if bytes.len() <= MAX_HTTP_HEAD_BYTES => Parsed::Short,
        _ => Parsed::NotHttp,
    }
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn values<'a>(
    fields: &'a [httparse::Header<'_>],
    name: &'a header::HeaderName,
) -> impl Iterator<Item = &'a [u8]> {
    let named = |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case(name.as_str());
    fields.iter().filter(named).map(|field| field.value)
}

fn all(fields: &[httparse::Header<'_>]) -> Headers {
    let both = |field: &httparse::Header<'_>| (field.name.to_ascii_lowercase(), text(field.value));
    fields.iter().map(both).collect()
}

fn framing(fields: &[httparse::Header<'_>]) -> Option<Framing> {
    let chunked = values(fields, &header::TRANSFER_ENCODING)
        .any(|value| value.to_ascii_lowercase().ends_with(b"chunked"));
    if chunked {
        return Some(Framing::Chunked);
    }
    let length = values(fields, &header::CONTENT_LENGTH).next()?;
    let length = std::str::from_utf8(length).ok()?.trim().parse().ok()?;
    Some(Framing::Length(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once_it_is_whole() {
        let head = b"GET /ws?a=b HTTP/1.1\r\nHost: h:1\r\nUpgrade: WebSocket\r\n\
            Sec-WebSocket-Key: bm9uY2U=\r\nX-A: 1\r\n\r\n";
        for len in 0..head.len() {
            assert_eq!(request(&head[..len]), Parsed::Short, "{len} bytes");
        }
        let Parsed::Whole(asked, len) = request(head) else {
            panic!("a whole head");
        };
        assert_eq!(len, head.len());
        assert_eq!((asked.path.as_str(), asked.upgrade), ("/ws?a=b", true));
        let names: Vec<_> = asked
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["host", "upgrade", "sec-websocket-key", "x-a"]);
    }

    #[test]
    fn an_answer_says_its_status_its_extensions_and_its_framing() {
        let table = [
            (
                "101 Switching Protocols\r\nSec-WebSocket-Extensions: a\r\nsec-websocket-extensions: b",
                (101, Some("a, b"), Framing::UntilEnd),
            ),
            (
                "503 No\r\nContent-Length: 7",
                (503, None, Framing::Length(7)),
            ),
            (
                "200 OK\r\nTransfer-Encoding: gzip, Chunked",
                (200, None, Framing::Chunked),
            ),
        ];
        for (head, expected) in table {
            let head = format!("HTTP/1.1 {head}\r\n\r\n");
            let Parsed::Whole(found, _) = answer(head.as_bytes()) else {
                panic!("a whole head: {head}");
            };
            let found = (found.status, found.extensions.as_deref(), found.framing);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_is_no_head_or_too_long_is_said_to_be() {
        assert_eq!(answer(b"SSH-2.0-OpenSSH\r\n"), Parsed::NotHttp);
        assert_eq!(request(b"\x16\x03\x01\0"), Parsed::NotHttp);
        let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(MAX_HTTP_HEAD_BYTES));
        assert_eq!(request(long.as_bytes()), Parsed::NotHttp);
    }
}
