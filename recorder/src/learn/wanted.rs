//! What a request must contain, as the members of an `on_message`.

use serde_json::{Map, Value};
use wstape_wire::framed::Framed;

use super::node::{ACK, Node, tokens};
use super::stomp::Frame;

/// The prefix of a recorder's placeholder for a secret; no client sends it.
pub(super) const REDACTED: &str = "redacted-";

/// The number of hexadecimal digits after a placeholder's prefix.
const REDACTED_DIGITS: usize = 16;

/// The longest `jsonpath` that a tape may hold, in bytes.
const MAX_PATH_BYTES: usize = 4 << 10;

/// What a request must contain.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wanted {
    text: Option<String>,
    /// A regex, if part of the text may be anything.
    regex: Option<String>,
    json: Map<String, Value>,
    /// Lists that must have a matching element: the path of each list, and a condition on the
    /// element.
    elements: Vec<(String, String)>,
    /// Conditions on the whole message.
    conditions: Vec<String>,
    /// A path that must select something.
    exists: Option<String>,
    /// A STOMP frame, and the values that it must have, by pointer.
    frame: Option<Frame>,
    values: Vec<(String, String)>,
}

impl Wanted {
    /// Matches exactly this text; where a secret was redacted, anything may stand instead.
    pub(super) fn text(text: &str) -> Self {
        let mut parts = text.split(REDACTED);
        let first = regex::escape(parts.next().unwrap_or_default());
        let rest = parts.map(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_hexdigit);
            let digits = digits.take(REDACTED_DIGITS).count();
            format!(".*{}", regex::escape(&part[digits..]))
        });
        let rest: String = rest.collect();
        if rest.is_empty() {
            return Self {
                text: Some(text.to_owned()),
                ..Self::default()
            };
        }
        Self {
            regex: Some(format!("^(?s:{first}{rest})$")),
            ..Self::default()
        }
    }

    /// Whether it matches any message, or any with the same framing.
    pub(super) fn is_bare(&self) -> bool {
        let framed = Self {
            regex: self.regex.clone(),
            ..Self::default()
        };
        *self == Self::default() || *self == framed && !self.is_of_text()
    }

    /// Whether its regex is for a whole text, not just for framing.
    fn is_of_text(&self) -> bool {
        self.regex
            .as_ref()
            .is_some_and(|regex| regex.ends_with('$'))
    }

    /// Demands the framing of this text: a packet of the same kind in the same protocol, with any
    /// number.
    pub(super) fn framed(&mut self, text: &str) {
        self.frame = Frame::of(text);
        if self.frame.is_some() {
            return;
        }
        let Framed { json, ack } = Framed::of(text);
        let before = match &ack {
            Some(ack) => &text[..ack.start],
            None => &text[..json.start],
        };
        if before.is_empty() {
            return;
        }
        let number = ack.map_or(String::new(), |_| format!("(?<{ACK}>[0-9]+)"));
        self.regex = Some(format!("^{}{number}[\\[{{]", regex::escape(before)));
    }

    /// Demands any value at this pointer.
    pub(super) fn exists(&mut self, pointer: &str) {
        self.exists = Some(path("$", pointer));
    }

    /// Demands this value at its place: as part of `json` if only objects lead to it, as a
    /// condition if a list does.
    pub(super) fn value(&mut self, node: &Node) {
        if self.frame.is_some() {
            let said = node.string().unwrap_or_default();
            self.values.push((node.pointer.clone(), said));
            return;
        }
        let tokens = tokens(&node.pointer);
        if tokens.iter().any(|token| token.parse::<usize>().is_ok()) {
            self.conditions.push(equal("$", &node.pointer, node));
            return;
        }
        let Some((last, before)) = tokens.split_last() else {
            return;
        };
        let mut members = &mut self.json;
        for token in before {
            let inner = members
                .entry(token.clone())
                .or_insert_with(|| Map::new().into());
            let Value::Object(inner) = inner else { return };
            members = inner;
        }
        if let Ok(value) = serde_json::from_str(&node.text) {
            members.insert(last.clone(), value);
        }
    }

    /// Demands an element with these leaves in the list at this pointer. The leaves' pointers start
    /// at the element.
    pub(super) fn element(&mut self, list: &str, leaves: &[(String, &Node)]) {
        let conditions = leaves
            .iter()
            .map(|(pointer, leaf)| equal("@", pointer, leaf));
        let conditions: Vec<String> = conditions.collect();
        self.elements
            .push((path("$", list), conditions.join(" && ")));
    }

    /// The members as JSON; `None` if no tape can hold them.
    pub(super) fn json(&self) -> Option<Value> {
        let mut members = Map::new();
        if let Some(text) = &self.text {
            members.insert("text".to_owned(), text.clone().into());
        }
        let of_frame = self.frame.as_ref();
        let of_frame = of_frame.map(|frame| frame.expression(&self.values));
        if let Some(regex) = of_frame.as_ref().or(self.regex.as_ref()) {
            members.insert("regex".to_owned(), regex.clone().into());
        }
        if !self.json.is_empty() {
            members.insert("json".to_owned(), self.json.clone().into());
        }
        if let Some(path) = self.path() {
            if path.len() > MAX_PATH_BYTES {
                return None;
            }
            members.insert("jsonpath".to_owned(), path.into());
        }
        Some(members.into())
    }

    /// One path (RFC 9535) for everything that the message must contain besides `json`.
    fn path(&self) -> Option<String> {
        let mut all: Vec<String> = Vec::new();
        let mut elements = self.elements.iter();
        let first = elements.next();
        all.extend(first.map(|(_, condition)| condition.clone()));
        all.extend(elements.map(|(list, condition)| format!("{list}[?{condition}]")));
        all.extend(self.conditions.iter().cloned());
        all.extend(self.exists.clone().filter(|_| !all.is_empty()));
        if all.is_empty() {
            return self.exists.clone();
        }
        let of = first.map_or("$", |(list, _)| list);
        Some(format!("{of}[?{}]", all.join(" && ")))
    }
}

