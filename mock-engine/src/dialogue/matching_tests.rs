//! Tests the matcher and its index against a naive matcher, on random patterns and messages.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use wstape_tape::{Action, Match, MessageKind, Step};

use super::index::Index;
use super::matcher::{Found, Matcher};
use super::message::Message;
use super::{Dialogue, Heard};
use crate::frame::{ClientFrame, FrameKind};
use crate::ids::{ConnId, LayerIndex};
use wstape_tape::Micros;

/// Small values over few keys, so that patterns often match messages.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        Just(json!(0.5)),
        "[ab\"é]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map("[ab]{1,2}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Whether one value contains another, as the format defines it, written as plainly as possible.
fn contains_naively(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => wanted.iter().all(|(key, value)| {
            found
                .get(key)
                .is_some_and(|other| contains_naively(value, other))
        }),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => wanted == found,
    }
}

#[derive(Debug, Clone)]
struct Wanted {
    text: Option<String>,
    contains: Option<String>,
    json: Option<Value>,
    kind: Option<MessageKind>,
}

impl Wanted {
    fn to_match(&self) -> Match {
        let mut wanted = Match {
            text: self.text.clone(),
            contains: self.contains.clone(),
            kind: self.kind,
            ..Match::new()
        };
        if let Some(json) = &self.json {
            wanted = wanted.json(json.to_string()).unwrap();
        }
        wanted
    }

    fn holds_naively(&self, kind: MessageKind, text: &str) -> bool {
        let of_kind = match self.kind {
            None => matches!(kind, MessageKind::Text | MessageKind::Binary),
            Some(wanted) => wanted == kind,
        };
        let found: Option<Value> = serde_json::from_str(text).ok();
        of_kind
            && self.text.as_ref().is_none_or(|wanted| wanted == text)
            && self
                .contains
                .as_ref()
                .is_none_or(|part| text.contains(part))
            && self.json.as_ref().is_none_or(|wanted| {
                found
                    .as_ref()
                    .is_some_and(|found| contains_naively(wanted, found))
            })
    }
}

