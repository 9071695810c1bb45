//! Messages of a user's own feed, taken from their tapes, to draw from and to corrupt.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use wstape_tape::{
    Action, MAX_DIALOGUE_STEPS, Micros, Step, Tape, Trigger, pointer_key, pointer_token,
};

use super::dice::Dice;

/// The most messages to draw from; of longer tapes, the first ones are taken.
const MAX_MESSAGES: usize = 4_096;
/// The start and end of a reference: a placeholder for something known only when it is sent.
const REFERENCE: (&str, char) = ("${", '}');
/// The most events that a stream holds.
const MAX_EVENTS: usize = 4_000;
/// Digits or letters of a huge value.
const HUGE: (u64, u64) = (400, 40_000);
/// The most levels of a value that is nested too deep.
const MAX_LEVELS: usize = 400;

/// A feed's messages, as tapes hold them: a recording, a script. The tapes' answers to a client,
/// and the scenes these start, are part of every case drawn.
///
/// ```
/// use wstape_chaos::Vocabulary;
/// use wstape_tape::Tape;
///
/// let tape = Tape::parse("prices", concat!(
///     r#"{"tape":1}"#, "\n",
///     r#"{"at_ms":0,"text":"{\"symbol\":\"BTC\",\"price\":1.5}"}"#, "\n",
/// ))?;
/// let vocabulary = Vocabulary::of(&[tape]).expect("it holds a message");
/// assert_eq!(vocabulary.len(), 1);
/// # Ok::<(), wstape_tape::TapeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Vocabulary {
    messages: Vec<Arc<str>>,
    /// Steps for every connection: the answers to the client.
    dialogue: Vec<Step>,
}

impl Vocabulary {
    /// The text messages in these tapes; `None` if there are none.
    #[must_use]
    pub fn of(tapes: &[Tape]) -> Option<Self> {
        let steps = || tapes.iter().flat_map(|tape| &tape.steps);
        let dialogue: Vec<Step> = steps()
            .filter(|step| speaks(step))
            .take(MAX_DIALOGUE_STEPS)
            .cloned()
            .collect();
        let mut messages: Vec<Arc<str>> = steps().filter_map(message).take(MAX_MESSAGES).collect();
        if !dialogue.is_empty() {
            // A tape with dialogue writes references in its messages. Sent by themselves, without a
            // client's message to refer to, these would be empty.
            for message in &mut messages {
                *message = without_references(message);
            }
        }
        (!messages.is_empty()).then_some(Self { messages, dialogue })
    }

    /// The answers to the client, the same in every case.
    pub(super) fn dialogue(&self) -> &[Step] {
        &self.dialogue
    }

    /// Whether the tapes hold a stream that runs for whoever asks for it.
    pub(super) fn has_scene(&self) -> bool {
        let is_scene = |step: &Step| matches!(step.trigger, Trigger::Scene(_));
        self.dialogue.iter().any(is_scene)
    }

    /// The number of messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there are no messages; always false, because a vocabulary has at least one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Returns an engine's messages from its start to `end`, mostly in the tapes' order.
    pub(super) fn stream(&self, dice: &mut Dice, end: Micros) -> Vec<Step> {
        let every = match dice.below(8) {
            0 => Micros::from_ms(dice.between(4_000, 20_000)),
            1 => Micros::from_ms(dice.between(100, 400)),
            _ => Micros::from_ms(dice.between(700, 1_300)),
        };
        let mut at = Micros(dice.below(every.0));
        let mut next = dice.index(self.messages.len());
        let mut steps = Vec::new();
        while at < end && steps.len() < MAX_EVENTS {
            if dice.chance(1, 16) {
                next = dice.index(self.messages.len());
            }
            steps.push(Step::at(at, Action::Text(self.messages[next].to_string())));
            next = (next + 1) % self.messages.len();
            let pause = match dice.below(16) {
                0 => 0,
                1 => every.0 * 3,
                _ => dice.between(every.0 / 2, every.0 + every.0 / 2),
            };
            at = Micros(at.0.saturating_add(pause));
        }
        steps
    }

