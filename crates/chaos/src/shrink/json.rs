//! Simplifies a JSON object with a string `event`: the payload of an `emit`.

use bytes::Bytes;
use serde_json::{Map, Value};

/// The simplest event of all.
const HEARTBEAT: &str = r#"{"event":"heartbeat"}"#;

/// Returns a simpler event than `bytes` that `will_do`: a heartbeat, else one with fewer members
/// and elements, at any depth, and smaller values. `None` if there is none, or `bytes` are not
/// JSON.
pub(super) fn simplest(bytes: &Bytes, mut will_do: impl FnMut(Bytes) -> bool) -> Option<Bytes> {
    let heartbeat = Bytes::from_static(HEARTBEAT.as_bytes());
    if *bytes == heartbeat {
        return None;
    }
    if will_do(heartbeat.clone()) {
        return Some(heartbeat);
    }
    let mut now: Value = serde_json::from_slice(bytes).ok()?;
    let mut best = None;
    while let Some(simpler) = simpler(&now)
        .into_iter()
        // Readers go by the event's name, and an `emit` must have one.
        .filter(|value| value["event"] == now["event"] && value["event"].is_string())
        .find(|value| will_do(text(value)))
    {
        best = Some(text(&simpler));
        now = simpler;
    }
    best
}

/// An event as an engine writes it: name and time first.
fn text(event: &Value) -> Bytes {
    let members = event.as_object().into_iter().flatten();
    let place = |key: &str| match key {
        "event" => 0,
        "ts" => 1,
        _ => 2,
    };
    let mut members: Vec<_> = members.collect();
    members.sort_by_key(|(key, _)| place(key));
    let members: Vec<String> = members
        .into_iter()
        .map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())))
        .collect();
    Bytes::from(format!("{{{}}}", members.join(",")))
}

/// Simpler values, the simplest first; each is smaller in depth, members, elements, or in itself.
fn simpler(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(_) => vec![Value::Null],
        Value::Number(number) => {
            let mut simpler = vec![Value::Null];
            for small in [0, 1] {
                // Only ever towards 0, so that no number repeats.
                if *number != small.into() && (small == 0 || *number != 0.into()) {
                    simpler.push(small.into());
                }
            }
            simpler
        }
        Value::String(text) => {
            let mut simpler = vec![Value::Null];
            let mut len = 0;
            // "", then 1, 2, 4, … characters.
            while len < text.chars().count() {
                simpler.push(text.chars().take(len).collect::<String>().into());
                len = (len * 2).max(1);
            }
            simpler
        }
        Value::Array(items) => {
            let mut smaller = vec![Value::Null];
            if !items.is_empty() {
                smaller.push(Value::Array(Vec::new()));
            }
            for left_out in ranges(items.len()) {
                let mut rest = items.clone();
                rest.drain(left_out);
                smaller.push(rest.into());
            }
            for (at, item) in items.iter().enumerate() {
                for item in simpler(item) {
                    let mut items = items.clone();
                    items[at] = item;
                    smaller.push(items.into());
                }
            }
            smaller
        }
        Value::Object(members) => {
            let mut smaller = vec![Value::Null];
            if !members.is_empty() {
                smaller.push(Value::Object(Map::new()));
            }
            let keys: Vec<&String> = members.keys().collect();
            for left_out in ranges(keys.len()) {
                let mut rest = members.clone();
                rest.retain(|key, _| !keys[left_out.clone()].contains(&key));
                smaller.push(rest.into());
            }
            for (key, member) in members {
                for member in simpler(member) {
                    let mut members = members.clone();
                    members.insert(key.clone(), member);
                    smaller.push(members.into());
                }
            }
            smaller
        }
    }
}

/// What to remove from `len` things: a half, a quarter, and so on, then single ones.
fn ranges(len: usize) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut chunk = len.div_ceil(2);
    while chunk > 0 {
        let starts = (0..len).step_by(chunk);
        ranges.extend(starts.map(|start| start..(start + chunk).min(len)));
        chunk /= 2;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::simplest;

    fn left(event: &Value, mut will_do: impl FnMut(&Value) -> bool) -> Option<Value> {
        simplest(&Bytes::from(event.to_string()), |bytes| {
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            assert!(value["event"].is_string(), "{value}");
            will_do(&value)
        })
        .map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn what_does_not_matter_goes_at_any_depth() {
        let event = json!({"event": "positions", "ts": "2026-01-01T00:00:00Z", "data": {
            "positions": [{"symbol": "BTC", "size": 0.5}, {"symbol": "ETH", "size": 2.5, "stop": 9}],
            "account_value": 1_000.5
        }});
        assert_eq!(left(&event, |_| true), Some(json!({"event": "heartbeat"})));
        let one = |event: &Value| event["data"]["positions"][0]["symbol"].is_string();
        assert_eq!(
            left(&event, |event| one(event) && event["event"] == "positions"),
            Some(json!({"event": "positions", "data": {"positions": [{"symbol": ""}]}}))
        );
        let large = |event: &Value| {
            event["data"]["positions"]
                .as_array()
                .is_some_and(|items| items.iter().any(|item| item["size"].as_f64() > Some(2.0)))
        };
        assert_eq!(
            left(&event, large),
            Some(json!({"event": "positions", "data": {"positions": [{"size": 2.5}]}}))
        );
    }

    #[test]
    fn what_is_as_simple_as_can_be_stays() {
        let event = json!({"event": "heartbeat"});
        assert_eq!(left(&event, |_| true), None);
        let event = json!({"event": "risk", "data": {"halted": true}});
        assert_eq!(left(&event, |event| event["data"]["halted"] == true), None);
    }
}
