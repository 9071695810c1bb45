//! Rewrites the one header that the relay may change: `Host`, for engines behind virtual hosts.

use bytes::{Bytes, BytesMut};
use wstape_wire::http1::{is_field, with_host};

use super::bounds::MAX_HEAD_BYTES;

/// Rewrites `Host` in one connection's requests, up to the first that asks for an upgrade or has a
/// body.
#[derive(Debug)]
pub(super) struct HostRewriter {
    host: Bytes,
    /// The head that is not complete yet.
    head: BytesMut,
    done: bool,
}

impl HostRewriter {
    /// Rewrites the header to `host`.
    pub(super) fn new(host: Bytes) -> Self {
        Self {
            host,
            head: BytesMut::new(),
            done: false,
        }
    }

    /// Takes bytes from the client and returns what to pass on: nothing until a head is complete.
    pub(super) fn pass(&mut self, bytes: Bytes) -> Bytes {
        if self.done {
            return bytes;
        }
        self.head.extend_from_slice(&bytes);
        let mut out = BytesMut::new();
        while let Some(len) = head_len(&self.head) {
            let head = self.head.split_to(len);
            self.done |= !is_plain_get(&head);
            out.extend_from_slice(&with_host(&head, &self.host));
            if self.done {
                break;
            }
        }
        if self.done || self.head.len() > MAX_HEAD_BYTES {
            self.done = true;
            out.unsplit(self.head.split());
        }
        out.freeze()
    }

    /// The part of a head that was held and will not be completed.
    pub(super) fn rest(&mut self) -> Bytes {
        self.done = true;
        self.head.split().freeze()
    }
}

fn head_len(bytes: &[u8]) -> Option<usize> {
    let end = b"\r\n\r\n";
    bytes
        .windows(end.len())
        .position(|window| window == end)
        .map(|at| at + end.len())
}

fn is_plain_get(head: &[u8]) -> bool {
    let mut lines = head.split_inclusive(|b| *b == b'\n');
    let longer = [&b"upgrade"[..], b"content-length", b"transfer-encoding"];
    lines
        .next()
        .is_some_and(|request| request.starts_with(b"GET "))
        && !lines.any(|line| longer.iter().any(|name| is_field(line, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_changes_however_the_bytes_come() {
        let stream = "GET /a HTTP/1.1\r\nhOst: me:1\r\nX: Host: y\r\n\r\n\
            GET /ws HTTP/1.1\r\nX-Host: z\r\nHost: me\r\nUpgrade: websocket\r\n\r\n\
            \u{1}GET / HTTP/1.1\r\nHost: me\r\n\r\n";
        let expected = "GET /a HTTP/1.1\r\nhOst: e.example\r\nX: Host: y\r\n\r\n\
            GET /ws HTTP/1.1\r\nX-Host: z\r\nHost: e.example\r\nUpgrade: websocket\r\n\r\n\
            \u{1}GET / HTTP/1.1\r\nHost: me\r\n\r\n";
        for size in 1..=stream.len() {
            let mut rewriter = HostRewriter::new(Bytes::from_static(b"e.example"));
            let mut out = Vec::new();
            for part in stream.as_bytes().chunks(size) {
                out.extend(rewriter.pass(Bytes::copy_from_slice(part)));
            }
            out.extend(rewriter.rest());
            assert_eq!(out, expected.as_bytes(), "parts of {size}");
        }
    }

    #[test]
    fn what_is_no_head_goes_on_as_it_is() {
        let mut rewriter = HostRewriter::new(Bytes::from_static(b"e"));
        assert!(rewriter.pass(Bytes::from_static(b"\x16\x03")).is_empty());
        assert_eq!(rewriter.rest(), &b"\x16\x03"[..]);
        let mut rewriter = HostRewriter::new(Bytes::from_static(b"e"));
        let long = Bytes::from(vec![b'x'; MAX_HEAD_BYTES + 1]);
        assert_eq!(rewriter.pass(long.clone()), long);
    }
}
