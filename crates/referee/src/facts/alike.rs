//! When two subscriptions are the same: equal JSON, except for what differs between processes.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use wstape_wire::framed::{Framed, records};

/// The most subscriptions that one message is split into.
const MAX_PARTS: usize = 256;

/// What to ignore when comparing subscriptions, because it differs even for the same request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Alike {
    /// Members of a message that tell its answer from others: ids.
    ids: BTreeSet<String>,
    /// Paths whose value differed in a second process; a step into a list is `*`.
    differing: BTreeSet<Vec<String>>,
}

impl Alike {
    /// Compares without these members: an id counts up within a process but is the same in two
    /// processes, so that [`learn`](Self::learn) can't find it.
    pub(crate) fn but_for(ids: impl IntoIterator<Item = String>) -> Self {
        Self {
            ids: ids.into_iter().collect(),
            differing: BTreeSet::new(),
        }
    }

    /// Learns what differs from the requests of two processes without a fault, each in order.
    pub(crate) fn learn<'a>(
        &mut self,
        first: impl IntoIterator<Item = &'a str>,
        second: impl IntoIterator<Item = &'a str>,
    ) {
        let (first, second) = (first.into_iter(), second.into_iter());
        for (one, other) in first
            .flat_map(apart_by_record)
            .zip(second.flat_map(apart_by_record))
        {
            if let (Ok(one), Ok(other)) = (json(one), json(other)) {
                differ(&one, &other, &mut Vec::new(), &mut self.differing);
            }
        }
    }

    /// How often these messages ask for each thing. A message that lists several counts once for
    /// each, so neither their order nor whether they came together matters.
    pub(crate) fn count<'a>(
        &self,
        messages: impl IntoIterator<Item = &'a str>,
    ) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for message in messages.into_iter().flat_map(apart_by_record) {
            for one in self.parts(message) {
                *counts.entry(one).or_default() += 1;
            }
        }
        counts
    }

    fn parts(&self, message: &str) -> Vec<String> {
        let Ok(mut value) = json(message) else {
            return target_parts(message);
        };
        if let Value::Object(members) = &mut value {
            // An id is a number or a text. What is given back whole is what was asked for.
            members.retain(|name, value| is_list_or_object(value) || !self.ids.contains(name));
        }
        forget(&mut value, &mut Vec::new(), &self.differing);
        let parts = apart(&value);
        let whole = || vec![value.to_string()];
        if parts.len() > MAX_PARTS {
            return whole();
        }
        parts.iter().map(Value::to_string).collect()
    }
}

/// A target once for each stream in its query: `/stream?streams=a/b` asks for two.
fn target_parts(target: &str) -> Vec<String> {
    let Some((path, query)) = target.split_once('?').filter(|_| target.starts_with('/')) else {
        return vec![target.to_owned()];
    };
    let mut all = vec![String::new()];
    for pair in query.split('&') {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (format!("{name}="), value),
            None => (pair.to_owned(), ""),
        };
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        let with = all.iter().flat_map(|one| {
            let join = if one.is_empty() { '?' } else { '&' };
            let parts = value
                .split('/')
                .filter(|it| !it.is_empty() || value.is_empty());
            let name = name.clone();
            parts.map(move |part| format!("{one}{join}{name}{part}"))
        });
        all = with.take(MAX_PARTS + 1).collect();
    }
    if all.is_empty() || all.len() > MAX_PARTS {
        return vec![target.to_owned()];
    }
    all.into_iter().map(|it| format!("{path}{it}")).collect()
}

/// The JSON of a message, or what a protocol's frame holds: Socket.IO's acknowledgement number is an
/// id. A message that is a list has its members by position, so they are named by it: Phoenix's
/// `[join_ref, ref, topic, event, payload]` is no list of streams.
fn json(text: &str) -> serde_json::Result<Value> {
    let value = serde_json::from_str(&text[Framed::of(text).json])?;
    Ok(match value {
        Value::Array(items) => {
            let named = items.into_iter().enumerate();
            Value::Object(named.map(|(n, item)| (n.to_string(), item)).collect())
        }
        other => other,
    })
}

