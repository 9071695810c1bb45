//! Reads the bodies of HTTP requests and answers, and keeps those that a tape has room for.

use bytes::{Buf, Bytes, BytesMut};
use wstape_wire::http1::{BadChunk, BodyCursor, Framing};

/// The longest body that is kept, in bytes; a longer one is skipped.
const MAX_BODY_BYTES: usize = 8 << 20;

/// A body being read.
#[derive(Debug)]
pub(super) struct Body {
    cursor: BodyCursor,
    kept: BytesMut,
    too_long: bool,
}

impl Body {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            cursor: BodyCursor::new(framing),
            kept: BytesMut::new(),
            too_long: false,
        }
    }

    /// Takes the body's bytes off the front of `bytes`. Returns whether the body is complete.
    pub(super) fn take(&mut self, bytes: &mut BytesMut) -> Result<bool, BadChunk> {
        let (kept, too_long) = (&mut self.kept, &mut self.too_long);
        let taken = self.cursor.pass(bytes, |part| {
            if *too_long || kept.len() + part.len() > MAX_BODY_BYTES {
                *too_long = true;
                *kept = BytesMut::new();
            } else {
                kept.extend_from_slice(part);
            }
        })?;
        bytes.advance(taken);
        Ok(self.cursor.is_done())
    }

    /// Whether it ends with the connection.
    pub(super) fn ends_with_the_connection(&self) -> bool {
        self.cursor.ends_with_the_connection()
    }

    /// The contents of the body; `None` if they are too long.
    pub(super) fn kept(self) -> Option<Bytes> {
        (!self.too_long).then(|| self.kept.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_kept_without_its_chunks() {
        let mut body = Body::new(Framing::Chunked);
        let mut bytes = BytesMut::from("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nNEXT");
        assert_eq!(body.take(&mut bytes), Ok(true));
        assert_eq!(
            (&bytes[..], body.kept().as_deref()),
            (&b"NEXT"[..], Some(&b"hello"[..]))
        );
    }

    #[test]
    fn a_body_that_is_too_long_is_read_over() {
        let mut body = Body::new(Framing::UntilEnd);
        assert_eq!(body.take(&mut BytesMut::zeroed(MAX_BODY_BYTES)), Ok(false));
        assert_eq!(body.take(&mut BytesMut::zeroed(1)), Ok(false));
        assert_eq!(body.kept(), None);
    }
}
