//! The places of secrets in a text or in bytes, and what comes to stand there.

use std::ops::Range;

use super::registry::SecretRegistry;

/// What stands in place of each byte of a secret where the lengths around it have to stay.
pub(super) const FILLING: u8 = b'-';

/// Whether bytes are what stands in place of a secret, or none.
pub(super) fn are_filling(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| *b == FILLING)
}

/// A text with a placeholder in each of these places, which are in their order; `what` is what an error
/// calls the secrets. `None` where nothing changes.
pub(super) fn replaced(
    text: &str,
    places: impl IntoIterator<Item = Range<usize>>,
    what: &str,
    secrets: &mut SecretRegistry,
) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for place in places {
        out.push_str(&text[copied..place.start]);
        out.push_str(&secrets.text(text[place.clone()].as_bytes(), what));
        copied = place.end;
    }
    (out != text[..copied]).then(|| out + &text[copied..])
}