/// The records of a message that holds several, such as the commands that Centrifuge's clients send
/// together; else the message.
fn apart_by_record(message: &str) -> Vec<&str> {
    let found = records(message);
    if found.is_empty() {
        vec![message]
    } else {
        found
    }
}

fn is_list_or_object(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}

/// Records the paths at which two values differ.
fn differ(one: &Value, other: &Value, at: &mut Vec<String>, into: &mut BTreeSet<Vec<String>>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                if let Some(other) = other.get(name) {
                    at.push(name.clone());
                    differ(value, other, at, into);
                    at.pop();
                }
            }
        }
        // Lists that only differ in order, like sets, are the same list; in lists of different
        // lengths, members can't be matched.
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let sorted = |list: &[Value]| {
                let mut list = list.to_vec();
                list.sort_by_key(Value::to_string);
                list
            };
            at.push("*".to_owned());
            for (value, other) in sorted(one).iter().zip(&sorted(other)) {
                differ(value, other, at, into);
            }
            at.pop();
        }
        (one, other) if one != other => {
            into.insert(at.clone());
        }
        _ => {}
    }
}

/// Blanks out what differs between processes.
fn forget(value: &mut Value, at: &mut Vec<String>, differing: &BTreeSet<Vec<String>>) {
    if differing.contains(at) {
        *value = Value::Null;
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                at.push(name.clone());
                forget(value, at, differing);
                at.pop();
            }
        }
        Value::Array(items) => {
            at.push("*".to_owned());
            for value in items {
                forget(value, at, differing);
            }
            at.pop();
        }
        _ => {}
    }
}

