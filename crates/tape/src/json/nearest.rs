//! The known key that a misspelt one was meant to be.

use strsim::osa_distance;

/// Most characters that a misspelt key may have: nothing longer is a key of this format.
const MAX_MISSPELT_CHARS: usize = 24;

/// The key nearest to `wrong`, if one is near enough to suggest.
pub(crate) fn nearest<'k>(wrong: &str, keys: &[&'k str]) -> Option<&'k str> {
    if wrong.chars().nth(MAX_MISSPELT_CHARS).is_some() {
        return None;
    }
    let wrong = wrong.to_lowercase();
    let unit_left_out = keys
        .iter()
        .find(|key| key.strip_suffix("_ms") == Some(&*wrong));
    if let Some(key) = unit_left_out {
        return Some(key);
    }
    let allowed = (wrong.chars().count() / 3).max(1);
    keys.iter()
        .map(|key| (osa_distance(&wrong, key), *key))
        .filter(|(distance, key)| *distance <= allowed && *distance < key.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelling_finds_its_key_and_another_word_finds_none() {
        let keys = ["drop", "down", "partition", "latency_ms", "x"];
        for (wrong, right) in [
            ("dorp", Some("drop")),
            ("Drop", Some("drop")),
            ("partion", Some("partition")),
            ("latency", Some("latency_ms")),
            ("latencyms", Some("latency_ms")),
            ("banana", None),
            ("", None),
            (&"d".repeat(1_000_000), None),
        ] {
            assert_eq!(nearest(wrong, &keys), right, "{wrong:.20}");
        }
    }
}
