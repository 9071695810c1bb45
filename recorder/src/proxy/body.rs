//! Bodies of HTTP requests and answers, as their framing has it (RFC 9112, 6 and 7).

use bytes::{Buf, Bytes, BytesMut};

use super::head::Framing;

/// Longest body that is kept; a longer one is read over.
const MAX_BODY_BYTES: usize = 8 << 20;
/// Longest line between chunks.
const MAX_LINE_BYTES: usize = 8 << 10;

/// A body being read.
#[derive(Debug)]
pub(super) struct Body {
    place: Place,
    kept: BytesMut,
    too_long: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// So many bytes are still to come.
    Left(u64),
    /// The line that says how long a chunk is.
    ChunkHead,
    /// So many bytes of a chunk are still to come.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    /// Lines behind the last chunk.
    Trailers,
    UntilEnd,
    Done,
}

/// Chunks that are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadChunk;

impl Body {
    pub(super) fn new(framing: Framing) -> Self {
        let place = match framing {
            Framing::Length(0) => Place::Done,
            Framing::Length(len) => Place::Left(len),
            Framing::Chunked => Place::ChunkHead,
            Framing::UntilEnd => Place::UntilEnd,
        };
        Self {
            place,
            kept: BytesMut::new(),
            too_long: false,
        }
    }

    /// Takes what belongs to it off the front of `bytes`; true once it is whole.
    pub(super) fn take(&mut self, bytes: &mut BytesMut) -> Result<bool, BadChunk> {
        loop {
            match self.place {
                Place::Done => return Ok(true),
                _ if bytes.is_empty() => return Ok(false),
                Place::UntilEnd => self.keep(bytes.split()),
                Place::Left(left) => match self.part(bytes, left) {
                    0 => self.place = Place::Done,
                    left => self.place = Place::Left(left),
                },
                Place::Chunk(left) => match self.part(bytes, left) {
                    0 => self.place = Place::ChunkEnd,
                    left => self.place = Place::Chunk(left),
                },
                Place::ChunkHead => {
                    let Some(line) = line(bytes)? else {
                        return Ok(false);
                    };
                    let mut parts = line[..].split(|b| *b == b';');
                    let size = parts.next().unwrap_or_default();
                    let size = std::str::from_utf8(size.trim_ascii()).map_err(|_| BadChunk)?;
                    self.place = match u64::from_str_radix(size, 16).map_err(|_| BadChunk)? {
                        0 => Place::Trailers,
                        size => Place::Chunk(size),
                    };
                }
                Place::ChunkEnd => match line(bytes)? {
                    None => return Ok(false),
                    Some(line) if line.is_empty() => self.place = Place::ChunkHead,
                    Some(_) => return Err(BadChunk),
                },
                Place::Trailers => match line(bytes)? {
                    None => return Ok(false),
                    Some(line) if line.is_empty() => self.place = Place::Done,
                    Some(_) => {}
                },
            }
        }
    }

    /// Whether the connection's end is its end.
    pub(super) fn ends_with_the_connection(&self) -> bool {
        self.place == Place::UntilEnd
    }

    /// What it held; `None` where that is too long.
    pub(super) fn kept(self) -> Option<Bytes> {
        (!self.too_long).then(|| self.kept.freeze())
    }

    fn part(&mut self, bytes: &mut BytesMut, left: u64) -> u64 {
        let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.keep(bytes.split_to(here));
        left - here as u64
    }

    fn keep(&mut self, part: BytesMut) {
        if self.too_long || self.kept.len() + part.len() > MAX_BODY_BYTES {
            self.too_long = true;
            self.kept = BytesMut::new();
        } else {
            self.kept.unsplit(part);
        }
    }
}

/// A line without its end, taken off the front of `bytes`.
fn line(bytes: &mut BytesMut) -> Result<Option<BytesMut>, BadChunk> {
    match bytes.iter().position(|b| *b == b'\n') {
        Some(at) => {
            let mut line = bytes.split_to(at);
            bytes.advance(1);
            if line.ends_with(b"\r") {
                line.truncate(at - 1);
            }
            Ok(Some(line))
        }
        None if bytes.len() > MAX_LINE_BYTES => Err(BadChunk),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_end_where_their_framing_says_however_the_bytes_come() {
        let table = [
            (Framing::Length(5), "helloNEXT"),
            (Framing::Length(0), "NEXT"),
            (
                Framing::Chunked,
                "2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: 1\r\n\r\nNEXT",
            ),
            (Framing::Chunked, "0\r\n\r\nNEXT"),
        ];
        for (framing, stream) in table {
            for size in 1..=stream.len() {
                let mut body = Body::new(framing);
                let (mut bytes, mut whole) = (BytesMut::new(), false);
                for part in stream.as_bytes().chunks(size) {
                    bytes.extend_from_slice(part);
                    whole = whole || body.take(&mut bytes).expect("good chunks");
                }
                assert!(
                    whole && &bytes[..] == b"NEXT",
                    "{stream} in parts of {size}"
                );
                let expected = if stream.contains("he") { "hello" } else { "" };
                assert_eq!(body.kept().as_deref(), Some(expected.as_bytes()));
            }
        }
    }

    #[test]
    fn a_body_without_a_length_lasts_and_one_too_long_is_read_over() {
        let mut body = Body::new(Framing::UntilEnd);
        assert!(body.ends_with_the_connection());
        assert_eq!(body.take(&mut BytesMut::zeroed(MAX_BODY_BYTES)), Ok(false));
        assert_eq!(body.take(&mut BytesMut::zeroed(1)), Ok(false));
        assert_eq!(body.kept(), None);
    }

    #[test]
    fn bad_chunks_are_said_to_be() {
        for stream in ["x\r\n", "1\r\nab\r\n"] {
            let mut body = Body::new(Framing::Chunked);
            assert_eq!(body.take(&mut BytesMut::from(stream)), Err(BadChunk));
        }
    }
}
