//! What an engine said as a template: what comes back from the request is a reference to it.

use std::collections::BTreeMap;
use std::ops::Range;

use wstape_tape::Micros;

use super::names::{is_identity, is_protocol, purpose};
use super::node::{Node, leaves, nodes, replaced};
use super::request::Request;

/// Shorter values than that are taken for one that comes back only under the same name.
const MIN_TELLING_CHARS: usize = 3;

/// A time that is no further from when it was sent is the time of its sending.
const MAX_CLOCK_DIFFERENCE_MS: i64 = 60_000;

/// Longest word that an answer may hold which is taken to be the same for whatever is asked.
const MAX_WORD_CHARS: usize = 16;

/// A text with references in it, and the pointers of what in it is not learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) text: String,
    pub(super) unlearnt: Vec<String>,
    json: bool,
}

/// Which values of a request a template may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All.
    Reply,
    /// Its numbers: what it is about is the same whenever the scene is started.
    Stream,
}

/// When the session was, where that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) began_ms: Option<i64>,
}

impl Clock {
    /// The reference for a value that is the time at which it was sent.
    fn live(self, value: &str, at: Micros) -> Option<&'static str> {
        let (reference, ms) = time(value)?;
        let sent = self.began_ms? + i64::try_from(at.0 / 1_000).ok()?;
        ((ms - sent).abs() <= MAX_CLOCK_DIFFERENCE_MS).then_some(reference)
    }

    /// The reference for values that differ from message to message, where nothing but that tells
    /// that they are times.
    pub(super) fn differing<'v>(
        self,
        mut values: impl Iterator<Item = &'v str>,
    ) -> Option<&'static str> {
        if self.began_ms.is_some() {
            return None;
        }
        let reference = |value| time(value).map(|(reference, _)| reference);
        let first = reference(values.next()?)?;
        values
            .all(|value| reference(value) == Some(first))
            .then_some(first)
    }
}

/// A literal text, in which a dollar begins no reference.
fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

impl Template {
    /// What was said, with references to the request and to the time.
    pub(super) fn of(
        said: &str,
        at: Micros,
        request: &Request,
        scope: Scope,
        clock: Clock,
    ) -> Self {
        let nodes = nodes(said);
        let mut places: Vec<(Range<usize>, String)> = Vec::new();
        let mut unlearnt = Vec::new();
        for node in nodes.iter().filter(|node| !node.pointer.is_empty()) {
            let around = |place: &Range<usize>| {
                place.start <= node.range.start && node.range.end <= place.end
            };
            if places.iter().any(|(place, _)| around(place)) {
                continue;
            }
            let asked = source(node, request, scope).map(|from| format!("${{{from}}}"));
            let now = || clock.live(&node.text, at).map(ToOwned::to_owned);
            if let Some(reference) = asked.or_else(now) {
                places.push((node.range.clone(), format!("\"{reference}\"")));
            } else if node
                .string()
                .is_some_and(|text| clock.live(&text, at).is_some())
            {
                // A string that is a reference becomes a number: no reference is such a string.
                unlearnt.push(node.pointer.clone());
            }
        }
        Self {
            text: replaced(said, places, literal),
            unlearnt,
            json: !nodes.is_empty(),
        }
    }

    /// What several answers to one kind of request have in common; `None` where they are of
    /// different shapes. What differs and is a time becomes the time of the answer; anything else
    /// keeps the first one's value and is named.
    pub(super) fn common(all: &[Self], clock: Clock) -> Option<Self> {
        let (first, others) = all.split_first()?;
        if others.iter().all(|other| other.text == first.text) {
            return Some(first.clone());
        }
        let shapes: Vec<BTreeMap<String, Node>> = all.iter().map(|one| leaves(&one.text)).collect();
        if !first.json
            || shapes
                .iter()
                .any(|shape| !shape.keys().eq(shapes[0].keys()))
        {
            return None;
        }
        let mut places = Vec::new();
        let mut unlearnt = first.unlearnt.clone();
        for (pointer, node) in &shapes[0] {
            let values = || shapes.iter().map(|shape| shape[pointer].text.as_str());
            if values().all(|value| value == node.text) {
                continue;
            }
            match clock.differing(values()) {
                Some(reference) => places.push((node.range.clone(), format!("\"{reference}\""))),
                None if unlearnt.contains(pointer) => {}
                None => unlearnt.push(pointer.clone()),
            }
        }
        Some(Self {
            text: replaced(&first.text, places, ToOwned::to_owned),
            unlearnt,
            json: true,
        })
    }

    /// Whether it says nothing of what was asked for but what the request says: one answer tells
    /// then what others of the kind are.
    pub(super) fn is_plain(&self) -> bool {
        let is_word = |text: &str| {
            text.chars().count() <= MAX_WORD_CHARS && text.chars().all(char::is_alphabetic)
        };
        let plain = |node: &Node| {
            let said = node.string();
            let reference = said.as_ref().is_some_and(|text| text.starts_with("${"));
            let word = said.as_ref().is_some_and(|text| is_word(text));
            let own = purpose(&node.key).is_some() || is_protocol(&node.key);
            !node.is_telling() || reference || word || own || node.text == "0"
        };
        leaves(&self.text).values().all(plain)
    }

