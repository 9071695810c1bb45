//! Simpler values of one step: discrete choices, then numbers, then payloads.

use bytes::Bytes;
use wstape_tape::{Action, Conn, Direction, End, Step, Trigger, Whose};

use super::changed::changed;
use super::fewer::fewest;
use super::json;
use super::knob::Knob;
use super::number::simplest;
use crate::case::FAULT_KEY;

/// Payloads up to this many bytes are searched byte by byte; for longer ones only the length is
/// searched, until they are short enough.
const MAX_SEARCHED_BYTES: usize = 256;

/// Simplifies `step` as far as `will_do` holds. The time on the engine's clock stays.
pub(super) fn simplest_step(step: &mut Step, mut will_do: impl FnMut(&Step) -> bool) {
    while let Some(simpler) = choices(step).into_iter().find(|choice| will_do(choice)) {
        *step = simpler;
    }
    for knob in Knob::ALL {
        if let Some(now) = knob.get(step) {
            let simpler = simplest(now, knob.least(), knob.units(), |n| {
                will_do(&knob.set(step, n))
            });
            if let Some(simpler) = simpler {
                *step = knob.set(step, simpler);
            }
        }
    }
    payload(step, &mut will_do);
}

/// Returns simpler steps, the simplest first. No chain of choices leads back to `step`, because
/// each choice says less than the step before it, or comes earlier in the same order of preference.
fn choices(step: &Step) -> Vec<Step> {
    let mut choices: Vec<Step> = actions(&step.action)
        .into_iter()
        .map(|action| changed(step, |step| act(step, action)))
        .filter(is_allowed)
        .collect();
    if step.conn != Conn::All {
        choices.push(changed(step, |step| step.conn = Conn::All));
    }
    if step.direction != Direction::Both {
        choices.push(changed(step, |step| step.direction = Direction::Both));
    }
    if step.for_us.is_some() {
        choices.push(changed(step, |step| step.for_us = None));
    }
    if step.times.is_some() {
        choices.push(changed(step, |step| step.times = None));
    }
    if step.note.is_some() {
        choices.push(changed(step, |step| step.note = None));
    }
    if let Trigger::OnConnect { whose, after } = step.trigger
        && whose != Whose::Each
    {
        let each = Trigger::OnConnect {
            whose: Whose::Each,
            after,
        };
        choices.push(changed(step, |step| step.trigger = each));
    }
    choices
}

/// Replaces a step's action. If it is of another kind, the step is no longer the fault it was drawn
/// as.
fn act(step: &mut Step, action: Action) {
    if action.key() != step.key() {
        step.extensions.retain(|(key, _)| key != FAULT_KEY);
    }
    step.action = action;
}

/// Simpler actions, the simplest first: for something that breaks a connection the plainest end,
/// then shorter forms of the same key.
fn actions(action: &Action) -> Vec<Action> {
    let breaks = matches!(
        action,
        Action::Close(_) | Action::Bytes(_) | Action::Frame(_)
    );
    let fin = breaks.then_some(Action::Drop(End::Fin));
    fin.into_iter().chain(action.simpler()).collect()
}

/// Whether a step's modifiers still suit its action.
fn is_allowed(step: &Step) -> bool {
    let on_connect = step.trigger.is_prologue();
    (step.for_us.is_none() || step.action.is_state())
        && (step.times.is_none() || step.action.is_used_up() || step.trigger.is_dialogue())
        && (step.direction == Direction::Both || step.action.is_link_condition())
        && !(on_connect && step.action.is_engine_wide())
}

/// A smaller payload.
fn payload(step: &mut Step, will_do: &mut impl FnMut(&Step) -> bool) {
    let now = step.clone();
    let with = |action: Action| changed(&now, |step| step.action = action);
    let simpler = match &now.action {
        Action::Emit(bytes) => {
            json::simplest(bytes, |bytes| will_do(&with(Action::Emit(bytes)))).map(Action::Emit)
        }
        Action::Text(text) => {
            let chars = text.chars().collect();
            let text = |chars: &[char]| Action::Text(chars.iter().collect());
            shorter(chars, |chars| will_do(&with(text(chars)))).map(|chars| text(&chars))
        }
        Action::Binary(bytes) => {
            shorter_bytes(bytes, will_do, |b| with(Action::Binary(b))).map(Action::Binary)
        }
        Action::Ping(bytes) => {
            shorter_bytes(bytes, will_do, |b| with(Action::Ping(b))).map(Action::Ping)
        }
        Action::Pong(bytes) => {
            shorter_bytes(bytes, will_do, |b| with(Action::Pong(b))).map(Action::Pong)
        }
        Action::Bytes(bytes) => {
            shorter_bytes(bytes, will_do, |b| with(Action::Bytes(b))).map(Action::Bytes)
        }
        Action::Frame(frame) => {
            let framed = |payload: Bytes| {
                let mut frame = frame.clone();
                frame.payload = payload;
                Action::Frame(frame)
            };
            shorter_bytes(&frame.payload, will_do, |b| with(framed(b))).map(framed)
        }
        Action::Garbage(Some(garbage)) => {
            let garbled = |bytes: Bytes| {
                let mut garbage = garbage.clone();
                garbage.bytes = bytes;
                Action::Garbage(Some(garbage))
            };
            shorter_bytes(&garbage.bytes, will_do, |b| with(garbled(b))).map(garbled)
        }
        _ => None,
    };
    if let Some(action) = simpler {
        *step = with(action);
    }
}

