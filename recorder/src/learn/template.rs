//! Turns a message of an engine into a template: what it repeats from the request becomes a
//! reference.

use std::collections::BTreeMap;
use std::ops::Range;

use wstape_tape::Micros;
use wstape_wire::framed::Framed;

use super::names::{is_identity, is_protocol, purpose};
use super::node::{ACK, Node, leaves, nodes, replaced};
use super::request::Request;
use super::stomp::Frame;

/// A value shorter than this only counts as repeated if it has the same name in both messages.
const MIN_TELLING_CHARS: usize = 3;

/// A time this close to when the message was sent counts as the time of sending.
const MAX_CLOCK_DIFFERENCE_MS: i64 = 60_000;

/// The longest word in an answer that is assumed to be the same whatever is requested.
const MAX_WORD_CHARS: usize = 16;

/// A message with references, and the pointers to what was not learnt in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) text: String,
    pub(super) unlearnt: Vec<String>,
    json: bool,
    /// Whether the JSON is framed by its protocol, so that it is sent as a text.
    framed: bool,
    /// The reference to a Socket.IO packet's acknowledgment number.
    ack: Option<String>,
}

/// Marks around a reference to something other than a string in framed JSON. That is sent as a
/// text, so the marks are removed together with the quotes around them.
const BARE: (char, char) = ('\u{e000}', '\u{e001}');

/// The text of a reference in place of a value.
fn piece(node: &Node, reference: &str, framed: bool) -> String {
    if node.raw {
        return reference.to_owned();
    }
    if framed && node.string().is_none() {
        let (open, close) = BARE;
        return format!("\"{open}{reference}{close}\"");
    }
    format!("\"{reference}\"")
}

/// Which values of a request a template may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All values.
    Reply,
    /// Only the numbers: everything else is the same whenever the scene starts.
    Stream,
}

/// When the session took place, if known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) began_ms: Option<i64>,
}

impl Clock {
    /// The reference for a value that is the time when it was sent.
    fn live(self, value: &str, at: Micros) -> Option<&'static str> {
        let (reference, ms) = time(value)?;
        let sent = self.began_ms? + i64::try_from(at.0 / 1_000).ok()?;
        ((ms - sent).abs() <= MAX_CLOCK_DIFFERENCE_MS).then_some(reference)
    }

    /// The reference for values that differ from message to message, if the session's date is
    /// unknown and all of them are times.
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

/// Escapes a text so that nothing in it is a reference.
fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

