//! Tells what a file is by its first bytes, so that an error can name a file's real format.

use super::unpack;

/// Appends the advice to record with the proxy, for files that hold no messages at all.
macro_rules! record {
    ($what:literal) => {
        concat!(
            $what,
            "; record between client and engine: wstape proxy --listen 127.0.0.1:9000 --upstream URL"
        )
    };
}

pub(super) use record;

/// The first bytes of a file, what it is, and what to do with it.
const KINDS: [(&[u8], &str); 15] = [
    (
        b"\x0a\x0d\x0d\x0a",
        "a capture; import it with wstape import pcap",
    ),
    (
        b"\xd4\xc3\xb2\xa1",
        "a capture; import it with wstape import pcap",
    ),
    (
        b"\xa1\xb2\xc3\xd4",
        "a capture; import it with wstape import pcap",
    ),
    (
        b"\x4d\x3c\xb2\xa1",
        "a capture; import it with wstape import pcap",
    ),
    (
        b"\xa1\xb2\x3c\x4d",
        "a capture; import it with wstape import pcap",
    ),
    (
        b"\x78\xda",
        "zlib, as mitmproxy's .zhar is; export it as .har instead",
    ),
    (
        b"\xff\xfe",
        "UTF-16; convert it first: iconv -f UTF-16 -t UTF-8 FILE",
    ),
    (
        b"\xfe\xff",
        "UTF-16; convert it first: iconv -f UTF-16 -t UTF-8 FILE",
    ),
    // Java's serialization, as in Charles's sessions (`.chls`).
    (b"\xac\xed\x00\x05", CHARLES),
    (b"Connected (press CTRL+C", TRANSCRIPT),
    (b"Connected to ws", TRANSCRIPT),
    (b"> {", TRANSCRIPT),
    (b"< {", TRANSCRIPT),
    (
        b"Script started on ",
        "a terminal recording with keys and colours in it; record again: wstape tap URL",
    ),
    (
        b"{\"tape\":",
        "a tape already, which plays without an import: wstape serve FILE (if it is packed, unpack it \
         first)",
    ),
];

/// The terminal output of wscat or of Python's websockets.
const TRANSCRIPT: &str = "a client's terminal output; keep only what the engine sent: sed -n \
                          's/^< //p' FILE > NEW.txt";

/// A Charles session, in any of the formats that Charles writes.
pub(super) const CHARLES: &str = record!("a Charles session, in its own format");

/// What an archive is called here.
pub(super) const HAR: &str = "a HAR; import it with wstape import har";

/// The UTF-8 byte order mark, which some tools write.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a file with this beginning is, and what to do about it; `None` if only its format's own
/// reader can tell.
pub(super) fn of(begin: &[u8]) -> Option<&'static str> {
    let begin = begin.strip_prefix(BYTE_ORDER_MARK).unwrap_or(begin);
    if let Some((_, what)) = KINDS.iter().find(|(magic, _)| begin.starts_with(magic)) {
        return Some(what);
    }
    if let Some(what) = unpack::other(begin) {
        return Some(what);
    }
    let digits = begin.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits > 0 && begin.get(digits) == Some(&b':') && is_netstring(&begin[digits + 1..]) {
        return Some("what looks like mitmproxy's flows; import it with wstape import mitmproxy");
    }
    is_har(begin).then_some(HAR)
}

/// Whether a value as mitmproxy writes it follows: a member's name with its length before it.
fn is_netstring(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
    // A letter must follow: after a time of day such as `12:34:56`, there is a digit.
    let name = value.get(digits + 1).is_some_and(u8::is_ascii_alphabetic);
    digits > 0 && value.get(digits) == Some(&b':') && name
}

/// Whether JSON begins like an archive: an object with `log` as its first member.
fn is_har(begin: &[u8]) -> bool {
    let bare: Vec<u8> = begin
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .take(b"{\"log\":{".len())
        .collect();
    bare == b"{\"log\":{"
}
