//! Tracks the position in a stream: in an HTTP head, at the start of a message, or inside one.
//!
//! The relay has one cursor for each direction. A cursor only reads the heads of frames, which is
//! cheap enough to do as the traffic passes. After a loss, it tells where the next message begins,
//! so that recording can resume there.

/// The longest head of a frame: two bytes, an eight-byte length, a four-byte mask (RFC 6455, 5.2).
const MAX_FRAME_HEAD_BYTES: usize = 14;
/// How an answer that upgrades the connection begins.
const UPGRADED: [&[u8]; 2] = [b"HTTP/1.1 101", b"HTTP/1.0 101"];
/// The length of a status line up to and including its status.
const STATUS_BYTES: usize = 12;
/// The end of a head.
const BLANK_LINE: &[u8; 4] = b"\r\n\r\n";
/// The longest head of a request or answer that is followed, in bytes. After a longer one the
/// position is unknown.
const MAX_HEAD_BYTES: usize = super::bounds::MAX_HEAD_BYTES;

/// What a stretch of a stream contained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// The number of frames that ended in it.
    pub(crate) frames: u64,
    /// The first position in it where a message begins, and the number of frames that ended before.
    pub(crate) boundary: Option<(usize, u64)>,
    /// Whether the head of an upgrade's answer ended in it.
    pub(crate) upgraded: bool,
}

/// A position in one direction of a connection.
#[derive(Debug)]
pub(crate) struct Cursor {
    place: Place,
    /// Whether a message has begun without its last fragment.
    in_message: bool,
}

#[derive(Debug)]
enum Place {
    /// In the head of a request or an answer.
    Head(Head),
    /// In the head of a frame.
    FrameHead {
        bytes: [u8; MAX_FRAME_HEAD_BYTES],
        have: usize,
    },
    /// In a frame's payload, with this many bytes still to come.
    Payload { left: u64 },
    /// Position unknown.
    Lost,
}

#[derive(Debug, Default)]
struct Head {
    status: [u8; STATUS_BYTES],
    len: usize,
    /// How much of the blank line has come, in bytes.
    matched: usize,
}

impl Cursor {
    /// A cursor at the start of a stream.
    pub(crate) fn new() -> Self {
        Self {
            place: Place::Head(Head::default()),
            in_message: false,
        }
    }

    /// Expects frames from here on, because the other direction has upgraded.
    pub(crate) fn upgrade(&mut self) {
        if matches!(self.place, Place::Head(_)) {
            self.place = Place::frame();
        }
    }

    /// Whether it is in an HTTP head. A recording needs every head.
    pub(crate) fn in_head(&self) -> bool {
        matches!(self.place, Place::Head(_))
    }

    /// Moves over `bytes`.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Passed {
        let mut passed = Passed::default();
        let mut at = 0;
        loop {
            if passed.boundary.is_none() && self.at_boundary() {
                passed.boundary = Some((at, passed.frames));
            }
            if matches!(self.place, Place::FrameHead { have: 0, .. }) {
                at = self.pass_whole(bytes, at, &mut passed);
            }
            if at == bytes.len() {
                return passed;
            }
            let rest = &bytes[at..];
            match &mut self.place {
                Place::Lost => return passed,
                Place::Head(head) => {
                    let (taken, ended) = head.take(rest);
                    at += taken;
                    if ended {
                        passed.upgraded |= head.upgrades();
                        self.place = head.next();
                    } else if head.len > MAX_HEAD_BYTES {
                        self.place = Place::Lost;
                    }
                }
                Place::FrameHead { bytes, have } => {
                    let need = frame_head_len(&bytes[..*have]);
                    let taken = rest.len().min(need - *have);
                    bytes[*have..*have + taken].copy_from_slice(&rest[..taken]);
                    *have += taken;
                    at += taken;
                    if *have == frame_head_len(&bytes[..*have]) {
                        let (opcode, fin) = (bytes[0] & 0x0f, bytes[0] & 0x80 != 0);
                        let left = payload_len(&bytes[..*have]);
                        if opcode < 8 {
                            self.in_message = !fin;
                        }
                        self.place = Place::Payload { left };
                        if left == 0 {
                            self.place = Place::frame();
                            passed.frames += 1;
                        }
                    }
                }
                Place::Payload { left } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    at += here;
                    *left -= here as u64;
                    if *left == 0 {
                        self.place = Place::frame();
                        passed.frames += 1;
                    }
                }
            }
        }
    }

    /// At the start of a frame, moves over complete frames. This is the fast path for most traffic.
    fn pass_whole(&mut self, bytes: &[u8], mut at: usize, passed: &mut Passed) -> usize {
        while let Some(length) = whole_frame(&bytes[at..]) {
            let (opcode, fin) = (bytes[at] & 0x0f, bytes[at] & 0x80 != 0);
            if opcode < 8 {
                self.in_message = !fin;
            }
            at += length;
            passed.frames += 1;
            if passed.boundary.is_none() && !self.in_message {
                passed.boundary = Some((at, passed.frames));
            }
        }
        at
    }

    /// Moves over bytes that were not seen: within a payload the position is still known, elsewhere
    /// it is lost.
    pub(crate) fn skip(&mut self, count: u64) {
        self.place = match self.place {
            Place::Payload { left } if left > count => Place::Payload { left: left - count },
            Place::Payload { left } if left == count => Place::frame(),
            _ => Place::Lost,
        };
    }

    /// Whether the position is unknown.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.place, Place::Lost)
    }

    /// Sets the position to the start of a message, if that is known from elsewhere.
    pub(crate) fn resync(&mut self) {
        self.place = Place::frame();
        self.in_message = false;
    }

    fn at_boundary(&self) -> bool {
        matches!(self.place, Place::FrameHead { have: 0, .. }) && !self.in_message
    }
}

