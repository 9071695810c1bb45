//! The values of a JSON text, each with its pointer and its position in the text.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;
use wstape_tape::{pointer_key, pointer_token};
use wstape_wire::framed::Framed;

use super::stomp::{BODY, Frame};

/// How many levels of nesting are distinguished; deeper values are part of their parent.
const MAX_DEPTH: usize = 16;

/// The maximum number of values of one text that are examined, an object's own before nested ones.
const MAX_NODES: usize = 2_048;

/// A value in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Its JSON pointer (RFC 6901).
    pub(super) pointer: String,
    /// The name of the member; empty for an element of a list.
    pub(super) key: String,
    /// Its position in the text.
    pub(super) range: Range<usize>,
    /// Its text without white space between values.
    pub(super) text: String,
    /// Whether it is unquoted in the text, like a STOMP header.
    pub(super) raw: bool,
}

impl Node {
    /// Whether it is neither an object nor a list.
    pub(super) fn is_leaf(&self) -> bool {
        !self.text.starts_with(['{', '['])
    }

    /// Whether it is a list.
    pub(super) fn is_list(&self) -> bool {
        self.text.starts_with('[')
    }

    /// Whether it is a number or a string that is not empty.
    pub(super) fn is_telling(&self) -> bool {
        self.is_leaf() && !matches!(self.text.as_str(), "true" | "false" | "null" | "\"\"")
    }

    /// The content of the string, if it is one.
    pub(super) fn string(&self) -> Option<String> {
        serde_json::from_str(&self.text).ok()
    }

    /// How many values it is nested in.
    pub(super) fn depth(&self) -> usize {
        self.pointer.matches('/').count()
    }

    /// Whether it is inside a value with this pointer.
    pub(super) fn is_inside(&self, pointer: &str) -> bool {
        let rest = self.pointer.strip_prefix(pointer);
        rest.is_some_and(|rest| rest.starts_with('/'))
    }
}

/// The unescaped tokens of a pointer.
pub(super) fn tokens(pointer: &str) -> Vec<String> {
    let tokens = pointer.split('/').skip(1);
    tokens.map(pointer_key).collect()
}

/// The pointer of a Socket.IO packet's acknowledgment number: the name of the regex group that
/// matches it.
pub(super) const ACK: &str = "ack";

/// Whether a text is a message with values: a JSON object or list, with or without framing around
/// it, or a STOMP frame.
pub(super) fn is_message(text: &str) -> bool {
    let json = text[Framed::of(text).json].trim_start();
    json.starts_with(['{', '[']) || Frame::of(text).is_some()
}

/// The values of a message, a container before its contents; empty if it is neither a JSON object
/// or list nor a STOMP frame.
pub(super) fn nodes(text: &str) -> Vec<Node> {
    if let Some(frame) = Frame::of(text) {
        return frame_nodes(text, &frame);
    }
    let mut nodes = Vec::new();
    let Framed { json, ack } = Framed::of(text);
    if let (true, Ok(value)) = (
        is_message(text),
        serde_json::from_str::<&RawValue>(&text[json]),
    ) {
        walk(text, value, ("", ""), 0, &mut nodes);
        nodes.extend(ack.map(|range| Node {
            pointer: ACK.to_owned(),
            key: "id".to_owned(),
            text: text[range.clone()].to_owned(),
            range,
            raw: false,
        }));
    }
    nodes
}

/// The values of a STOMP frame: the command, the headers and the body, and the values in the body
/// if that is an engine's and JSON.
fn frame_nodes(text: &str, frame: &Frame) -> Vec<Node> {
    let node = |pointer: &str, key: &str, range: Range<usize>| Node {
        pointer: pointer.to_owned(),
        key: key.to_owned(),
        text: serde_json::Value::from(&text[range.clone()]).to_string(),
        range,
        raw: true,
    };
    let mut nodes = vec![Node {
        raw: false,
        text: "{}".to_owned(),
        ..node("", "", 0..text.len())
    }];
    let values = frame.values();
    nodes.extend(values.map(|(pointer, key, range)| node(&pointer, key, range)));
    let body = frame.body();
    let said = &text[body.clone()];
    let json = serde_json::from_str::<&RawValue>(said);
    match json {
        Ok(json) if frame.is_of_an_engine() && said.starts_with(['{', '[']) => {
            walk(text, json, ("/body", BODY), 0, &mut nodes);
        }
        _ if !body.is_empty() => nodes.push(node("/body", BODY, body)),
        _ => {}
    }
    nodes
}

