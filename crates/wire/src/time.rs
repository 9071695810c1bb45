//! Timestamps (RFC 3339).

use chrono::{DateTime, FixedOffset, NaiveDateTime, SecondsFormat, Utc};

/// How UTC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// `Z`.
    Z,
    /// `+00:00`, as Python writes it.
    Offset,
}

/// Writes a time with six digits after the decimal point.
///
/// ```
/// use wstape_wire::time::{Zone, parse, to_text};
/// let time = parse("2026-04-21T19:05:36.5+02:00").unwrap();
/// assert_eq!(to_text(time.to_utc(), Zone::Z), "2026-04-21T17:05:36.500000Z");
/// assert_eq!(to_text(time.to_utc(), Zone::Offset), "2026-04-21T17:05:36.500000+00:00");
/// ```
#[must_use]
pub fn to_text(time: DateTime<Utc>, zone: Zone) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, zone == Zone::Z)
}

/// Reads a time and its offset.
#[must_use]
pub fn parse(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok()
}

/// Reads a time as [`parse`] does, but also takes what other tools write: no offset, meaning UTC,
/// or an offset without a colon.
#[must_use]
pub fn parse_lenient(text: &str) -> Option<DateTime<Utc>> {
    let no_colon = || DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok();
    let no_offset = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok();
    parse(text)
        .or_else(no_colon)
        .map(|time| time.to_utc())
        .or_else(|| no_offset().map(|time| time.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_other_tools_write_it() {
        let written = [
            "2026-04-21T17:05:36.5Z",
            "2026-04-21T19:05:36.5+02:00",
            "2026-04-21T19:05:36.5+0200",
            "2026-04-21T17:05:36.5",
        ];
        for (strict, text) in written.into_iter().enumerate() {
            let time = parse_lenient(text).unwrap();
            assert_eq!(to_text(time, Zone::Z), "2026-04-21T17:05:36.500000Z");
            assert_eq!(parse(text).is_some(), strict < 2, "{text}");
        }
        assert_eq!(parse_lenient("yesterday"), None);
    }
}