impl Place {
    fn frame() -> Self {
        Self::FrameHead {
            bytes: [0; MAX_FRAME_HEAD_BYTES],
            have: 0,
        }
    }
}

impl Head {
    /// Takes the head's bytes. Returns how many, and whether the head ended there.
    fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, &byte) in bytes.iter().enumerate() {
            if let Some(place) = self.status.get_mut(self.len) {
                *place = byte;
            }
            self.len += 1;
            self.matched = match byte {
                _ if byte == BLANK_LINE[self.matched] => self.matched + 1,
                b'\r' => 1,
                _ => 0,
            };
            if self.matched == BLANK_LINE.len() {
                return (at + 1, true);
            }
        }
        (bytes.len(), false)
    }

    fn upgrades(&self) -> bool {
        UPGRADED.contains(&&self.status[..])
    }

    /// What follows a head: frames after an upgrade, another head after a request or an interim
    /// answer (RFC 9110, 15.2), and after any other answer a body, which is not followed.
    fn next(&self) -> Place {
        let answer = self.status.starts_with(b"HTTP/");
        if self.upgrades() {
            Place::frame()
        } else if answer && self.status[STATUS_BYTES - 3] != b'1' {
            Place::Lost
        } else {
            Place::Head(Self::default())
        }
    }
}

/// The length of the frame at the start of `bytes`, if it is complete.
fn whole_frame(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..frame_head_len(bytes))?;
    let payload = usize::try_from(payload_len(head)).ok()?;
    let length = head.len().checked_add(payload)?;
    (length <= bytes.len()).then_some(length)
}

/// The length of a frame's head by its first bytes `head`; if they are too few, how many are needed
/// to know it.
fn frame_head_len(head: &[u8]) -> usize {
    let [_, second, ..] = head else {
        return 2;
    };
    let length = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + length + if second & 0x80 == 0 { 0 } else { 4 }
}