/// The condition that the value at a pointer equals this one.
fn equal(from: &str, pointer: &str, node: &Node) -> String {
    let value = node
        .string()
        .map_or_else(|| node.text.clone(), |text| quoted(&text));
    format!("{} == {value}", path(from, pointer))
}

/// Converts a pointer to a path from the message (`$`) or from an element (`@`).
fn path(from: &str, pointer: &str) -> String {
    let selector = |token: String| match token.parse::<usize>() {
        Ok(index) => format!("[{index}]"),
        Err(_) => format!("[{}]", quoted(&token)),
    };
    let selectors: String = tokens(pointer).into_iter().map(selector).collect();
    format!("{from}{selectors}")
}

/// A string literal in a path, with JSON's escapes.
fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    let inside = &json[1..json.len() - 1];
    format!("'{}'", inside.replace("\\\"", "\"").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::super::node::nodes;
    use super::*;

    #[test]
    fn members_are_part_of_the_message_and_values_of_lists_conditions() {
        let text = r#"{"op":"sub","args":[{"c":"it's","n":5}],"of":["x"]}"#;
        let nodes = nodes(text);
        let at = |pointer: &str| nodes.iter().find(|node| node.pointer == pointer).unwrap();
        let mut wanted = Wanted::default();
        assert!(wanted.is_bare());
        wanted.value(at("/op"));
        wanted.element(
            "/args",
            &[
                ("/c".to_owned(), at("/args/0/c")),
                ("/n".to_owned(), at("/args/0/n")),
            ],
        );
        wanted.element("/of", &[(String::new(), at("/of/0"))]);
        let expected = serde_json::json!({
            "json": {"op": "sub"},
            "jsonpath": r"$['args'][?@['c'] == 'it\'s' && @['n'] == 5 && $['of'][?@ == 'x']]",
        });
        assert_eq!(wanted.json(), Some(expected));
    }

    #[test]
    fn where_a_secret_was_taken_out_of_a_text_another_may_stand() {
        let wanted = Wanted::text("40{\"token\":\"redacted-0123456789abcdef\"}").json();
        let expected = serde_json::json!({"regex": r#"^(?s:40\{"token":".*"\})$"#});
        assert_eq!(wanted, Some(expected));
        let plain = Wanted::text("ping").json();
        assert_eq!(plain, Some(serde_json::json!({"text": "ping"})));
    }

    #[test]
    fn what_no_tape_can_hold_is_none() {
        let mut wanted = Wanted::default();
        wanted.exists(&format!("/{}", "x".repeat(MAX_PATH_BYTES)));
        assert_eq!(wanted.json(), None);
    }
}
