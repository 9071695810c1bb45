//! `Retry-After` of a refused handshake (RFC 9110, 10.2.3).

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode, header};

/// What a 429 or 503 asks for, counted from `now`; a date in the past is zero. `None` for another
/// status, or if the header is missing or can't be read.
pub(crate) fn retry_after(
    status: StatusCode,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Option<Duration> {
    if !matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        return None;
    }
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time, not a malformed value.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?);
    Some((date - now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, text: &str) -> Option<Duration> {
        let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
        let headers = [(header::RETRY_AFTER, text.parse().unwrap())].into_iter();
        retry_after(
            StatusCode::from_u16(status).unwrap(),
            &headers.collect(),
            now,
        )
    }

    #[test]
    fn seconds_and_dates_are_honoured_on_429_and_503_alone() {
        let seconds = |n| Some(Duration::from_secs(n));
        for (status, text, expected) in [
            (503, "7", seconds(7)),
            (429, " 0 ", seconds(0)),
            (503, "99999999999999999999999", seconds(u64::MAX)),
            (503, "Thu, 01 Jan 2026 00:01:30 GMT", seconds(90)),
            (503, "Wed, 31 Dec 2025 00:00:00 GMT", seconds(0)),
            (500, "7", None),
            (503, "-7", None),
            (503, "7.5", None),
            (503, "soon", None),
            (503, "", None),
        ] {
            assert_eq!(read(status, text), expected, "{status} {text:?}");
        }
    }
}