/// The value once for each member of its lists; stops if there are too many.
fn apart(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) if items.len() > 1 => {
            let items = items.iter().flat_map(apart).take(MAX_PARTS + 1);
            items.map(|item| Value::Array(vec![item])).collect()
        }
        Value::Array(items) => {
            let parts = items.iter().flat_map(apart);
            let parts: Vec<Value> = parts.map(|item| Value::Array(vec![item])).collect();
            if parts.is_empty() {
                vec![value.clone()]
            } else {
                parts
            }
        }
        Value::Object(members) => {
            let mut all = vec![Map::new()];
            for (name, value) in members {
                let parts = apart(value);
                let with = all.iter().flat_map(|one| {
                    parts.iter().map(move |part| {
                        let mut one = one.clone();
                        one.insert(name.clone(), part.clone());
                        one
                    })
                });
                all = with.take(MAX_PARTS + 1).collect();
            }
            all.into_iter().map(Value::Object).collect()
        }
        other => vec![other.clone()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(alike: &Alike, one: &[&str], other: &[&str]) -> bool {
        alike.count(one.iter().copied()) == alike.count(other.iter().copied())
    }

    #[test]
    fn it_does_not_matter_whether_streams_are_asked_for_together_or_one_by_one() {
        let alike = Alike::but_for(["id".to_owned()]);
        let together = [r#"{"id":1,"method":"SUBSCRIBE","params":["a","b"]}"#];
        let apart = [
            r#"{"method":"SUBSCRIBE","params":["b"],"id":7}"#,
            r#"{"params":["a"],"method":"SUBSCRIBE","id":8}"#,
        ];
        assert!(same(&alike, &together, &apart));
        assert!(!same(&alike, &together, &apart[..1]));
        let twice = [apart[0], apart[1], apart[1]];
        assert!(!same(&alike, &together, &twice));
    }

    #[test]
    fn what_differs_from_process_to_process_is_left_out_and_nothing_else() {
        let mut alike = Alike::default();
        let first = r#"{"op":"subscribe","args":["x","y"],"nonce":"f00","at":{"ms":5}}"#;
        let second = r#"{"op":"subscribe","args":["y","x"],"nonce":"ba4","at":{"ms":9}}"#;
        assert!(!same(&alike, &[first], &[second]));
        alike.learn([first], [second]);
        assert!(same(&alike, &[first], &[second]));
        let other = r#"{"op":"subscribe","args":["y","z"],"nonce":"ba4","at":{"ms":9}}"#;
        assert!(!same(&alike, &[first], &[other]));
    }

    #[test]
    fn a_number_to_be_acknowledged_is_an_id_and_what_is_asked_for_is_not() {
        let alike = Alike::default();
        let first = [r#"420["subscribe","trades"]"#, r#"421["subscribe","book"]"#];
        let again = [r#"422["subscribe","trades"]"#, r#"423["subscribe","book"]"#];
        assert!(same(&alike, &first, &again));
        assert_eq!(alike.count(first).len(), 2);
        assert!(!same(&alike, &first, &[again[0], again[0]]));
    }

    #[test]
    fn commands_that_came_together_are_compared_one_by_one() {
        let first = "{\"id\":1,\"connect\":{\"token\":\"x\"}}\n{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}\n{\"id\":3,\"subscribe\":{\"channel\":\"b\"}}";
        let mut alike = Alike::but_for(["id".to_owned()]);
        alike.learn([first], [first.replace("\"x\"", "\"y\"").as_str()]);
        let connect = r#"{"id":4,"connect":{"token":"z"}}"#;
        let a = r#"{"id":5,"subscribe":{"channel":"a"}}"#;
        let b = r#"{"id":6,"subscribe":{"channel":"b"}}"#;
        assert!(same(&alike, &[first], &[connect, b, a]));
        assert!(!same(&alike, &[first], &[connect, a, a]));
    }

    #[test]
    fn members_of_a_message_that_is_a_list_are_told_by_their_places() {
        let alike = Alike::but_for(["0".to_owned(), "1".to_owned()]);
        let first = [
            r#"["3","3","a","phx_join",{}]"#,
            r#"["4","4","b","phx_join",{}]"#,
        ];
        let again = [
            r#"["7","7","b","phx_join",{}]"#,
            r#"["8","8","a","phx_join",{}]"#,
        ];
        assert!(same(&alike, &first, &again));
        assert_eq!(alike.count(first).len(), 2);
        assert!(!same(&alike, &first, &[again[0], again[0]]));
    }

    #[test]
    fn what_an_answer_gives_back_whole_is_what_was_asked_for() {
        let alike = Alike::but_for(["subscription".to_owned()]);
        let trades = r#"{"method":"subscribe","subscription":{"type":"trades","coin":"BTC"}}"#;
        let book = r#"{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}"#;
        assert_eq!(alike.count([trades, book]).len(), 2);
    }

    #[test]
    fn streams_that_are_joined_in_the_path_are_asked_for_one_by_one() {
        let alike = Alike::default();
        let joined = ["/stream?streams=a@trade/b@depth"];
        let apart = ["/stream?streams=b%40depth", "/stream?streams=a@trade"];
        assert_eq!(alike.count(joined).len(), 2);
        assert!(same(&alike, &joined, &apart));
        assert!(same(&alike, &joined, &["/stream?streams=b@depth/a@trade"]));
        assert!(same(
            &alike,
            &joined,
            &["/stream?streams=a@trade%2Fb@depth"]
        ));
        assert!(!same(&alike, &joined, &apart[1..]));
        for whole in ["/ws/a@trade", "/ws", "/ws?x", "ping"] {
            assert_eq!(alike.count([whole])[whole], 1, "{whole}");
        }
        let long = format!("/stream?streams={}", "a/".repeat(MAX_PARTS + 1));
        assert_eq!(alike.count([long.as_str()]).len(), 1);
    }

    #[test]
    fn a_message_that_lists_too_many_counts_whole() {
        let list: Vec<usize> = (0..=MAX_PARTS).collect();
        let message = format!(r#"{{"args":{list:?}}}"#);
        let counts = Alike::default().count([message.as_str()]);
        assert_eq!(counts.len(), 1);
        assert_eq!(Alike::default().count(["ping", "ping"])["ping"], 2);
    }
}