    /// Draws one of the messages.
    pub(super) fn any(&self, dice: &mut Dice) -> String {
        self.messages[dice.index(self.messages.len())].to_string()
    }

    /// Draws a message and corrupts it until it is not JSON any more, or not one of the feed's.
    pub(super) fn malformed(&self, dice: &mut Dice) -> String {
        let text = self.any(dice);
        match dice.below(8) {
            0 => String::new(),
            1 => "null".to_owned(),
            2 => format!("{text}{text}"),
            3 => format!("{text} trailing"),
            4 => format!("\u{feff}{text}"),
            5 => {
                let levels = dice.pick(&[126, 127, 128, MAX_LEVELS]);
                format!("{}{}", "[".repeat(levels), "]".repeat(levels))
            }
            6 => format!("[{text}]"),
            _ => {
                let mut cut = dice.index(text.len().max(1));
                while !text.is_char_boundary(cut) {
                    cut -= 1;
                }
                text[..cut].to_owned()
            }
        }
    }

    /// Draws a message with a member missing, null, wrongly typed, huge or duplicated.
    pub(super) fn wrong(&self, dice: &mut Dice) -> String {
        let text = self.any(dice);
        let Ok(mut message) = serde_json::from_str::<Value>(&text) else {
            return self.malformed(dice);
        };
        let mut places = Vec::new();
        list(&message, &mut String::new(), &mut places);
        if places.is_empty() {
            return other_type(&message, dice).to_string();
        }
        let place = places[dice.index(places.len())].clone();
        let lot = dice.below(6);
        if lot == 5 {
            return twice(&message, &text, dice);
        }
        let Some((parent, key)) = place.rsplit_once('/') else {
            return text;
        };
        if lot == 0 {
            if let Some(Value::Object(members)) = message.pointer_mut(parent) {
                members.remove(&pointer_key(key));
            }
            return message.to_string();
        }
        if let Some(value) = message.pointer_mut(&place) {
            *value = match lot {
                1 => Value::Null,
                2 | 3 => other_type(value, dice),
                _ => huge(value, dice),
            };
        }
        message.to_string()
    }
}

/// Whether a step answers a client, or streams to it. Anything else that a tape does to a client is
/// a fault, and each case draws its own faults: one that is in every case would never let a
/// subscriber recover.
fn speaks(step: &Step) -> bool {
    let says = matches!(
        step.action,
        Action::Emit(_)
            | Action::Json(_)
            | Action::Text(_)
            | Action::Binary(_)
            | Action::Start(_)
            | Action::Stop(_)
    );
    says && step.trigger.is_dialogue() && step.engine.is_none()
}

fn message(step: &Step) -> Option<Arc<str>> {
    let text = match &step.action {
        Action::Text(text) => text.as_str(),
        Action::Emit(json) | Action::Json(json) => std::str::from_utf8(json).ok()?,
        _ => return None,
    };
    Some(text.into())
}

/// The message with its references removed.
fn without_references(message: &str) -> Arc<str> {
    let mut rest = message;
    let mut kept = String::with_capacity(message.len());
    while let Some((before, reference)) = rest.split_once(REFERENCE.0) {
        kept.push_str(before);
        rest = reference
            .split_once(REFERENCE.1)
            .map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept.into()
}

/// JSON Pointers to all members and elements.
fn list(value: &Value, at: &mut String, places: &mut Vec<String>) {
    let len = at.len();
    let mut go = |key: &str, value: &Value, at: &mut String| {
        at.push('/');
        at.push_str(key);
        places.push(at.clone());
        list(value, at, places);
        at.truncate(len);
    };
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                go(&pointer_token(key), value, at);
            }
        }
        Value::Array(elements) => {
            for (n, value) in elements.iter().enumerate() {
                go(&n.to_string(), value, at);
            }
        }
        _ => {}
    }
}