/// The values of a message that are neither objects nor lists, by pointer.
pub(super) fn leaves(text: &str) -> BTreeMap<String, Node> {
    let leaves = nodes(text).into_iter().filter(Node::is_leaf);
    leaves.map(|node| (node.pointer.clone(), node)).collect()
}

/// A text with pieces in place of some of its ranges; `rest` is applied to what is left between
/// them.
pub(super) fn replaced(
    text: &str,
    mut places: Vec<(Range<usize>, String)>,
    rest: impl Fn(&str) -> String,
) -> String {
    places.sort_by_key(|(place, _)| place.start);
    let mut replaced = String::new();
    let mut copied = 0;
    for (place, piece) in places {
        replaced.push_str(&rest(&text[copied..place.start]));
        replaced.push_str(&piece);
        copied = place.end;
    }
    replaced.push_str(&rest(&text[copied..]));
    replaced
}

fn walk(
    whole: &str,
    value: &RawValue,
    (pointer, key): (&str, &str),
    depth: usize,
    nodes: &mut Vec<Node>,
) {
    if nodes.len() >= MAX_NODES {
        return;
    }
    let text = value.get();
    let start = text.as_ptr().addr() - whole.as_ptr().addr();
    nodes.push(Node {
        pointer: pointer.to_owned(),
        key: key.to_owned(),
        range: start..start + text.len(),
        text: compact(text),
        raw: false,
    });
    if depth == MAX_DEPTH {
        return;
    }
    let mut inside: Vec<(String, String, &RawValue)> = Vec::new();
    if text.starts_with('{') {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
        for (name, value) in members {
            let token = pointer_token(&name);
            inside.push((format!("{pointer}/{token}"), name, value));
        }
        // An object's own values come first, in case the message has too many to examine all.
        inside.sort_by_key(|(_, _, value)| value.get().starts_with(['{', '[']));
    } else if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
        for (index, value) in items.into_iter().enumerate() {
            inside.push((format!("{pointer}/{index}"), String::new(), value));
        }
    }
    for (pointer, key, value) in inside {
        walk(whole, value, (&pointer, &key), depth + 1, nodes);
    }
}

/// A JSON text without white space between values and with sorted members.
fn compact(text: &str) -> String {
    if !text.starts_with(['{', '[']) {
        return text.to_owned();
    }
    let value = serde_json::from_str::<serde_json::Value>(text);
    value.map_or_else(|_| text.to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_of_socket_io_has_its_number_beside_its_values() {
        let text = r#"4217["sub",{"id":5}]"#;
        let found: Vec<(String, &str)> = nodes(text)
            .into_iter()
            .map(|node| (node.pointer, &text[node.range]))
            .collect();
        let expected = [
            ("", r#"["sub",{"id":5}]"#),
            ("/0", "\"sub\""),
            ("/1", r#"{"id":5}"#),
            ("/1/id", "5"),
            ("ack", "17"),
        ];
        assert_eq!(
            found,
            expected.map(|(pointer, text)| (pointer.to_owned(), text))
        );
    }

    #[test]
    fn a_frame_of_stomp_has_headers_without_quotes_and_what_is_in_an_engines_body() {
        let text = "MESSAGE\nsubscription:sub-0\n\n{\"px\":7}\0";
        let found: Vec<(String, bool, &str)> = nodes(text)
            .into_iter()
            .skip(2)
            .map(|node| (node.pointer, node.raw, &text[node.range]))
            .collect();
        let expected = [
            ("/subscription", true, "sub-0"),
            ("/body", false, "{\"px\":7}"),
            ("/body/px", false, "7"),
        ];
        let expected = expected.map(|(pointer, raw, said)| (pointer.to_owned(), raw, said));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_value_is_found_at_its_place_and_a_container_before_what_is_in_it() {
        let text = r#"{"data":[{"a/b": 1}], "id": "x"}"#;
        let found: Vec<(String, &str)> = nodes(text)
            .into_iter()
            .map(|node| (node.pointer, &text[node.range]))
            .collect();
        let expected = [
            ("", text),
            ("/id", "\"x\""),
            ("/data", r#"[{"a/b": 1}]"#),
            ("/data/0", r#"{"a/b": 1}"#),
            ("/data/0/a~1b", "1"),
        ];
        assert_eq!(
            found,
            expected.map(|(pointer, text)| (pointer.to_owned(), text))
        );
        assert!(nodes("7").is_empty() && nodes("ping").is_empty() && nodes("{").is_empty());
    }
}
