//! Whole shrinks, with test rules whose smallest case is known.

use wstape_tape::{Action, Micros, Tape, Trigger};

use wstape_oracle::Rule;

use super::{Shrunk, shrink};
use crate::case::{About, Case};

const RULE: Rule = Rule::R9;

/// Half an hour of events one second apart, under a hundred faults and a few user calls.
fn large() -> Case {
    let mut base = String::from(concat!(
        r#"{"tape":1,"title":"generated","x-subscriber":{"initial_backoff_ms":73.219,"#,
        r#""max_backoff_ms":4111.003,"multiplier":3,"token":"t"}}"#,
        "\n",
    ));
    let event = |second: usize| {
        let event = ["risk", "status", "positions", "regime"][second % 4];
        format!(
            r#"{{"at_ms":{second}123.457,"emit":{{"event":"{event}","ts":"2026-01-01T00:00:00Z","data":{{"halted":true,"n":{second}}}}}}}"#
        ) + "\n"
    };
    base.extend((1..1_800).map(event));
    base.push_str("{\"at_ms\":1800000,\"end\":true}\n");
    let mut faults = String::from("{\"tape\":1,\"title\":\"drawn\"}\n");
    let cut = |nth: u64| {
        let bytes = nth * 97;
        format!(r#"{{"on_connect":{nth},"after_bytes":{bytes},"drop":"reset"}}"#) + "\n"
    };
    faults.extend((1..20).map(cut));
    let fault = |n: u64| {
        let at = Micros(n * 17_123_457).to_ms_text();
        let rest = match n % 6 {
            0 => r#""partition":"to_client","for_ms":29999.999"#.to_owned(),
            1 => format!(
                r#""conn":{},"close":{{"code":1013,"reason":"try again later"}}"#,
                n + 1
            ),
            2 => r#""refuse":{"status":429,"headers":{"retry-after":"3"}},"times":4"#.to_owned(),
            3 => r#""latency_ms":{"base_ms":77.5}"#.to_owned(),
            4 => r#""latency_ms":0"#.to_owned(),
            _ => r#""mark":"call","x-call":"shutdown""#.to_owned(),
        };
        format!("{{\"at_ms\":{at},{rest}}}\n")
    };
    faults.extend((0..100).map(fault));
    let base = Tape::parse("base", &base).unwrap();
    let settings = wstape_harness::Settings::of(&base.header).unwrap();
    let about = About {
        seed: Some(7),
        crowd: 50,
        quiet_at_us: Some(1_700_000_000),
        secrets: true,
        ..About::default()
    };
    let faults = Tape::parse("faults", &faults).unwrap();
    Case::new(base, faults, settings, about)
}

/// Shrinks the large case without a time limit, and checks each candidate's tapes on the way.
fn shrunk(breaks: impl Fn(&Case) -> bool) -> Shrunk {
    let judge = |case: &Case| {
        for tape in [&*case.base, &*case.faults] {
            let text = tape.to_string();
            let again = Tape::parse("a candidate", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
            assert_eq!(again, *tape);
        }
        breaks(case).then_some(RULE)
    };
    let case = large();
    assert_eq!(judge(&case), Some(RULE), "the large case breaks the rule");
    let shrunk = shrink(case, RULE, judge, || true);
    assert_eq!(
        judge(&shrunk.case),
        Some(RULE),
        "the small case breaks the rule"
    );
    assert!(shrunk.complete);
    shrunk
}

fn lines(tape: &Tape) -> Vec<String> {
    tape.steps.iter().map(wstape_tape::Step::to_line).collect()
}

fn at(tape: &Tape, is: impl Fn(&Action) -> bool) -> Vec<Micros> {
    let times = tape.steps.iter().filter(|step| is(&step.action));
    times
        .filter_map(|step| match step.trigger {
            Trigger::At(at) => Some(at),
            _ => None,
        })
        .collect()
}

#[test]
fn where_anything_breaks_the_rule_nothing_is_left() {
    let Shrunk { case, tries, .. } = shrunk(|_| true);
    assert_eq!(lines(&case.faults), Vec::<String>::new());
    assert_eq!(lines(&case.base), [r#"{"at_ms":0,"end":true}"#]);
    assert_eq!(
        case.base.header.to_line(),
        r#"{"tape":1,"title":"generated","x-subscriber":{},"x-chaos":{"seed":7}}"#
    );
    assert!(tries < 50, "{tries} tries");
}

#[test]
fn one_fault_that_matters_is_left_alone_and_plain() {
    let closes = |action: &Action| matches!(action, Action::Close(_));
    let Shrunk { case, .. } = shrunk(|case| !at(&case.faults, closes).is_empty());
    assert_eq!(lines(&case.faults), [r#"{"at_ms":0,"close":{}}"#]);
    assert_eq!(lines(&case.base), [r#"{"at_ms":0,"end":true}"#]);
}

#[test]
fn a_pair_a_known_time_apart_comes_to_the_front_at_a_round_distance() {
    // A partition, and a call at least 8.7654321 s after it, with an event in between.
    let Shrunk { case, .. } = shrunk(|case| {
        let partitions = at(&case.faults, |action| {
            matches!(action, Action::Partition(_))
        });
        let calls = at(&case.faults, |action| matches!(action, Action::Mark(_)));
        let events = at(&case.base, |action| matches!(action, Action::Emit(_)));
        partitions.iter().any(|from| {
            calls.iter().any(|call| {
                call.0 >= from.0 + 8_765_432 && events.iter().any(|at| from < at && at < call)
            })
        })
    });
    assert_eq!(
        lines(&case.faults),
        [
            r#"{"at_ms":0,"partition":"both"}"#,
            r#"{"at_ms":9000,"mark":"call","x-call":"shutdown"}"#
        ]
    );
    assert_eq!(lines(&case.base).len(), 2, "an event and the end");
    let event = &lines(&case.base)[0];
    assert!(event.contains(r#""emit":{"event":"heartbeat"}"#), "{event}");
}

#[test]
fn a_state_and_its_end_become_one_step() {
    let latency = |action: &Action| matches!(action, Action::Latency(l) if l.base > Micros::ZERO);
    let Shrunk { case, .. } =
        shrunk(|case| {
            case.faults.steps.iter().enumerate().any(|(i, step)| {
                latency(&step.action)
                && (step.for_us.is_some_and(|lasting| lasting >= Micros::from_ms(5_000))
                    || case.faults.steps[i..].iter().any(|step| {
                        matches!(&step.action, Action::Latency(l) if l.base == Micros::ZERO)
                    }))
            })
        });
    assert_eq!(lines(&case.faults).len(), 1, "{:?}", lines(&case.faults));
    let line = &lines(&case.faults)[0];
    assert_eq!(line, r#"{"at_ms":0,"latency_ms":10,"for_ms":5000}"#);
}

#[test]
fn a_setting_that_matters_stays_at_a_round_value() {
    let Shrunk { case, .. } = shrunk(|case| {
        let settings = wstape_harness::Settings::of(&case.base.header).unwrap();
        settings.max_backoff.as_millis() > 4_000 && settings.max_backoff.as_millis() < 20_000
    });
    assert_eq!(
        case.base.header.to_line(),
        r#"{"tape":1,"title":"generated","x-subscriber":{"max_backoff_ms":5000},"x-chaos":{"seed":7}}"#
    );
}

#[test]
fn what_takes_many_events_at_the_default_takes_few_where_receivers_have_less_room() {
    let lags = |case: &Case| {
        let events = at(&case.base, |action| matches!(action, Action::Emit(_)));
        events.len() > case.settings.events_capacity
    };
    let Shrunk { case, .. } = shrunk(lags);
    assert_eq!(lines(&case.base).len(), 3, "two events and the end");
    assert_eq!(
        case.base.header.to_line(),
        r#"{"tape":1,"title":"generated","x-subscriber":{"events_capacity":1},"x-chaos":{"seed":7}}"#
    );
}

#[test]
fn another_rule_that_breaks_on_the_way_is_not_followed() {
    let refusals =
        |case: &Case| at(&case.faults, |action| matches!(action, Action::Refuse(_))).len();
    let judge = |case: &Case| match refusals(case) {
        0 => Some(Rule::R2),
        1 | 2 => None,
        _ => Some(RULE),
    };
    let shrunk = shrink(large(), RULE, judge, || true);
    assert_eq!(shrunk.case.faults.steps.len(), 3);
    assert_eq!(refusals(&shrunk.case), 3);
}

#[test]
fn where_time_runs_out_the_best_so_far_is_returned_and_said_to_be_unfinished() {
    let mut left = 25_u32;
    let needs = |case: &Case| {
        let many = at(&case.faults, |action| matches!(action, Action::Refuse(_))).len();
        (many > 7).then_some(RULE)
    };
    let shrunk = shrink(large(), RULE, needs, || {
        left = left.saturating_sub(1);
        left > 0
    });
    assert!(!shrunk.complete);
    assert_eq!(shrunk.tries, 24);
    assert_eq!(needs(&shrunk.case), Some(RULE));
    assert!(shrunk.case.faults.steps.len() < large().faults.steps.len());
}

#[test]
fn the_same_case_and_answers_give_the_same_result() {
    let breaks = |case: &Case| {
        case.faults.steps.len() * 7 + case.base.steps.len() > 90 && case.base.steps.len() % 3 != 1
    };
    let (a, b) = (shrunk(breaks), shrunk(breaks));
    assert_eq!(a.case, b.case);
    assert_eq!(a.tries, b.tries);
}
