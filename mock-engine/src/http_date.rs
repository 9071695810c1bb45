//! Times as HTTP writes them (RFC 9110, 5.6.7).

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

/// The last second of the year 9999, since 1970. httpdate writes nothing later, and nothing before
/// 1970, but a tape's epoch may be outside that range.
const LAST_SECOND: u64 = 253_402_300_799;

/// Writes `at` in HTTP's form, or the first or last time that can be written if it is out of range.
pub(crate) fn http_date(at: DateTime<Utc>) -> String {
    let since_1970 = u64::try_from(at.timestamp()).unwrap_or(0);
    let since_1970 = Duration::from_secs(since_1970.min(LAST_SECOND));
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since_1970)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_http_can_not_say_is_the_nearest_that_it_can() {
        let date = |text: &str| http_date(text.parse().expect("a time"));
        assert_eq!(
            date("2026-11-27T22:38:00.9Z"),
            "Fri, 27 Nov 2026 22:38:00 GMT"
        );
        assert_eq!(
            date("0000-01-01T00:00:00Z"),
            "Thu, 01 Jan 1970 00:00:00 GMT"
        );
        assert_eq!(
            date("9999-12-31T23:59:59Z"),
            "Fri, 31 Dec 9999 23:59:59 GMT"
        );
        let beyond = http_date(DateTime::<Utc>::MAX_UTC);
        assert_eq!(beyond, "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
