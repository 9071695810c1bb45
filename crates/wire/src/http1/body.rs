//! Finds where a body ends, by its framing (RFC 9112, 6 and 7).

use super::head::Framing;

/// The longest line between chunks, in bytes.
const MAX_LINE_BYTES: usize = 8 << 10;

/// A place in a body.
#[derive(Debug)]
pub struct BodyCursor {
    place: Place,
    /// What has been read of a line between chunks.
    line: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// This many bytes are still to come.
    Left(u64),
    /// The line that says how long a chunk is.
    ChunkHead,
    /// This many bytes of a chunk are still to come.
    Chunk(u64),
    /// The line end after a chunk.
    ChunkEnd,
    /// Lines after the last chunk.
    Trailers,
    UntilEnd,
    Done,
}

/// Malformed chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a chunk of the body is malformed")]
pub struct BadChunk;

impl BodyCursor {
    /// A cursor at the beginning of a body.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        let place = match framing {
            Framing::Length(0) => Place::Done,
            Framing::Length(len) => Place::Left(len),
            Framing::Chunked => Place::ChunkHead,
            Framing::UntilEnd => Place::UntilEnd,
        };
        Self {
            place,
            line: Vec::new(),
        }
    }

    /// Whether the body is whole.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.place == Place::Done
    }

    /// Whether the body ends with the connection.
    #[must_use]
    pub fn ends_with_the_connection(&self) -> bool {
        self.place == Place::UntilEnd
    }

    /// Moves past the body's part of `bytes`, passes its content, without framing, to `content`,
    /// and returns how many bytes belong to the body.
    ///
    /// # Errors
    /// [`BadChunk`] if what follows is not a chunk.
    pub fn pass(
        &mut self,
        bytes: &[u8],
        mut content: impl FnMut(&[u8]),
    ) -> Result<usize, BadChunk> {
        let mut at = 0;
        while at < bytes.len() && !self.is_done() {
            let rest = &bytes[at..];
            at += match self.place {
                Place::UntilEnd => {
                    content(rest);
                    rest.len()
                }
                Place::Left(left) | Place::Chunk(left) => {
                    let here =
                        usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                    content(&rest[..here]);
                    self.go_on(left - here as u64);
                    here
                }
                _ => self.line(rest)?,
            };
        }
        Ok(at)
    }

    /// Moves to where `left` bytes are still to come of the body, or of its chunk.
    fn go_on(&mut self, left: u64) {
        self.place = match (&self.place, left) {
            (Place::Chunk(_), 0) => Place::ChunkEnd,
            (Place::Chunk(_), left) => Place::Chunk(left),
            (_, 0) => Place::Done,
            (_, left) => Place::Left(left),
        };
    }

    /// Reads a line between chunks, or as much of it as there is. Returns how many bytes that was.
    fn line(&mut self, bytes: &[u8]) -> Result<usize, BadChunk> {
        let end = bytes.iter().position(|b| *b == b'\n');
        let taken = end.map_or(bytes.len(), |at| at + 1);
        self.line.extend_from_slice(&bytes[..taken]);
        if self.line.len() > MAX_LINE_BYTES {
            return Err(BadChunk);
        }
        if end.is_none() {
            return Ok(taken);
        }
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.place = match self.place {
            Place::ChunkEnd if line.is_empty() => Place::ChunkHead,
            Place::ChunkEnd => return Err(BadChunk),
            Place::Trailers if line.is_empty() => Place::Done,
            Place::Trailers => Place::Trailers,
            _ => {
                let size = line.split(|b| *b == b';').next().unwrap_or_default();
                let size = std::str::from_utf8(size.trim_ascii()).map_err(|_| BadChunk)?;
                match u64::from_str_radix(size, 16).map_err(|_| BadChunk)? {
                    0 => Place::Trailers,
                    size => Place::Chunk(size),
                }
            }
        };
        Ok(taken)
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
                let mut body = BodyCursor::new(framing);
                let (mut held, mut passed) = (Vec::new(), 0);
                for part in stream.as_bytes().chunks(size) {
                    let whole = body.is_done();
                    let taken = body.pass(part, |bytes| held.extend_from_slice(bytes));
                    passed += taken.expect("good chunks");
                    assert!(!whole || taken == Ok(0));
                }
                assert!(body.is_done(), "{stream} in parts of {size}");
                assert_eq!(&stream[passed..], "NEXT");
                let expected = if stream.contains("he") { "hello" } else { "" };
                assert_eq!(held, expected.as_bytes());
            }
        }
    }

    #[test]
    fn a_body_without_a_length_lasts() {
        let mut body = BodyCursor::new(Framing::UntilEnd);
        assert_eq!(body.pass(b"xyz", |_| {}), Ok(3));
        assert!(body.ends_with_the_connection() && !body.is_done());
    }

    #[test]
    fn bad_chunks_are_said_to_be() {
        let long = format!("1;{}", "x".repeat(MAX_LINE_BYTES));
        for stream in ["x\r\n", "1\r\nab\r\n", &long] {
            let mut body = BodyCursor::new(Framing::Chunked);
            assert_eq!(body.pass(stream.as_bytes(), |_| {}), Err(BadChunk));
        }
    }
}
