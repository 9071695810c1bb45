//! Puts placeholders in the places of secrets in a text or in bytes.

use std::ops::Range;

use super::registry::SecretRegistry;

/// Replaces each byte of a secret if the lengths around it must stay the same.
pub(super) const FILLING: u8 = b'-';

/// Whether bytes only consist of this filling, or are empty.
pub(super) fn are_filling(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| *b == FILLING)
}

/// Replaces the texts at these positions, which must be in order, by placeholders. `what` is what
/// an error calls the secrets. `None` if nothing changes.
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
