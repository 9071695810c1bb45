//! Frames as bytes (RFC 6455, 5.2).

use bytes::{BufMut, Bytes, BytesMut};

/// The longest payload of a legal control frame, in bytes (RFC 6455, 5.5).
pub const MAX_CONTROL_BYTES: usize = 125;

/// The longest head that a frame can have: two bytes, a length in eight, and a masking key.
pub const MAX_HEAD_BYTES: usize = 14;

/// Marks a length in two bytes; also the smallest length written that way.
const MEDIUM: u8 = 126;
/// Marks a length in eight bytes.
const LONG: u8 = 127;
/// The smallest length that is written in eight bytes.
const MIN_LONG_BYTES: u64 = 1 << 16;
/// The FIN bit of a head's first byte, and the MASK bit of its second.
const HIGH_BIT: u8 = 0x80;

/// What the first bytes of a frame say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// More bytes are needed, at least this many in all.
    Short(usize),
    /// A whole head.
    Whole {
        /// Its length, the masking key included.
        bytes: usize,
        /// The payload's length.
        payload: u64,
    },
    /// Illegal from any peer: a length that is not in its shortest form, or over 63 bits.
    Illegal,
}

impl Head {
    /// Reads the head that `frame` begins with.
    #[must_use]
    pub fn of(frame: &[u8]) -> Self {
        let [_, second, ..] = frame else {
            return Self::Short(2);
        };
        let mask = if second & HIGH_BIT == 0 { 0 } else { 4 };
        let (form, shortest) = match second & !HIGH_BIT {
            MEDIUM => (2, u64::from(MEDIUM)),
            LONG => (8, MIN_LONG_BYTES),
            short => return Self::whole(frame, 2 + mask, u64::from(short)),
        };
        let Some(length) = frame.get(2..2 + form) else {
            return Self::Short(2 + form + mask);
        };
        let length = length.iter().fold(0, |n, &b| n << 8 | u64::from(b));
        if length < shortest || length >> 63 != 0 {
            return Self::Illegal;
        }
        Self::whole(frame, 2 + form + mask, length)
    }

    fn whole(frame: &[u8], bytes: usize, payload: u64) -> Self {
        if frame.len() < bytes {
            Self::Short(bytes)
        } else {
            Self::Whole { bytes, payload }
        }
    }
}

/// A whole, unmasked frame, head and payload in one piece.
#[must_use]
pub fn whole_frame(opcode: u8, payload: &[u8]) -> Bytes {
    frame(HIGH_BIT | opcode, payload.len() as u64, None, payload)
}

/// Any frame, legal or not. `first` is its first byte (FIN, RSV, opcode), `declared` the length
/// that its head claims.
#[must_use]
pub fn frame(first: u8, declared: u64, mask: Option<[u8; 4]>, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(MAX_HEAD_BYTES + payload.len());
    put_head(&mut out, first, declared, mask.is_some());
    if let Some(key) = mask {
        out.extend_from_slice(&key);
    }
    let body = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        apply_mask(&mut out[body..], key);
    }
    out.freeze()
}

/// Appends a [whole frame](whole_frame) to others.
///
/// ```
/// let mut frames = bytes::BytesMut::new();
/// wstape_wire::put_whole_frame(&mut frames, wstape_wire::opcode::TEXT, b"a");
/// wstape_wire::put_whole_frame(&mut frames, wstape_wire::opcode::PING, b"");
/// assert_eq!(frames[..], [0x81, 1, b'a', 0x89, 0]);
/// ```
pub fn put_whole_frame(out: &mut BytesMut, opcode: u8, payload: &[u8]) {
    put_head(out, HIGH_BIT | opcode, payload.len() as u64, false);
    out.extend_from_slice(payload);
}

/// Appends what comes before mask and payload.
fn put_head(out: &mut BytesMut, first: u8, declared: u64, masked: bool) {
    let mask_bit = if masked { HIGH_BIT } else { 0 };
    out.put_u8(first);
    match (u8::try_from(declared), u16::try_from(declared)) {
        (Ok(short), _) if short < MEDIUM => out.put_u8(mask_bit | short),
        (_, Ok(medium)) => {
            out.put_u8(mask_bit | MEDIUM);
            out.put_u16(medium);
        }
        _ => {
            out.put_u8(mask_bit | LONG);
            out.put_u64(declared);
        }
    }
}

/// Masks a payload, or unmasks it: the two are the same (RFC 6455, 5.3).
pub fn apply_mask(payload: &mut [u8], key: [u8; 4]) {
    let (words, rest) = payload.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::opcode::TEXT;

    #[test]
    fn lengths_use_the_shortest_form() {
        for (len, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frame = whole_frame(TEXT, &vec![b'x'; len]);
            assert_eq!(frame.len(), head + len, "payload of {len}");
            let payload = len as u64;
            let bytes = head;
            assert_eq!(Head::of(&frame), Head::Whole { bytes, payload });
        }
    }

    #[test]
    fn a_declared_length_and_every_bit_are_written_as_told() {
        let bytes = frame(0x53, 1 << 40, None, b"ab");
        assert_eq!(&bytes[..], b"\x53\x7f\0\0\x01\0\0\0\0\0ab");
    }

    #[test]
    fn a_length_that_is_not_in_its_shortest_form_is_illegal() {
        for illegal in [
            &b"\x81\x7e\0\x7d"[..],
            b"\x81\x7f\0\0\0\0\0\0\xff\xff",
            b"\x81\x7f\x80\0\0\0\0\0\0\0",
        ] {
            assert_eq!(Head::of(illegal), Head::Illegal, "{illegal:x?}");
        }
    }

    proptest! {
        #[test]
        fn a_head_that_has_not_come_yet_says_how_much_is_needed(
            len in 0..70_000_usize, masked in any::<bool>()
        ) {
            let mask = masked.then_some([1, 2, 3, 4]);
            let frame = frame(0x82, len as u64, mask, b"");
            for cut in 0..frame.len() {
                let Head::Short(needed) = Head::of(&frame[..cut]) else {
                    return Err(TestCaseError::fail(format!("{cut} bytes")));
                };
                prop_assert!(needed > cut && needed <= frame.len());
            }
            let head = Head::Whole { bytes: frame.len(), payload: len as u64 };
            prop_assert_eq!(Head::of(&frame), head);
        }

        #[test]
        fn a_mask_applied_twice_is_none(mut payload: Vec<u8>, key: [u8; 4]) {
            let plain = payload.clone();
            apply_mask(&mut payload, key);
            for (at, byte) in payload.iter().enumerate() {
                prop_assert_eq!(*byte, plain[at] ^ key[at % 4]);
            }
            apply_mask(&mut payload, key);
            prop_assert_eq!(payload, plain);
        }
    }
}
