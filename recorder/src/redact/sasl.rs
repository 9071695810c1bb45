//! Redacts SASL's PLAIN in binary frames, as AMQP sends it: the mechanism's name, a length, and the
//! user and the password, each after a zero byte (RFC 4616).

use std::ops::Range;

use super::login::LOGIN;
use super::places::{FILLING, are_filling};
use super::registry::SecretRegistry;

const MECHANISM: &[u8] = b"PLAIN";

/// The maximum distance from the mechanism's name to the response: in AMQP 1.0 a type and a length
/// of one byte, in 0-9-1 a length of four bytes.
const MAX_GAP_BYTES: usize = 5;

/// Replaces the responses of PLAIN by as many bytes; `None` if there are none.
pub(super) fn redact(bytes: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    for at in memchr::memmem::find_iter(bytes, MECHANISM) {
        let Some(range) = response(bytes, at + MECHANISM.len()) else {
            continue;
        };
        let mut start = range.start;
        for part in bytes[range].split(|b| *b == 0) {
            if !are_filling(part) {
                // From here on the value is also searched for elsewhere.
                secrets.text(part, LOGIN);
                out[start..start + part.len()].fill(FILLING);
            }
            start += part.len() + 1;
        }
    }
    (out != bytes).then_some(out)
}

/// The position of the response: after a length of one or four bytes, a text with exactly two zero
/// bytes.
fn response(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    (1..=MAX_GAP_BYTES).find_map(|gap| {
        let start = from + gap;
        let length = usize::from(*bytes.get(start - 1)?);
        let range = start..start.checked_add(length)?;
        let said = bytes.get(range.clone())?;
        let text = std::str::from_utf8(said).ok()?;
        let zeros = memchr::memchr_iter(0, said).count();
        (zeros == 2 && !text.ends_with('\0')).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_go_and_the_frame_stays_as_long() {
        let said = b"\0ada\0correct-horse";
        let length = u8::try_from(said.len()).unwrap();
        let amqp_1 = [
            b"\x00\x53\x41\xc0\x20\x03\xa3\x05PLAIN\xa0",
            &[length][..],
            said,
            b"\xa1\x01h\xff",
        ]
        .concat();
        let amqp_0 = [
            b"\x01\x00\x00\x0a\x0b\x05PLAIN\x00\x00\x00",
            &[length][..],
            said,
            b"\x05en_US\xce",
        ]
        .concat();
        for frame in [amqp_1, amqp_0] {
            let mut secrets = SecretRegistry::new(&[1; 32]);
            let clean = redact(&frame, &mut secrets).unwrap();
            assert_eq!(clean.len(), frame.len());
            let has = |bytes: &[u8], text: &[u8]| memchr::memmem::find(bytes, text).is_some();
            assert!(!has(&clean, b"correct-horse") && !has(&clean, b"ada"));
            assert_eq!(redact(&clean, &mut secrets), None);
            assert!(
                has(&clean, b"PLAIN")
                    && (has(&clean, b"en_US") || clean.ends_with(b"\xa1\x01h\xff"))
            );
        }
    }

    #[test]
    fn what_is_no_such_response_stays() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        for bytes in [
            &b"\xffPLAIN"[..],
            b"\xffPLAIN\x03abc",
            b"\xffPLAIN TEXT \x04\0a\0\0",
            b"\xffEXPLAINED \xff\xfe",
        ] {
            assert_eq!(
                redact(bytes, &mut secrets),
                None,
                "{}",
                bytes.escape_ascii()
            );
        }
    }
}
