//! Decompresses files that are gzip or zstd.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The first bytes of a gzip and of a zstd file.
const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// The first bytes of a zstd frame to be skipped, after one from 0x50 to 0x5f. `pzstd` begins a file
/// with such a frame.
const SKIPPED: &[u8] = b"\x2a\x4d\x18";

/// The largest window of a zstd file that is accepted, in bytes, as it is held in memory: what
/// `zstd -19` and `--long=26` need.
const MAX_WINDOW_BYTES: u64 = 64 << 20;

/// The first bytes of compressed files that are not read, what they are, and what to do about them.
const OTHERS: [(&[u8], &str); 4] = [
    (b"\xfd7zXZ\0", "xz; unpack it first: xz -dk FILE"),
    (b"BZh", "bzip2; unpack it first: bunzip2 -k FILE"),
    (b"\x04\x22\x4d\x18", "lz4; unpack it first: lz4 -d FILE"),
    (
        b"PK\x03\x04",
        "a zip; unpack it first: unzip -p FILE | wstape import FORMAT -",
    ),
];

/// What a file is if its compression is not supported, and what to do about it.
pub(super) fn other(begin: &[u8]) -> Option<&'static str> {
    let found = OTHERS.iter().find(|(magic, _)| begin.starts_with(magic));
    found.map(|(_, what)| *what)
}

/// Whether a file with these first bytes is gzip or zstd.
pub(super) fn is_packed(begin: &[u8]) -> bool {
    begin.starts_with(GZIP) || is_zstd(begin)
}

fn is_zstd(begin: &[u8]) -> bool {
    let skipped = |(first, rest): (&u8, &[u8])| first & 0xf0 == 0x50 && rest.starts_with(SKIPPED);
    begin.starts_with(ZSTD) || begin.split_first().is_some_and(skipped)
}

/// Decompresses a stream if it is compressed. One that is compressed twice is an error.
pub(super) fn unpacked<'a>(mut packed: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let begin = packed.fill_buf()?;
    if begin.starts_with(GZIP) {
        return once(Gzip::new(packed), "gzip");
    }
    if is_zstd(begin) {
        return once(Frames::new(packed), "zstd");
    }
    Ok(Box::new(packed))
}

/// Checks that what `program` had compressed is not compressed again.
fn once<'a>(plain: impl Read + 'a, program: &str) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut plain = BufReader::new(plain);
    if is_packed(plain.fill_buf()?) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "it is compressed twice; unpack it once: {program} -dc FILE | wstape import FORMAT -"
            ),
        ));
    }
    Ok(Box::new(plain))
}

/// The error for data of `program` that end too early.
fn cut_off(program: &str) -> io::Error {
    let said = format!(
        "the {program} is cut off: its writer was still writing or was stopped; to import the \
         complete lines: {program} -dc FILE | head -n -1 | wstape import FORMAT -"
    );
    io::Error::new(io::ErrorKind::UnexpectedEof, said)
}

/// The error for data of `program` that are followed by something else.
fn more_after(program: &str) -> io::Error {
    let said = format!(
        "there is something else after the {program} data; to import only the {program} part: \
         {program} -dc FILE | wstape import FORMAT -"
    );
    io::Error::new(io::ErrorKind::InvalidData, said)
}

/// The members of a gzip file, one after the other, and zeros after the last, with which tapes and
/// disks fill up: gzip accepts those too. It may be cut off because its writer is still writing or
/// was killed.
struct Gzip<R> {
    /// The member being read; `None` once all are.
    member: Option<GzDecoder<R>>,
    /// Whether it is the file's first.
    first: bool,
}

impl<R: BufRead> Gzip<R> {
    fn new(packed: R) -> Self {
        Self {
            member: Some(GzDecoder::new(packed)),
            first: true,
        }
    }

    /// Begins the next member, if there is one.
    fn begin(&mut self, mut packed: R) -> io::Result<()> {
        let mut padded = false;
        loop {
            let next = packed.fill_buf()?;
            let zeros = next.iter().take_while(|byte| **byte == 0).count();
            match next.get(zeros..) {
                _ if next.is_empty() => return Ok(()),
                Some([]) => {}
                // The last byte of a buffer may be the first of a head.
                Some(rest) if !padded && zeros == 0 && starts_alike(rest, GZIP) => break,
                _ => return Err(more_after("gzip")),
            }
            padded = true;
            packed.consume(zeros);
        }
        self.member = Some(GzDecoder::new(packed));
        self.first = false;
        Ok(())
    }
}

/// Whether one of the two begins with the other.
fn starts_alike(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            match member.read(into) {
                Ok(0) if !into.is_empty() => {
                    if let Some(member) = self.member.take() {
                        self.begin(member.into_inner())?;
                    }
                }
                Ok(read) => return Ok(read),
                Err(error) => {
                    let headless = member.header().is_none();
                    if headless && !self.first && error.kind() == io::ErrorKind::InvalidInput {
                        return Err(more_after("gzip"));
                    }
                    // A wrong checksum comes at the end too, and is damage.
                    if error.kind() == io::ErrorKind::UnexpectedEof {
                        return Err(cut_off("gzip"));
                    }
                    return Err(error);
                }
            }
        }
        Ok(0)
    }
}

/// The frames of a zstd file, one after the other: `zstd` itself writes one; `pzstd`, and anyone
/// who appends to a file, writes several.
struct Frames<R> {
    packed: R,
    decoder: FrameDecoder,
    /// Whether a frame has begun and not ended yet.
    within: bool,
    /// Whether anything was decompressed so far.
    read: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(packed: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW_BYTES);
        Self {
            packed,
            decoder,
            within: false,
            read: false,
        }
    }

    /// Begins the next frame. Returns `false` at the end of the file.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.packed) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.packed.by_ref().take(length.into());
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                Err(FrameDecoderError::WindowSizeTooBig { .. }) => {
                    return Err(io::Error::other(format!(
                        "its zstd window is larger than {} MiB; unpack it first: \
                         zstd -d --long=31 FILE",
                        MAX_WINDOW_BYTES >> 20
                    )));
                }
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(false)
    }

    /// Says what an error means to someone who has the file.
    fn failed(&mut self, error: &FrameDecoderError) -> io::Error {
        let no_frame = matches!(
            error,
            FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::BadMagicNumber(_))
        );
        let at_end = self.packed.fill_buf().is_ok_and(<[u8]>::is_empty);
        // Something else as short as a frame's magic number ends there too.
        if self.read && !self.within && (no_frame || !at_end) {
            return more_after("zstd");
        }
        if at_end {
            return cut_off("zstd");
        }
        io::Error::new(io::ErrorKind::InvalidData, format!("zstd: {error}"))
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.within || self.begin()? {
            self.within = true;
            while self.decoder.can_collect() < into.len() && !self.decoder.is_finished() {
                let missing = into.len() - self.decoder.can_collect();
                let wanted = BlockDecodingStrategy::UptoBytes(missing);
                let blocks = self.decoder.decode_blocks(&mut self.packed, wanted);
                blocks.map_err(|error| self.failed(&error))?;
            }
            let read = self.decoder.read(into)?;
            self.read |= read > 0;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            self.within = false;
        }
        Ok(0)
    }
}