/// A value of another type.
fn other_type(value: &Value, dice: &mut Dice) -> Value {
    let others: Vec<Value> = [
        json!("text"),
        json!(7),
        json!(-0.5),
        json!(true),
        json!([]),
        json!({}),
        json!(value.to_string()),
    ]
    .into_iter()
    .filter(|other| std::mem::discriminant(other) != std::mem::discriminant(value))
    .collect();
    others[dice.index(others.len())].clone()
}

/// A value of the same type that is huge.
fn huge(value: &Value, dice: &mut Dice) -> Value {
    let len = usize::try_from(dice.log(HUGE.0, HUGE.1)).unwrap_or(usize::MAX);
    match value {
        Value::Number(_) => dice.pick(&[1e300, -1e300, 9_007_199_254_740_993.0]).into(),
        Value::Array(elements) => {
            let first = elements.first().cloned().unwrap_or(Value::Null);
            Value::Array(vec![first; len.min(1_000)])
        }
        Value::Object(members) => {
            let more = (0..len.min(1_000)).map(|n| (format!("more{n}"), Value::Null));
            let members = members.clone().into_iter().chain(more);
            Value::Object(members.collect::<Map<_, _>>())
        }
        _ => Value::String("x".repeat(len)),
    }
}

/// Returns the message with one member of its outermost object duplicated; the first of the two has
/// another value.
fn twice(message: &Value, text: &str, dice: &mut Dice) -> String {
    let Value::Object(members) = message else {
        return format!("{text}{text}");
    };
    let keys: Vec<&String> = members.keys().collect();
    let Some(rest) = text
        .trim_start()
        .strip_prefix('{')
        .filter(|_| !keys.is_empty())
    else {
        return text.to_owned();
    };
    let key = keys[dice.index(keys.len())];
    let value = other_type(&members[key], dice);
    format!("{{{}:{value},{rest}", json!(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let tape = Tape::parse(
            "t",
            concat!(
                "{\"tape\":1}\n",
                r#"{"at_ms":0,"text":"{\"op\":\"trade\",\"p\":[1.5,2],\"a/b\":{\"n\":null}}"}"#,
                "\n",
                r#"{"at_ms":1,"text":"hello"}"#,
                "\n"
            ),
        );
        Vocabulary::of(&[tape.expect("a tape")]).expect("messages")
    }

    #[test]
    fn what_is_spoilt_is_missing_null_of_another_type_huge_or_there_twice() {
        let vocabulary = vocabulary();
        let wrong: Vec<String> = (0..400)
            .map(|seed| vocabulary.wrong(&mut Dice::of(seed, "wrong")))
            .collect();
        let some = |what: &dyn Fn(&Value) -> bool| {
            wrong
                .iter()
                .filter_map(|text| serde_json::from_str(text).ok())
                .any(|value| what(&value))
        };
        assert!(some(&|value| value.is_object() && value.get("op").is_none()));
        assert!(some(
            &|value| value["op"].is_null() && value.get("op").is_some()
        ));
        assert!(some(&|value| value["op"].is_number()));
        assert!(some(&|value| value["op"]
            .as_str()
            .is_some_and(|op| op.len() > 300)));
        assert!(some(&|value| value["a/b"]
            .as_object()
            .is_some_and(Map::is_empty)));
        let doubled = |text: &String| text.matches("\"op\":").count() == 2;
        assert!(wrong.iter().any(doubled), "{wrong:?}");
    }

    #[test]
    fn the_stream_is_of_the_tapes_own_messages_mostly_in_their_order() {
        let vocabulary = vocabulary();
        let steps = vocabulary.stream(&mut Dice::of(1, "stream"), Micros::from_ms(60_000));
        let texts: Vec<Arc<str>> = steps.iter().filter_map(message).collect();
        assert!(texts.len() > 10, "{}", texts.len());
        assert!(texts.iter().all(|text| vocabulary.messages.contains(text)));
        let in_turn = texts.windows(2).filter(|two| two[0] != two[1]).count();
        assert!(
            in_turn * 10 >= texts.len() * 8,
            "{in_turn} of {}",
            texts.len()
        );
    }
}