impl Template {
    /// The message with references to the request and to the time.
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
        let framed = Framed::of(said).is_framed(said) || Frame::of(said).is_some();
        let framed = framed && !nodes.is_empty();
        let mut ack = None;
        for node in nodes.iter().filter(|node| !node.pointer.is_empty()) {
            let around = |place: &Range<usize>| {
                place.start <= node.range.start && node.range.end <= place.end
            };
            if places.iter().any(|(place, _)| around(place)) {
                continue;
            }
            let asked = source(node, request, scope).map(|from| format!("${{{from}}}"));
            let now = || clock.live(&node.text, at).map(ToOwned::to_owned);
            if node.pointer == ACK {
                // A fixed number, so that texts which differ only in this number are equal.
                places.extend(asked.as_ref().map(|_| (node.range.clone(), "0".to_owned())));
                ack = asked;
                continue;
            }
            if let Some(reference) = asked.or_else(now) {
                places.push((node.range.clone(), piece(node, &reference, framed)));
            } else if node
                .string()
                .is_some_and(|text| clock.live(&text, at).is_some())
            {
                // A string that is only a reference becomes the value it refers to. No reference
                // yields a time as a string of digits.
                unlearnt.push(node.pointer.clone());
            }
        }
        Self {
            text: replaced(said, places, literal),
            unlearnt,
            json: !nodes.is_empty(),
            framed,
            ack,
        }
    }

    /// The text of a reference in place of one of its values.
    pub(super) fn piece(&self, node: &Node, reference: &str) -> String {
        piece(node, reference, self.framed)
    }

    /// What several answers to one kind of request have in common; `None` if their shapes differ. A
    /// time that differs becomes the time of the answer; for any other difference the first
    /// answer's value is kept and reported.
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
                Some(reference) => places.push((node.range.clone(), first.piece(node, reference))),
                None if unlearnt.contains(pointer) => {}
                None => unlearnt.push(pointer.clone()),
            }
        }
        Some(Self {
            text: replaced(&first.text, places, ToOwned::to_owned),
            unlearnt,
            ..first.clone()
        })
    }

    /// Whether it says nothing about the subject beyond what is in the request. Then one answer is
    /// typical of all answers of its kind.
    pub(super) fn is_plain(&self) -> bool {
        let is_word = |text: &str| {
            text.chars().count() <= MAX_WORD_CHARS && text.chars().all(char::is_alphabetic)
        };
        let leaves = leaves(&self.text);
        let is_reference = |text: &String| text.trim_start_matches(BARE.0).starts_with("${");
        // In a list with the request's number second, as in an OCPP answer, the first number tells
        // the kind of message.
        let number = leaves.get("/1").and_then(Node::string);
        let of_a_kind = number.as_ref().is_some_and(is_reference);
        let plain = |node: &Node| {
            let said = node.string();
            let reference = said.as_ref().is_some_and(is_reference);
            let word = said.as_ref().is_some_and(|text| is_word(text));
            let own = purpose(&node.key).is_some() || is_protocol(&node.key);
            let kind = of_a_kind && node.pointer == "/0";
            !node.is_telling() || reference || word || own || kind || node.text == "0"
        };
        leaves.values().all(plain)
    }

    /// Replaces ranges of its text.
    pub(super) fn with(&self, places: Vec<(Range<usize>, String)>) -> Self {
        Self {
            text: replaced(&self.text, places, ToOwned::to_owned),
            ..self.clone()
        }
    }

    /// The text of a value that is neither an object nor a list.
    pub(super) fn leaf(&self, pointer: &str) -> Option<String> {
        leaves(&self.text).remove(pointer).map(|leaf| leaf.text)
    }

    /// The text with its references as they are written in a text.
    fn framed_text(&self) -> String {
        let (open, close) = BARE;
        let mut text = self.text.clone();
        if let (Some(reference), Some(ack)) = (&self.ack, Framed::of(&text).ack) {
            text.replace_range(ack, reference);
        }
        text.replace(&format!("\"{open}"), "")
            .replace(&format!("{close}\""), "")
    }

    /// The action that sends it, as a member of a step.
    pub(super) fn action(&self) -> String {
        if self.framed {
            return format!(r#""text":{}"#, serde_json::Value::from(self.framed_text()));
        }
        if self.json {
            // A line break between values of a JSON text is only white space.
            return format!(r#""json":{}"#, self.text.replace(['\n', '\r'], " "));
        }
        format!(r#""text":{}"#, serde_json::Value::from(self.text.clone()))
    }
}

/// The pointer to the value of the request that a value of an answer repeats.
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

/// The reference that yields times in this value's format, and this time in milliseconds since
/// 1970.
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
    fn an_acknowledgement_of_socket_io_takes_the_number_of_its_event() {
        let reply = of(
            r#"4312[{"ok":true,"n":5,"s":"abc"}]"#,
            r#"4212["get",{"n":5,"s":"abc"}]"#,
            Scope::Reply,
        );
        let expected = r#""text":"43${ack}[{\"ok\":true,\"n\":${/1/n},\"s\":\"${/1/s}\"}]""#;
        assert_eq!(reply.action(), expected);
    }

    #[test]
    fn a_record_of_signalr_is_a_text_with_the_number_of_its_invocation() {
        let asked =
            "{\"type\":1,\"invocationId\":\"7\",\"target\":\"Sub\",\"arguments\":[\"a\"]}\u{1e}";
        let said = "{\"type\":3,\"invocationId\":\"7\",\"result\":null}\u{1e}";
        let reply = of(said, asked, Scope::Reply);
        let expected =
            r#""text":"{\"type\":3,\"invocationId\":\"${/invocationId}\",\"result\":null}\u001e""#;
        assert_eq!(reply.action(), expected);
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
