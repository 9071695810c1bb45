//! When an event happened, by its message: the contract's rule, and the catalogue's fault A3.

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use engine_client::{Decoded, EngineEvent, decode};
use proptest::prelude::*;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2030, 1, 2, 3, 4, 5)
        .single()
        .expect("a time that exists once")
}

fn decoded(message: &str) -> Decoded {
    decode(message, now()).unwrap_or_else(|why| panic!("{why}: {message}"))
}

#[test]
fn a_time_is_read_as_the_engine_writes_it_and_naive_means_utc() {
    let cases = [
        (
            "2026-04-21T19:05:36.821259+00:00",
            "2026-04-21T19:05:36.821259Z",
        ),
        ("2026-04-21T19:05:36.821259Z", "2026-04-21T19:05:36.821259Z"),
        ("2026-04-21T19:05:36.821259", "2026-04-21T19:05:36.821259Z"),
        ("2026-04-21T19:05:36", "2026-04-21T19:05:36Z"),
        ("2026-04-21 19:05:36", "2026-04-21T19:05:36Z"),
        ("2026-04-21 19:05:36.5+00:00", "2026-04-21T19:05:36.5Z"),
        ("2026-04-21t19:05:36z", "2026-04-21T19:05:36Z"),
        ("2026-04-21T19:05:36.1", "2026-04-21T19:05:36.1Z"),
        (
            "2026-04-21T19:05:36.000000001Z",
            "2026-04-21T19:05:36.000000001Z",
        ),
        (
            "2026-04-21T19:05:36.1234567891Z",
            "2026-04-21T19:05:36.123456789Z",
        ),
        (
            "2026-04-21T19:05:36.1234567891",
            "2026-04-21T19:05:36.123456789Z",
        ),
        ("2026-04-21T19:05:36+02:00", "2026-04-21T17:05:36Z"),
        ("2026-04-21T19:05:36.25-05:30", "2026-04-22T00:35:36.25Z"),
        ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
        ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        (
            "9999-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59.999999999Z",
        ),
        ("1970-01-01T00:00:00-00:00", "1970-01-01T00:00:00Z"),
        (r"2026-04-21T19:05:36\u005a", "2026-04-21T19:05:36Z"),
    ];
    for (text, utc) in cases {
        let message = format!(r#"{{"event":"heartbeat","ts":"{text}"}}"#);
        let expected = utc.parse::<DateTime<Utc>>().expect("the table's own time");
        assert_eq!(decoded(&message).ts, expected, "{text}");
        assert_eq!(decoded(&message).event, EngineEvent::Heartbeat(expected));
    }
}

#[test]
fn a_time_beyond_four_digits_of_years_cannot_come_out_of_an_offset() {
    for (text, year) in [
        ("9999-12-31T23:59:59-23:59", "+10000"),
        ("0000-01-01T00:00:00+23:59", "-0001"),
    ] {
        let ts = decoded(&format!(r#"{{"event":"heartbeat","ts":"{text}"}}"#)).ts;
        assert!(ts.to_rfc3339().starts_with(year), "{ts}");
        assert!((ts - now()).abs() > TimeDelta::days(365));
    }
}

#[test]
fn a_leap_second_is_a_time_of_its_minute() {
    for text in [
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60.5",
        "2016-12-31 23:59:60+00:00",
    ] {
        let ts = decoded(&format!(r#"{{"event":"heartbeat","ts":"{text}"}}"#)).ts;
        assert!(ts.to_rfc3339().starts_with("2016-12-31T23:59:60"), "{ts}");
    }
}

#[test]
fn whatever_is_no_time_means_now() {
    for ts in [
        "null",
        "true",
        "1776857828",
        "-1",
        "1776857828.5",
        "{}",
        "[]",
        r#"{"a":[1]}"#,
        r#"[[["x"]]]"#,
        r#""""#,
        r#""now""#,
        r#""2026-04-21""#,
        r#""2026-04-21T19:05""#,
        r#""2026-13-01T00:00:00Z""#,
        r#""2026-02-29T00:00:00Z""#,
        r#""2026-04-21T24:00:00Z""#,
        r#""2026-04-21T19:60:00Z""#,
        r#""2026-04-21T19:05:61Z""#,
        r#""2026-04-21T19:05:36.Z""#,
        r#""2026-04-21T19:05:36+24:00""#,
        r#""2026-04-21T19:05:36+00:60""#,
        r#""2026-04-21T19:05:36 UTC""#,
        r#"" 2026-04-21T19:05:36Z""#,
        r#""2026-04-21T19:05:36ZZ""#,
        r#""+2026-04-21T19:05:36""#,
        r#""２026-04-21T19:05:36Z""#,
    ] {
        let message = format!(r#"{{"event":"risk","ts":{ts},"data":{{"halted":true}}}}"#);
        let decoded = decoded(&message);
        assert_eq!(decoded.ts, now(), "{ts}");
        assert_eq!(decoded.event.kind(), "risk", "{ts}");
        assert!(!decoded.payload_failed, "{ts}");
    }
    let deep = format!(
        r#"{{"event":"heartbeat","ts":{}{}}}"#,
        "[".repeat(9_000),
        "]".repeat(9_000)
    );
    assert_eq!(decoded(&deep).ts, now());
}

proptest! {
    #[test]
    fn a_time_that_was_written_is_read_back(
        secs in -62_167_219_200..253_402_300_799_i64,
        nanos in 0..1_000_000_000_u32,
        offset in -1439..1439_i32,
    ) {
        let time = DateTime::from_timestamp(secs, nanos).expect("a time of years 0 to 9999");
        let zone = chrono::FixedOffset::east_opt(offset * 60).expect("less than a day");
        let there = time.with_timezone(&zone);
        for text in [time.to_rfc3339(), format!("{:?}", time.naive_utc()), there.to_rfc3339()] {
            // RFC 3339 has no years beyond these.
            if !text.starts_with(['-', '+']) {
                let message = format!(r#"{{"event":"heartbeat","ts":"{text}"}}"#);
                prop_assert_eq!(decoded(&message).ts, time, "{}", text);
            }
        }
    }
}