    /// With other pieces at some places of its text.
    pub(super) fn with(&self, places: Vec<(Range<usize>, String)>) -> Self {
        Self {
            text: replaced(&self.text, places, ToOwned::to_owned),
            ..self.clone()
        }
    }

    /// The text of a value that is no container.
    pub(super) fn leaf(&self, pointer: &str) -> Option<String> {
        leaves(&self.text).remove(pointer).map(|leaf| leaf.text)
    }

    /// The action that says it.
    pub(super) fn action(&self) -> String {
        if self.json {
            // Between the values of a JSON text a line's end is a blank.
            return format!(r#""json":{}"#, self.text.replace(['\n', '\r'], " "));
        }
        format!(r#""text":{}"#, serde_json::Value::from(self.text.clone()))
    }
}

/// The pointer of a request's value that comes back in an answer.
fn source<'r>(node: &Node, request: &'r Request, scope: Scope) -> Option<&'r str> {
    let fits = |asked: &&Node| {
        asked.text == node.text && !asked.pointer.is_empty() && !asked.pointer.contains('}')
    };
    let as_number = |asked: &&Node| {
        let own = asked.depth() == 1 && node.depth() == 1;
        fits(asked) && (asked.pointer == node.pointer || own && is_identity(&node.key))
    };
    let number = request.identities().find(as_number);
    if let (Some(number), true) = (number, node.is_telling()) {
        return Some(&number.pointer);
    }
    if scope == Scope::Stream {
        return None;
    }
    let about =
        |asked: &&Node| fits(asked) && purpose(&asked.key).is_none() && !is_protocol(&asked.key);
    let named = |asked: &&Node| about(asked) && asked.key == node.key && !node.key.is_empty();
    let telling = node.text.len() >= MIN_TELLING_CHARS
        && !matches!(node.text.as_str(), "true" | "false" | "null")
        && purpose(&node.key).is_none();
    let by_name = request.nodes.iter().find(named);
    let by_value = || request.nodes.iter().find(|asked| telling && about(asked));
    by_name
        .or_else(by_value)
        .map(|asked| asked.pointer.as_str())
}

/// The reference that stands for a time of this form, and the time in milliseconds since 1970.
fn time(value: &str) -> Option<(&'static str, i64)> {
    const MIN_MS: i64 = 1_000_000_000_000;
    const MAX_MS: i64 = 9_999_999_999_999;
    if let Ok(text) = serde_json::from_str::<String>(value) {
        let is_dated = text.len() >= "2026-01-01T00:00:00".len() && text.contains('T');
        let time = is_dated
            .then(|| wstape_wire::time::parse_lenient(&text))
            .flatten();
        return time.map(|time| ("${now}", time.timestamp_millis()));
    }
    let ms = value.parse::<i64>().ok()?;
    (MIN_MS..=MAX_MS).contains(&ms).then_some(("${now_ms}", ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: Clock = Clock { began_ms: None };

    fn of(said: &str, asked: &str, scope: Scope) -> Template {
        Template::of(said, Micros::ZERO, &Request::new(asked), scope, UNKNOWN)
    }

    #[test]
    fn what_comes_back_is_a_reference_in_an_answer_and_only_numbers_in_a_stream() {
        let asked = r#"{"id":7,"op":"sub","of":["a","bcd"],"n":1}"#;
        let said = r#"{"id": 7, "got":["a","bcd"], "count":1, "op":"sub", "cost":"${x}"}"#;
        let reply = of(said, asked, Scope::Reply);
        let expected = r#"{"id": "${/id}", "got":"${/of}", "count":1, "op":"sub", "cost":"$${x}"}"#;
        assert_eq!(reply.text, expected);
        let expected =
            r#"{"id": "${/id}", "got":["a","bcd"], "count":1, "op":"sub", "cost":"$${x}"}"#;
        assert_eq!(of(said, asked, Scope::Stream).text, expected);
    }

    #[test]
    fn a_time_is_told_by_when_it_was_sent_and_another_one_stays() {
        let clock = Clock {
            began_ms: Some(1_700_000_000_000),
        };
        let said = r#"{"ts":1700000005100,"expires":1800000000000,"at":"2023-11-14T22:13:25Z","s":"1700000005101"}"#;
        let at = Micros::from_ms(5_000);
        let found = Template::of(said, at, &Request::new("x"), Scope::Reply, clock);
        let expected =
            r#"{"ts":"${now_ms}","expires":1800000000000,"at":"${now}","s":"1700000005101"}"#;
        assert_eq!(found.text, expected);
        assert_eq!(found.unlearnt, ["/s"], "a time that no reference is");
    }

    #[test]
    fn answers_that_differ_keep_the_first_ones_value_which_is_named() {
        let all = [
            of(
                r#"{"ok":true,"node":"a","ts":1700000005100}"#,
                "x",
                Scope::Reply,
            ),
            of(
                r#"{"ok":true,"node":"b","ts":1700000006200}"#,
                "x",
                Scope::Reply,
            ),
        ];
        let common = Template::common(&all, UNKNOWN).unwrap();
        assert_eq!(common.text, r#"{"ok":true,"node":"a","ts":"${now_ms}"}"#);
        assert_eq!(common.unlearnt, ["/node"]);
        let other = of("[]", "x", Scope::Reply);
        assert_eq!(Template::common(&[all[0].clone(), other], UNKNOWN), None);
    }
}
