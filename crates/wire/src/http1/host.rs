//! The one header that an intermediary may rewrite: `Host`, for servers behind virtual hosts.

use bytes::{Bytes, BytesMut};

/// Whether a line of a head is the field of this name, ignoring case.
#[must_use]
pub fn is_field(line: &[u8], name: &[u8]) -> bool {
    line.get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name))
        && line.get(name.len()) == Some(&b':')
}

/// A request's head with `host` as its `Host`; every other byte stays as it is.
///
/// ```
/// let head = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
/// let changed = wstape_wire::http1::with_host(head, b"b");
/// assert_eq!(&changed[..], b"GET / HTTP/1.1\r\nhost: b\r\n\r\n");
/// ```
#[must_use]
pub fn with_host(head: &[u8], host: &[u8]) -> Bytes {
    const NAME: &[u8] = b"host";
    let mut out = BytesMut::with_capacity(head.len() + host.len());
    for (at, line) in head.split_inclusive(|b| *b == b'\n').enumerate() {
        if at > 0 && is_field(line, NAME) {
            out.extend_from_slice(&line[..=NAME.len()]);
            out.extend_from_slice(b" ");
            out.extend_from_slice(host);
            out.extend_from_slice(b"\r\n");
        } else {
            out.extend_from_slice(line);
        }
    }
    out.freeze()
}
