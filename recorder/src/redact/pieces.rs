//! Signatures, keys and tokens by their look, where they stand among other text.

use std::ops::Range;

use super::login::{is_media, is_signature};
use super::places::{FILLING, replaced};
use super::registry::SecretRegistry;

/// What errors call what has the look of a signature.
pub(super) const SIGNATURE: &str = "what looks like a signature in what a client sent";

/// A shorter piece has the look of nothing.
const MIN_BYTES: usize = 40;

/// A text without the pieces that look like a signature; `None` where it has none.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    replaced(text, places(text.as_bytes()), SIGNATURE, secrets)
}

/// Whether a piece that looks like a signature stands in a text.
pub(super) fn stand_in(text: &str) -> bool {
    !places(text.as_bytes()).is_empty()
}

/// Bytes of a form that nobody here reads, such as protobuf, where what looks like a signature is
/// replaced by as many bytes, for the sake of lengths around it; `None` where there is nothing.
pub(super) fn redact_bytes(bytes: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    for range in places(bytes) {
        let mut placeholder = secrets.text(&bytes[range.clone()], SIGNATURE).into_bytes();
        placeholder.resize(range.len(), FILLING);
        out[range].copy_from_slice(&placeholder);
    }
    (out != bytes).then_some(out)
}

/// Where the pieces stand that look like a signature.
fn places(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut start = 0;
    for end in 0..=bytes.len() {
        if bytes.get(end).is_some_and(|b| of_a_token(*b)) {
            continue;
        }
        let piece = std::str::from_utf8(&bytes[start..end]).unwrap_or_default();
        let words = words_before(piece);
        let (piece, from) = (&piece[words..], start + words);
        if piece.len() >= MIN_BYTES && is_signature(piece) {
            places.push(from..end);
        } else if piece.len() >= MIN_BYTES && !is_media(piece) {
            places.extend(segments(piece, from));
        }
        start = end + 1;
    }
    places
}

/// Bytes of the words with which a path begins, which are none of a token's: small letters before a
/// slash.
pub(super) fn words_before(piece: &str) -> usize {
    const MIN_LETTERS: usize = 3;
    let mut at = 0;
    while let Some(length) = piece[at..].find('/') {
        let word = &piece.as_bytes()[at..at + length];
        if length < MIN_LETTERS || !word.iter().all(u8::is_ascii_lowercase) {
            break;
        }
        at += length + 1;
    }
    at
}

/// Of what is no token as a whole, the segments that are.
fn segments(piece: &str, at: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = at;
    piece.split(['/', '=']).filter_map(move |segment| {
        let range = start..start + segment.len();
        start = range.end + 1;
        is_signature(segment).then_some(range)
    })
}

fn of_a_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "q7xW2nB5vC9dTx7Q4f8Kz01mQ7xW2nB5vC9dTx7Q4f8=";

    #[test]
    fn a_token_among_other_text_goes_and_the_text_stays() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let hex = "0f".repeat(32);
        for (before, token, behind) in [
            ("balance@", TOKEN, ""),
            ("root@pam:PVEVNC:67A1B2C3::", TOKEN, "\n"),
            ("jdev/sys/getkey/", &hex, "/ada"),
            ("|/trn Ada,0,4;ada;", &hex, ";x"),
        ] {
            let text = [before, token, behind].concat();
            let clean = redact(&text, &mut secrets).expect(&text);
            let placeholder = secrets.text(token.as_bytes(), SIGNATURE);
            assert_eq!(clean, [before, &placeholder, behind].concat());
            assert_eq!(redact(&clean, &mut secrets), None, "{clean}");
        }
        for text in ["/contractMarket/level2Depth50:XBTUSDTM,ETHUSDTM", "a b", ""] {
            assert_eq!(redact(text, &mut secrets), None);
        }
    }

    #[test]
    fn in_bytes_of_another_form_the_token_goes_and_their_number_stays() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let bytes = [&[0x0a, 44], TOKEN.as_bytes(), &[0x10, 0xff, 0x01]].concat();
        let clean = redact_bytes(&bytes, &mut secrets).unwrap();
        assert_eq!(clean.len(), bytes.len());
        assert_eq!((&clean[..2], &clean[46..]), (&bytes[..2], &bytes[46..]));
        assert!(
            !clean
                .windows(20)
                .any(|part| part == &TOKEN.as_bytes()[..20])
        );
        assert_eq!(redact_bytes(&clean, &mut secrets), None);
    }
}
