//! Tells what a connection is by its first bytes: an upgrade request, TLS, or frames.

use wstape_wire::Head;
use wstape_wire::http1::{self, Parsed};
use wstape_wire::opcode::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

use crate::proxy::Peer;

/// What a client's first bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// A request for an upgrade to WebSocket: its target and its host.
    Upgrade { path: String, host: Option<String> },
    /// The complete head of a request for something else.
    Http,
    /// TLS, and the host that its client hello names.
    Tls(Option<String>),
    /// Neither.
    Other,
    /// More bytes are needed.
    Short,
}

/// How many of a client's bytes are searched for a request's head or a TLS client hello.
pub(super) const MAX_OPENING_BYTES: usize = 64 << 10;

/// The maximum number of headers in a request.
const MAX_HEADERS: usize = 128;

/// The start of a TLS record with a handshake: its content type and the major version that all
/// versions in use share.
const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];

/// Tells what a client's first bytes are, and how many of them belong to a complete request head.
pub(super) fn of(bytes: &[u8]) -> (Opening, usize) {
    if bytes.len() < TLS_HANDSHAKE.len() {
        return (Opening::Short, 0);
    }
    if is_tls(bytes) {
        return (tls(bytes), 0);
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < MAX_OPENING_BYTES => {
            return (Opening::Short, 0);
        }
        _ => return (Opening::Other, 0),
    };
    let value = |name: &str| {
        let mut fields = request.headers.iter();
        let field = fields.find(|field| field.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(field.value).ok().map(str::trim)
    };
    if !value("upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket")) {
        return (Opening::Http, length);
    }
    let opening = Opening::Upgrade {
        path: request.path.unwrap_or("/").to_owned(),
        host: value("host").map(str::to_owned),
    };
    (opening, length)
}

/// Whether these are the first bytes of TLS.
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    bytes.starts_with(&TLS_HANDSHAKE)
}

/// Whether an engine's bytes begin with an answer that accepts the upgrade to WebSocket.
pub(super) fn accepts(bytes: &[u8]) -> bool {
    let Parsed::Whole(answer, _) = http1::answer(bytes) else {
        return false;
    };
    let is_upgrade = |(name, value): &(String, String)| {
        name == "upgrade" && value.trim().eq_ignore_ascii_case("websocket")
    };
    answer.status == 101 && answer.headers.iter().any(is_upgrade)
}

/// TLS with the host that the client hello names (RFC 6066, 3), once the hello is complete.
fn tls(bytes: &[u8]) -> Opening {
    const RECORD_HEAD: usize = 5;
    const CLIENT_HELLO: u8 = 1;
    let record = || {
        let length = u16::from_be_bytes([*bytes.get(3)?, *bytes.get(4)?]);
        bytes.get(RECORD_HEAD..RECORD_HEAD + usize::from(length))
    };
    match record() {
        Some(record) => Opening::Tls(named(record, CLIENT_HELLO)),
        None if bytes.len() < MAX_OPENING_BYTES => Opening::Short,
        None => Opening::Tls(None),
    }
}

/// The host name in a client hello; `None` if it names none.
fn named(hello: &[u8], kind: u8) -> Option<String> {
    const HANDSHAKE_HEAD: usize = 4;
    const VERSION_AND_RANDOM: usize = 2 + 32;
    const SERVER_NAME: u16 = 0;
    /// The longest host name (RFC 1035, 2.3.4).
    const MAX_NAME_BYTES: usize = 255;
    let mut rest = Fields(hello);
    if *hello.first()? != kind {
        return None;
    }
    rest.take(HANDSHAKE_HEAD + VERSION_AND_RANDOM)?;
    let _session = rest.counted(1)?;
    let _ciphers = rest.counted(2)?;
    let _compression = rest.counted(1)?;
    let mut extensions = Fields(rest.counted(2)?);
    loop {
        let number = extensions.number(2)?;
        let mut body = Fields(extensions.counted(2)?);
        if number == usize::from(SERVER_NAME) {
            let mut names = Fields(body.counted(2)?);
            names.take(1)?;
            let name = names.counted(2)?;
            let of_a_name = |b: &u8| b.is_ascii_alphanumeric() || b"-._".contains(b);
            let name = name.get(..name.len().min(MAX_NAME_BYTES))?;
            return name
                .iter()
                .all(of_a_name)
                .then(|| String::from_utf8_lossy(name).into_owned());
        }
    }
}

/// The rest of a text that consists of fields, each preceded by its length.
struct Fields<'t>(&'t [u8]);