/// The length of the payload, by a complete head.
fn payload_len(head: &[u8]) -> u64 {
    let big_endian = |bytes: &[u8]| bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b));
    match head[1] & 0x7f {
        126 => big_endian(&head[2..4]),
        127 => big_endian(&head[2..10]),
        short => u64::from(short),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: h\r\n\r\n";
    const UPGRADE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

    /// Two fragments of a message with a Ping between them, then an unfragmented one of 300 bytes.
    fn frames() -> Vec<u8> {
        let mut frames = b"\x01\x02ab\x89\x00\x80\x01c\x81\x7e\x01\x2c".to_vec();
        frames.extend([b'x'; 300]);
        frames
    }

    #[test]
    fn messages_begin_behind_the_upgrade_and_behind_whole_messages_only() {
        let stream = [UPGRADE, &frames()].concat();
        let starts = [0, 9, 9 + 304].map(|at| UPGRADE.len() + at);
        for cut in 0..stream.len() {
            let mut cursor = Cursor::new();
            let before = cursor.pass(&stream[..cut]);
            let behind = cursor.pass(&stream[cut..]);
            assert_eq!(before.frames + behind.frames, 4, "cut at {cut}");
            let next = starts.iter().find(|start| **start >= cut);
            let found = behind.boundary.map(|(at, _)| at + cut);
            assert_eq!(found.as_ref(), next, "cut at {cut}");
        }
    }

    #[test]
    fn a_stretch_is_passed_as_its_bytes_are_one_by_one() {
        // Every length format, masked or not, and a message in several fragments.
        let mut stream = frames();
        stream.extend(b"\x81\x85\x01\x02\x03\x04hello\x01\xfe\0\x02\0\0\0\0xy\x8a\x80\0\0\0\0");
        stream.extend(b"\x80\x7f\0\0\0\0\0\x01\0\0");
        stream.extend(vec![b'x'; 1 << 16]);
        stream.extend(b"\x81\x01x\x81");
        for start in [0, 1, 3, 9, 313, 330] {
            let mut at_once = Cursor::new();
            at_once.pass(UPGRADE);
            at_once.pass(&stream[..start]);
            let mut one_by_one = Cursor::new();
            one_by_one.pass(UPGRADE);
            one_by_one.pass(&stream[..start]);
            let mut expected = Passed::default();
            for (at, byte) in stream[start..].iter().enumerate() {
                let passed = one_by_one.pass(&[*byte]);
                let boundary = passed
                    .boundary
                    .map(|(by, frames)| (at + by, expected.frames + frames));
                expected.boundary = expected.boundary.or(boundary);
                expected.frames += passed.frames;
            }
            assert_eq!(at_once.pass(&stream[start..]), expected, "from {start}");
            assert_eq!(
                at_once.pass(b"\x01x"),
                one_by_one.pass(b"\x01x"),
                "from {start}"
            );
        }
    }

    #[test]
    fn frames_before_a_boundary_are_counted() {
        let mut cursor = Cursor::new();
        cursor.pass(UPGRADE);
        cursor.pass(&frames()[..3]);
        let passed = cursor.pass(&frames()[3..]);
        assert_eq!((passed.boundary, passed.frames), (Some((6, 3)), 4));
    }

    #[test]
    fn a_client_sends_frames_once_it_was_upgraded_and_heads_before() {
        let mut cursor = Cursor::new();
        assert_eq!(cursor.pass(REQUEST), Passed::default());
        assert!(cursor.in_head());
        cursor.upgrade();
        let masked = b"\x81\x81\0\0\0\0x";
        assert_eq!(cursor.pass(masked).frames, 1);
    }

    #[test]
    fn interim_answers_are_passed_and_bodies_are_not_followed() {
        let mut cursor = Cursor::new();
        cursor.pass(b"HTTP/1.1 103 Early Hints\r\n\r\n");
        assert!(cursor.in_head());
        assert!(cursor.pass(UPGRADE).upgraded);

        let mut cursor = Cursor::new();
        let passed = cursor.pass(b"HTTP/1.1 200 OK\r\n\r\n\x81\x01x");
        assert_eq!((passed, cursor.in_head()), (Passed::default(), false));
    }

    #[test]
    fn bytes_that_nobody_saw_are_passed_within_a_payload_and_nowhere_else() {
        let mut cursor = Cursor::new();
        cursor.pass(UPGRADE);
        cursor.pass(b"\x81\x05ab");
        cursor.skip(2);
        assert_eq!(cursor.pass(b"e\x81\x00").boundary, Some((1, 1)));
        cursor.pass(b"\x81\x05ab");
        cursor.skip(3);
        assert_eq!(cursor.pass(b"\x81\x00").boundary, Some((0, 0)));
        cursor.pass(b"\x81\x05ab");
        cursor.skip(4);
        assert!(cursor.is_lost());
        cursor.resync();
        assert_eq!(cursor.pass(b"\x81\x00").boundary, Some((0, 0)));
        cursor.pass(b"\x81");
        cursor.skip(1);
        assert!(cursor.is_lost());
    }

    #[test]
    fn a_head_without_an_end_is_given_up() {
        let mut cursor = Cursor::new();
        cursor.pass(&vec![b'x'; MAX_HEAD_BYTES + 1]);
        assert!(!cursor.in_head());
    }
}