fn shorter_bytes(
    bytes: &Bytes,
    will_do: &mut impl FnMut(&Step) -> bool,
    step: impl Fn(Bytes) -> Step,
) -> Option<Bytes> {
    shorter(bytes.to_vec(), |bytes| {
        will_do(&step(Bytes::copy_from_slice(bytes)))
    })
    .map(Bytes::from)
}

/// A shorter list of bytes or characters.
fn shorter<T: Clone + PartialEq>(
    all: Vec<T>,
    mut will_do: impl FnMut(&[T]) -> bool,
) -> Option<Vec<T>> {
    let whole = all.len();
    let mut left = all;
    if left.len() > MAX_SEARCHED_BYTES {
        let len = simplest(left.len() as u64, 0, super::number::COUNT_UNITS, |len| {
            usize::try_from(len).is_ok_and(|len| will_do(&left[..len]))
        });
        if let Some(len) = len.and_then(|len| usize::try_from(len).ok()) {
            left.truncate(len);
        }
    }
    if left.len() <= MAX_SEARCHED_BYTES {
        left = fewest(left, will_do);
    }
    (left.len() < whole).then_some(left)
}

#[cfg(test)]
mod tests {
    use wstape_tape::{Action, Step};

    use super::simplest_step;

    /// Simplifies the step in `line` as long as its text still contains all of `needed`.
    fn left(line: &str, needed: &[&str]) -> String {
        let mut step = Step::parse("a table", 1, line).unwrap();
        simplest_step(&mut step, |step| {
            let text = step.to_line();
            assert!(Step::parse("a candidate", 1, &text).is_ok(), "{text}");
            needed.iter().all(|part| text.contains(part))
        });
        step.to_line()
    }

    #[test]
    fn each_step_is_left_with_what_matters() {
        let table: &[(&str, &[&str], &str)] = &[
            (
                r#"{"at_ms":5,"conn":3,"close":{"code":1013,"reason":"busy"},"x-fault":"close"}"#,
                &[],
                r#"{"at_ms":5,"drop":"fin"}"#,
            ),
            (
                r#"{"at_ms":5,"conn":3,"close":{"code":1013,"reason":"busy"}}"#,
                &["close"],
                r#"{"at_ms":5,"close":{}}"#,
            ),
            (
                r#"{"at_ms":5,"conn":3,"close":{"code":1013,"reason":"busy"}}"#,
                &["1013"],
                r#"{"at_ms":5,"close":{"code":1013}}"#,
            ),
            (
                r#"{"at_ms":5,"conn":3,"close":{"code":1013,"reason":"busy"}}"#,
                &["conn", "reason"],
                r#"{"at_ms":5,"conn":1,"close":{"code":1000,"reason":"busy"}}"#,
            ),
            (
                r#"{"at_ms":5,"partition":"to_client","for_ms":1234.567,"note":"x"}"#,
                &["for_ms"],
                r#"{"at_ms":5,"partition":"both","for_ms":0}"#,
            ),
            (
                r#"{"at_ms":5,"refuse":{"status":429,"headers":{"retry-after":"7","server":"x"}},"times":40}"#,
                &["retry-after", "times"],
                r#"{"at_ms":5,"refuse":{"status":503,"headers":{"retry-after":"7"}},"times":1}"#,
            ),
            (
                r#"{"at_ms":5,"text":"{\"event\": \"risk\", \"data\": [1,2,3]}"}"#,
                &["text", "3"],
                r#"{"at_ms":5,"text":"3"}"#,
            ),
            (
                r#"{"at_ms":5,"frame":{"fin":false,"rsv":4,"opcode":9,"payload":"hello","declared_len":70}}"#,
                &["frame", "\"rsv\":4"],
                r#"{"at_ms":5,"frame":{"rsv":4,"opcode":9}}"#,
            ),
            (
                r#"{"at_ms":5,"emit":{"event":"risk","ts":"x","data":{"halted":true,"per_runner":{"a":[1,2]}}}}"#,
                &["halted"],
                r#"{"at_ms":5,"emit":{"event":"risk","data":{"halted":null}}}"#,
            ),
            (
                r#"{"on_connect":17,"after_bytes":4099,"drop":"reset"}"#,
                &["on_connect", "after_bytes"],
                r#"{"on_connect":"each","after_bytes":0,"drop":"fin"}"#,
            ),
            (
                r#"{"at_ms":5,"mark":"dial","x-dial-ms":1234.567}"#,
                &["x-dial-ms"],
                r#"{"at_ms":5,"mark":"dial","x-dial-ms":0}"#,
            ),
            (
                r#"{"at_ms":5,"mark":"call","x-call":"shutdown"}"#,
                &[],
                r#"{"at_ms":5,"mark":"call","x-call":"shutdown"}"#,
            ),
        ];
        for (line, needed, shown) in table {
            assert_eq!(left(line, needed), *shown);
        }
    }

    #[test]
    fn a_long_payload_is_cut_to_the_length_that_matters() {
        let mut step = Step::new(
            wstape_tape::Trigger::At(wstape_tape::Micros::ZERO),
            Action::Text("x".repeat(70_000)),
        );
        let mut tries = 0;
        simplest_step(&mut step, |step| {
            tries += 1;
            matches!(&step.action, Action::Text(text) if text.len() > 65_535)
        });
        assert_eq!(step.action, Action::Text("x".repeat(65_536)));
        assert!(tries < 40, "{tries}");
    }
}