impl<'t> Fields<'t> {
    fn take(&mut self, count: usize) -> Option<&'t [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Takes a big-endian number of this many bytes.
    fn number(&mut self, bytes: usize) -> Option<usize> {
        let bytes = self.take(bytes)?;
        Some(bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)))
    }

    /// Takes a field and the length before it, a number of this many bytes.
    fn counted(&mut self, bytes: usize) -> Option<&'t [u8]> {
        let length = self.number(bytes)?;
        self.take(length)
    }
}

/// The sender of a stretch of a stream that begins with a message, if it consists of frames: a
/// client masks them, an engine does not (RFC 6455, 5.1). Every frame head in it must be valid, and
/// at least one frame complete.
pub(super) fn frames_of(bytes: &[u8]) -> Option<Peer> {
    let masked = bytes.get(1)? & 0x80 != 0;
    let (mut at, mut whole) = (0, 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (head, payload) = match Head::of(rest) {
            Head::Whole { bytes, payload } => (bytes, payload),
            // The head of the next frame may be cut off.
            Head::Short(_) => break,
            Head::Illegal => return None,
        };
        if !is_sound(rest[0], at == 0, payload) || (rest[1] & 0x80 != 0) != masked {
            return None;
        }
        let Some(end) = usize::try_from(payload)
            .ok()
            .and_then(|payload| payload.checked_add(head))
        else {
            break;
        };
        if end > rest.len() {
            break;
        }
        let plain = !masked && rest[0] & 0x7f == TEXT;
        if plain && rest[0] & 0x80 != 0 && std::str::from_utf8(&rest[head..end]).is_err() {
            return None;
        }
        whole += 1;
        at += end;
    }
    (whole > 0).then_some(if masked { Peer::Client } else { Peer::Engine })
}

/// Whether a frame's first byte is valid for a frame in this place.
fn is_sound(byte: u8, first: bool, payload: u64) -> bool {
    const COMPRESSED: u8 = 4;
    const MAX_CONTROL_BYTES: u64 = 125;
    let (fin, rsv, opcode) = (byte & 0x80 != 0, byte >> 4 & 7, byte & 0x0f);
    match opcode {
        TEXT | BINARY => matches!(rsv, 0 | COMPRESSED),
        CONTINUATION => !first && rsv == 0,
        CLOSE | PING | PONG => fin && rsv == 0 && payload <= MAX_CONTROL_BYTES,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_a_hello_and_what_is_neither_are_told_apart() {
        let ask = b"GET /ws?a=b HTTP/1.1\r\nHost: h:1\r\nUPGRADE: WebSocket\r\n\r\n\x81";
        let upgrade = Opening::Upgrade {
            path: "/ws?a=b".to_owned(),
            host: Some("h:1".to_owned()),
        };
        assert_eq!(of(ask), (upgrade, ask.len() - 1));
        for short in 0..ask.len() - 1 {
            assert_eq!(of(&ask[..short]).0, Opening::Short, "{short}");
        }
        let plain = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        assert_eq!(of(plain), (Opening::Http, plain.len()));
        assert_eq!(of(b"SSH-2.0-OpenSSH\r\n").0, Opening::Other);
    }

    /// A TLS client hello with this extension, or with none.
    fn hello(extension: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend(u16::try_from(extension.len()).unwrap().to_be_bytes());
        body.extend(extension);
        let length = u16::try_from(body.len()).unwrap();
        let mut hello = vec![0x16, 3, 1];
        hello.extend((length + 4).to_be_bytes());
        hello.extend([1, 0]);
        hello.extend(length.to_be_bytes());
        hello.extend(body);
        hello
    }

    #[test]
    fn a_hello_says_which_host_is_meant() {
        let name = b"\x00\x00\x00\x0b\x00\x09\x00\x00\x06feed.x";
        let whole = hello(name);
        assert_eq!(of(&whole).0, Opening::Tls(Some("feed.x".to_owned())));
        assert_eq!(of(&whole[..whole.len() - 1]).0, Opening::Short);
        assert_eq!(of(&hello(b"")).0, Opening::Tls(None));
        assert_eq!(of(&hello(b"\x00\x00\x00\xff")).0, Opening::Tls(None));
    }

    #[test]
    fn frames_are_told_from_what_only_begins_like_one() {
        let engine = b"\x81\x02{}\x89\x00\x82\x7e\x01";
        assert_eq!(frames_of(engine), Some(Peer::Engine));
        assert_eq!(frames_of(b"\x81\x81\0\0\0\0x"), Some(Peer::Client));
        assert_eq!(frames_of(b"\xc1\x02ab"), Some(Peer::Engine));
        for other in [
            &b""[..],
            b"\x81",
            b"\x81\x05ab",
            b"\x80\x00",
            b"\x81\x01\xff",
            b"\x83\x00",
            b"\x81\x02{}\x0f\x00",
            b"\x17\x03\x03\x00\x05abcde",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(frames_of(other), None, "{other:?}");
        }
    }
}
