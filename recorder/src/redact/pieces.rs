//! Redacts signatures, keys and tokens among other text, recognized by their look.

use std::ops::Range;

use super::login::{is_media, is_signature};
use super::places::{FILLING, replaced};
use super::registry::SecretRegistry;

/// What errors call something that looks like a signature.
pub(super) const SIGNATURE: &str = "what looks like a signature in what a client sent";

/// The shortest piece that may look like a signature, in bytes.
const MIN_BYTES: usize = 40;

/// Redacts the pieces of a text that look like a signature; `None` if there are none.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    replaced(text, places(text.as_bytes()), SIGNATURE, secrets)
}

/// Whether a text contains a piece that looks like a signature.
pub(super) fn stand_in(text: &str) -> bool {
    !places(text.as_bytes()).is_empty()
}

/// Redacts what looks like a signature in bytes of an unknown format. Each is replaced by as many
/// bytes, because there may be lengths around it. `None` if there are none.
pub(super) fn redact_bytes(bytes: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    for range in places(bytes) {
        let mut placeholder = secrets.text(&bytes[range.clone()], SIGNATURE).into_bytes();
        placeholder.resize(range.len(), FILLING);
        out[range].copy_from_slice(&placeholder);
    }
    (out != bytes).then_some(out)
}

/// The positions of the pieces that look like a signature.
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

/// The length of the words at the beginning of a path, lowercase letters before a slash, which
/// don't belong to a token.
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

/// The positions of the segments that look like a token in a piece that does not as a whole.
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