fn kind() -> impl Strategy<Value = MessageKind> {
    prop_oneof![
        4 => Just(MessageKind::Text),
        1 => Just(MessageKind::Binary),
        1 => Just(MessageKind::Ping),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let texts = prop_oneof![3 => Just(None), 1 => "[ab]{0,2}".prop_map(Some)];
    let parts = prop_oneof![3 => Just(None), 1 => "[ab]{1,2}".prop_map(Some)];
    let json = prop_oneof![1 => Just(None), 3 => value().prop_map(Some)];
    (texts, parts, json, option::weighted(0.2, kind())).prop_map(|(text, contains, json, kind)| {
        Wanted {
            text,
            contains,
            json,
            kind,
        }
    })
}

fn message() -> impl Strategy<Value = (MessageKind, String)> {
    let text = prop_oneof![
        3 => value().prop_map(|value| value.to_string()),
        1 => "[ab]{0,3}".prop_map(|text| text),
    ];
    (kind(), text)
}

proptest! {
    #[test]
    fn steps_found_by_the_index_are_those_that_a_naive_matcher_finds(
        wanted in vec(wanted(), 0..12), (kind, text) in message()
    ) {
        let matchers: Vec<Matcher> =
            wanted.iter().map(|wanted| Matcher::new(wanted.to_match())).collect();
        let index = Index::build(matchers.iter().enumerate());
        let message = Message::of(kind, text.clone());
        let mut found = index.candidates(&message);
        found.retain(|&at| matchers[at].holds(&message) == Found::Yes);
        let naive: Vec<usize> = (0..wanted.len())
            .filter(|&at| wanted[at].holds_naively(kind, &text))
            .collect();
        prop_assert_eq!(found, naive);
    }

    #[test]
    fn a_json_path_holds_where_its_crate_selects_something(
        path in prop::sample::select(vec!["$.a", "$..b", "$[?@.a == 1]", "$.*.*", "$[0]"]),
        found in value()
    ) {
        let matcher = Matcher::new(Match::new().jsonpath(path).unwrap());
        let expected = serde_json_path::JsonPath::parse(path).unwrap().query(&found).is_empty();
        let message = Message::of(MessageKind::Text, found.to_string());
        prop_assert_eq!(matcher.holds(&message) == Found::Yes, !expected);
    }
}

#[test]
fn arrays_are_compared_whole_and_numbers_exactly() {
    let holds = |wanted: &str, found: &str| {
        let matcher = Matcher::new(Match::new().json(wanted).unwrap());
        matcher.holds(&Message::of(MessageKind::Text, found.to_owned())) == Found::Yes
    };
    for (wanted, found, is) in [
        (r#"{"a":[{"b":1}]}"#, r#"{"a":[{"b":1.0}],"c":2}"#, true),
        (r#"{"a":[{"b":1}]}"#, r#"{"a":[{"b":1,"c":2}]}"#, false),
        (r#"{"a":[]}"#, r#"{"a":[1]}"#, false),
        (
            r#"{"a":9007199254740993}"#,
            r#"{"a":9007199254740992}"#,
            false,
        ),
        (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2.0}"#, true),
        (r#"{"a":1}"#, r#"{"a":1,"a":2}"#, false),
        (r#"{"\u0061":"\u0041"}"#, r#"{"a":"A"}"#, true),
        ("{}", "[]", false),
        ("1e2", "100", true),
    ] {
        assert_eq!(holds(wanted, found), is, "{wanted} in {found}");
    }
    let members: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
    let wide = format!("{{{},\"a\":1}}", members.join(","));
    assert!(holds(r#"{"k7":7,"a":1}"#, &wide) && !holds(r#"{"k7":8}"#, &wide));
}

#[test]
fn a_json_path_that_would_take_too_long_does_not_hold() {
    let many = format!("[{}1]", "1,".repeat(4_000));
    let matcher = Matcher::new(Match::new().jsonpath("$[?count($..*) > @]").unwrap());
    let few = Message::of(MessageKind::Text, "[1,2]");
    assert_eq!(matcher.holds(&few), Found::Yes);
    assert_eq!(
        matcher.holds(&Message::of(MessageKind::Text, many)),
        Found::TooMuch
    );
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let any = Matcher::new(Match::new().jsonpath("$[0]").unwrap());
    assert_eq!(
        any.holds(&Message::of(MessageKind::Text, deep)),
        Found::TooMuch
    );
}

#[test]
fn a_regular_expression_is_linear_whatever_it_is() {
    // A backtracking engine would take longer than the age of the universe.
    let matcher = Matcher::new(Match::new().regex("^(a*)*(a|aa)+$").unwrap());
    let text = "a".repeat(100_000) + "b";
    assert_eq!(
        matcher.holds(&Message::of(MessageKind::Text, text)),
        Found::No
    );
}

/// Of `steps` steps that differ in one member, how many are tested against a message.
fn asked(steps: usize) -> usize {
    let matchers: Vec<Matcher> = (0..steps)
        .map(|n| {
            let json = format!(r#"{{"op":"subscribe","args":{{"channel":"c{n}"}}}}"#);
            Matcher::new(Match::new().json(json).unwrap())
        })
        .collect();
    let index = Index::build(matchers.iter().enumerate());
    let message = Message::of(
        MessageKind::Text,
        r#"{"id":7,"op":"subscribe","args":{"channel":"c3","depth":5}}"#,
    );
    index.candidates(&message).len()
}

#[test]
fn a_message_is_compared_with_no_more_steps_the_more_there_are() {
    assert_eq!((asked(10), asked(4_096)), (1, 1));
}

#[test]
fn a_message_is_parsed_once_however_many_steps_look_at_it() {
    let message = Message::of(MessageKind::Text, r#"{"a":1}"#);
    let first: *const _ = message.document().unwrap();
    let second: *const _ = message.document().unwrap();
    assert!(std::ptr::eq(first, second));
}

/// What a dialogue makes of a client's `text`.
fn heard(dialogue: &mut Dialogue, text: &str) -> Heard {
    let frame = ClientFrame {
        kind: FrameKind::Text,
        fin: true,
        payload: text.to_owned().into(),
        len: text.len(),
    };
    dialogue.heard(ConnId::new(1), &frame, Micros::ZERO)
}

#[test]
fn a_step_happens_times_times_and_its_count_says_how_often() {
    let mut dialogue = Dialogue::default();
    let step = Step::on_message(Match::new().text("a"), Action::Text("b".into())).times(2);
    dialogue.push(LayerIndex(0), step, None);
    dialogue.file();
    dialogue.opened(ConnId::new(1), 1, Vec::new(), Micros::ZERO);
    let counts: Vec<Vec<u64>> = ["a", "x", "a", "a"]
        .iter()
        .map(|text| {
            let heard = heard(&mut dialogue, text);
            heard
                .happenings
                .iter()
                .map(|happening| happening.count)
                .collect()
        })
        .collect();
    assert_eq!(counts, [vec![1], vec![], vec![2], vec![]]);
}
