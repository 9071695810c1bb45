//! An outcome against what was expected.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use wstape_tape::Micros;

use crate::outcome::Outcome;
use crate::timeline::Line;

/// How far a time in a real run may be from the virtual one: this much, and as much again for each
/// second that the run lasts. The machine's timers wake late, never early, and each wait adds its
/// own lateness.
pub const REAL_TOLERANCE: Duration = Duration::from_millis(50);

/// Lines shown around each departure.
const CONTEXT_LINES: usize = 3;

/// How many lines of each side are compared at most, starting at the first that departs: the cost
/// is up to the square of this, and nobody reads further.
const MAX_COMPARED_LINES: usize = 2_000;

/// Shows what departs, line by line, as a patch; `-` is the snapshot, `+` what was found. `None` if
/// the two are the same. If they depart over very many lines, only the first of them are compared.
#[must_use]
pub fn diff(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let first = alike(a.iter().zip(&b));
    let last = alike(a[first..].iter().rev().zip(b[first..].iter().rev()));
    let from = first.saturating_sub(CONTEXT_LINES);
    let part = |lines: &[&str]| {
        let departing = from..lines.len() - last.saturating_sub(CONTEXT_LINES);
        let compared = departing.start..departing.end.min(from + MAX_COMPARED_LINES);
        let text: String = lines[compared.clone()]
            .iter()
            .flat_map(|line| [*line, "\n"])
            .collect();
        (text, departing.len() - compared.len())
    };
    let ((a, a_left), (b, b_left)) = (part(&a), part(&b));
    let mut text = patch(&a, &b);
    if a_left + b_left > 0 {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "  ⋮\nnot compared: {a_left} further lines of the snapshot, {b_left} of what was found"
        );
    }
    Some(text)
}

/// How many pairs are equal before the first that is not.
fn alike<'l>(pairs: impl Iterator<Item = (&'l &'l str, &'l &'l str)>) -> usize {
    pairs.take_while(|(a, b)| a == b).count()
}

fn patch(expected: &str, found: &str) -> String {
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
            let _ = writeln!(text, "{sign} {}", change.value().trim_end_matches('\n'));
        }
    }
    text
}

/// Lists where a real run departs from the virtual one. Every line of the timeline and every gap
/// must have a counterpart within the tolerance, and the mirrors must be equal except for times
/// within it.
#[must_use]
pub fn departures(expected: &Outcome, real: &Outcome) -> Vec<String> {
    let seconds = expected.duration.0.div_ceil(1_000_000) + 1;
    let tolerance = REAL_TOLERANCE * u32::try_from(seconds).unwrap_or(u32::MAX);
    let near = |a: Micros, b: Micros| a.0.abs_diff(b.0) <= Micros::from(tolerance).0;
    let mut found = Vec::new();

    found.extend(unmatched(
        expected.timeline.lines(),
        real.timeline.lines(),
        near,
    ));

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

/// Lists the lines of either run without a counterpart in the other: an equal line at a time that
/// is `near`. Both are in the order of their times.
fn unmatched(
    expected: &[Line],
    real: &[Line],
    near: impl Fn(Micros, Micros) -> bool,
) -> Vec<String> {
    let mut alike: HashMap<_, VecDeque<&Line>> = HashMap::new();
    for line in real {
        alike
            .entry((line.conn, &line.text))
            .or_default()
            .push_back(line);
    }
    let mut found = Vec::new();
    let mut matched = HashSet::new();
    for line in expected {
        let waiting = alike.get_mut(&(line.conn, &line.text));
        let counterpart = waiting.and_then(|waiting| {
            // What is too early for this line is too early for all later ones.
            while waiting
                .front()
                .is_some_and(|other| other.at < line.at && !near(line.at, other.at))
            {
                waiting.pop_front();
            }
            let found = waiting.front().is_some_and(|other| near(line.at, other.at));
            found.then(|| waiting.pop_front()).flatten()
        });
        match counterpart {
            Some(other) => {
                matched.insert(std::ptr::from_ref(other));
            }
            None => found.push(format!("missing  {}  {}", line.at, line.text)),
        }
    }
    let extra = real
        .iter()
        .filter(|line| !matched.contains(&std::ptr::from_ref(*line)));
    found.extend(extra.map(|line| format!("extra    {}  {}", line.at, line.text)));
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
    fn texts_that_depart_over_very_many_lines_are_compared_as_far_as_anybody_reads() {
        let lines = |word: &str, count: usize| -> String {
            let lines = (0..count).map(|n| format!("{word} {n}\n"));
            lines.collect()
        };
        let (same, count) = (lines("same", 300_000), 100_000);
        let expected = [&*same, &lines("was", count), &same].concat();
        let found = [&*same, &lines("is", count + 1), &same].concat();
        let diff = diff(&expected, &found).unwrap();
        assert!(diff.starts_with("  same 299997\n"), "{}", &diff[..80]);
        assert!(
            diff.ends_with(
                "\nnot compared: 98006 further lines of the snapshot, 98007 of what was found\n"
            ),
            "{}",
            &diff[diff.len() - 120..]
        );
    }

    #[test]
    fn each_line_of_a_real_run_is_the_counterpart_of_one_and_those_too_far_are_of_none() {
        let line = |at, text: &str| Line::told(Micros(at), None, text);
        let near = |a: Micros, b: Micros| a.0.abs_diff(b.0) <= 5;
        let expected = [line(0, "a"), line(10, "a"), line(20, "b"), line(30, "a")];
        let real = [
            line(1, "a"),
            line(2, "a"),
            line(21, "b"),
            line(33, "a"),
            line(34, "a"),
        ];
        assert_eq!(
            unmatched(&expected, &real, near),
            [
                "missing  0.000010  a",
                "extra    0.000002  a",
                "extra    0.000034  a"
            ]
        );
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
