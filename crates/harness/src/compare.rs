//! An outcome beside what was expected.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use wstape_tape::Micros;

use crate::outcome::Outcome;
use crate::timeline::Line;

/// How far a time of a real run may lie from the virtual one's, for each second of the run begun
/// and once more: timers of the machine wake late, never early, and each wait adds its own.
pub const REAL_TOLERANCE: Duration = Duration::from_millis(50);

/// Lines shown around each departure.
const CONTEXT_LINES: usize = 3;

/// What departs, line by line, as a patch; `-` is the snapshot, `+` what was found. `None` where
/// the two are the same.
#[must_use]
pub fn diff(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let diff = TextDiff::from_lines(expected, found);
    let mut text = String::new();
    for (n, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
        if n > 0 {
            text.push_str("  ⋮\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{sign} {}", change.value().trim_end_matches('\n'));
        }
    }
    Some(text)
}

/// Where a real run departs from the virtual one: every line of the timeline has its counterpart
/// within the tolerance, every gap too, and the mirrors are equal but for times within it.
#[must_use]
pub fn departures(expected: &Outcome, real: &Outcome) -> Vec<String> {
    let seconds = expected.duration.0.div_ceil(1_000_000) + 1;
    let tolerance = REAL_TOLERANCE * u32::try_from(seconds).unwrap_or(u32::MAX);
    let near = |a: Micros, b: Micros| a.0.abs_diff(b.0) <= Micros::from(tolerance).0;
    let mut found = Vec::new();

    let mut unmatched: Vec<&Line> = real.timeline.lines().iter().collect();
    for line in expected.timeline.lines() {
        let counterpart = unmatched.iter().position(|other| {
            (line.conn, &line.text) == (other.conn, &other.text) && near(line.at, other.at)
        });
        match counterpart {
            Some(n) => {
                unmatched.remove(n);
            }
            None => found.push(format!("missing  {}  {}", line.at, line.text)),
        }
    }
    found.extend(
        unmatched
            .iter()
            .map(|line| format!("extra    {}  {}", line.at, line.text)),
    );

    if expected.reconnects.len() == real.reconnects.len() {
        for (n, (a, b)) in expected.reconnects.iter().zip(&real.reconnects).enumerate() {
            let same = a.why == b.why && a.cap == b.cap;
            let (a, b) = (a.gap(), b.gap());
            if !same || a.zip(b).is_some_and(|(a, b)| !near(a, b)) {
                found.push(format!("reconnect {}: gap {b:?}, expected {a:?}", n + 1));
            }
        }
    } else {
        found.push(format!(
            "{} reconnects, expected {}",
            real.reconnects.len(),
            expected.reconnects.len()
        ));
    }
    if expected.events != real.events {
        found.push(format!(
            "events {:?}, expected {:?}",
            real.events, expected.events
        ));
    }
    found.extend(real.unmet().map(|demand| format!("unmet    {demand}")));
    let mirrors = expected.mirror.as_ref().zip(real.mirror.as_ref());
    if let Some(place) = mirrors.and_then(|(a, b)| mirror_departs(a, b, tolerance, "mirror")) {
        found.push(place);
    }
    found
}

fn mirror_departs(a: &Value, b: &Value, tolerance: Duration, place: &str) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            a.iter().find_map(|(key, value)| {
                let other = b.get(key).unwrap_or(&Value::Null);
                mirror_departs(value, other, tolerance, &format!("{place}.{key}"))
            })
        }
        (Value::String(x), Value::String(y)) if x != y => {
            let time = |text: &str| DateTime::parse_from_rfc3339(text).ok();
            let apart = time(x).zip(time(y)).map(|(x, y)| (x - y).abs());
            let near = apart.and_then(|apart| apart.to_std().ok()) <= Some(tolerance);
            (apart.is_none() || !near).then(|| format!("{place}: {b}, expected {a}"))
        }
        _ => (a != b).then(|| format!("{place}: {b}, expected {a}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_texts_have_no_diff_and_others_show_both_sides() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), None);
        assert_eq!(diff("a\nb\n", "a\nc\n").unwrap(), "  a\n- b\n+ c\n");
    }

    #[test]
    fn a_mirror_may_depart_in_times_alone_and_only_within_the_tolerance() {
        let at = |text: &str| json!({"last_heartbeat": text, "n": 1});
        let departs = |a, b| mirror_departs(&a, &b, Duration::from_millis(100), "mirror");
        let base = at("2026-01-01T00:00:00Z");
        assert_eq!(departs(base.clone(), at("2026-01-01T00:00:00.100Z")), None);
        assert!(departs(base.clone(), at("2026-01-01T00:00:00.101Z")).is_some());
        assert!(departs(base.clone(), at("soon")).is_some());
        assert!(
            departs(
                base,
                json!({"last_heartbeat": "2026-01-01T00:00:00Z", "n": 2})
            )
            .is_some()
        );
    }
}
