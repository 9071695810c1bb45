//! Durations on the command line.

use std::time::Duration;

/// What a duration looks like, for error messages.
const EXPECTED: &str = "a duration is a number with its unit, such as 250ms, 90s or 1h30m";

/// Parses a duration such as `90s`.
///
/// # Errors
/// One sentence that says what a duration looks like.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| EXPECTED.to_owned())
}

/// As [`duration`], for an option whose help shows its default.
///
/// # Errors
/// As [`duration`].
#[cfg(feature = "cli")]
pub(crate) fn shown(text: &str) -> Result<humantime::Duration, String> {
    duration(text).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_duration_is_told_what_one_looks_like() {
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        for text in ["nonsense", "5", "", "5 parsecs", "-1s"] {
            assert_eq!(duration(text), Err(EXPECTED.to_owned()), "{text:?}");
        }
    }
}
