//! Turns a stream into the lines of a scene.

use std::collections::BTreeMap;

use serde_json::Value;
use wstape_tape::Micros;

use super::heard::Message;
use super::node::{Node, leaves};
use super::request::Request;
use super::shape::Shape;
use super::template::{Clock, Scope, Template};

/// The maximum number of messages learnt from one stream.
const MAX_MESSAGES: usize = 512;

/// The shortest period at which a stream repeats.
const MIN_PERIOD: Micros = Micros::from_ms(1);

/// The lines of a scene, and what was not learnt about it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scene {
    /// The members of each line after the scene's name.
    pub(super) lines: Vec<String>,
    pub(super) unlearnt: Vec<String>,
}

impl Scene {
    /// Whether a stream's last message says that it is over: no other message has its shape, while
    /// others have a shape in common.
    pub(super) fn ends_by_itself(all: &[Message]) -> bool {
        let shapes: Vec<Shape> = all.iter().map(|one| Shape::of(&one.text)).collect();
        let Some((last, before)) = shapes.split_last() else {
            return false;
        };
        let recurs = |at: usize| before[at + 1..].contains(&before[at]);
        !before.contains(last) && (0..before.len()).any(recurs)
    }

    /// Learns from a stream, at most `room` messages. With `once` the stream ends by itself and
    /// does not repeat.
    pub(super) fn of(
        name: &str,
        all: &[Message],
        request: &Request,
        clock: Clock,
        room: usize,
        once: bool,
    ) -> Self {
        let mut scene = Self::default();
        let messages = &all[..all.len().min(room).min(MAX_MESSAGES)];
        if messages.len() < all.len() {
            scene.unlearnt.push(format!(
                "the last {} of {} messages of the stream {name:?}",
                all.len() - messages.len(),
                all.len()
            ));
        }
        let shapes: Vec<Shape> = messages.iter().map(|one| Shape::of(&one.text)).collect();
        // A message with a unique shape, such as a snapshot or a greeting, is sent only once.
        let comes_again =
            |at: usize| shapes.iter().filter(|shape| **shape == shapes[at]).count() > 1;
        let (recurring, single): (Vec<usize>, Vec<usize>) =
            (0..messages.len()).partition(|at| comes_again(*at));
        let template = |at: usize| {
            let message = &messages[at];
            Template::of(&message.text, message.at, request, Scope::Stream, clock)
        };
        let mut lines: BTreeMap<usize, String> = BTreeMap::new();
        for at in single {
            lines.insert(
                at,
                line(messages[at].after, None, &template(at).action(), ""),
            );
        }
        let templates: Vec<Template> = recurring.iter().map(|at| template(*at)).collect();
        let recurring = Recurring {
            templates: live(&templates, clock),
            messages: recurring.iter().map(|at| &messages[*at]).collect(),
            places: recurring,
            once,
        };
        scene.unlearnt.extend(recurring.lines(name, &mut lines));
        scene.lines.extend(lines.into_values());
        scene
    }
}

/// The recurring messages of a stream.
struct Recurring<'m> {
    templates: Vec<Template>,
    messages: Vec<&'m Message>,
    /// Their indices in the whole stream.
    places: Vec<usize>,
    /// Whether the stream ends by itself.
    once: bool,
}

impl Recurring<'_> {
    /// Adds their lines by index. Returns what was not learnt about them.
    fn lines(&self, name: &str, lines: &mut BTreeMap<usize, String>) -> Option<String> {
        if self.once {
            for ((place, template), message) in
                self.places.iter().zip(&self.templates).zip(&self.messages)
            {
                lines.insert(*place, line(message.after, None, &template.action(), ""));
            }
            return None;
        }
        let (first, last) = (self.messages.first()?, self.messages.last()?);
        let gaps = u64::try_from(self.messages.len() - 1).ok()?;
        let span = last.after.0.saturating_sub(first.after.0);
        let gap = span.checked_div(gaps)?;
        let counters = counters(&self.templates);
        if let Some(one) = self.one_for_all(&counters) {
            let every = Micros(gap).max(MIN_PERIOD);
            lines.insert(self.places[0], line(first.after, Some(every), &one, ""));
            return None;
        }
        let period = Micros(span.saturating_add(gap)).max(MIN_PERIOD);
        let of = counters.keys().cloned().collect::<Vec<_>>().join(", ");
        let note = format!("not learnt: {of} keeps counting in the session, but starts again here");
        for (at, (place, template)) in self.places.iter().zip(&self.templates).enumerate() {
            let note = if at == 0 && !counters.is_empty() {
                note.as_str()
            } else {
                ""
            };
            let after = self.messages[at].after;
            lines.insert(*place, line(after, Some(period), &template.action(), note));
        }
        (!counters.is_empty()).then(|| {
            format!("how {of} of the stream {name:?} keeps counting: here it starts again")
        })
    }

    /// One line for all messages, if they differ only in numbers that count from 1.
    fn one_for_all(&self, counters: &BTreeMap<String, u64>) -> Option<String> {
        const COUNT: &str = "${count}";
        let mut counted = self.templates.iter().map(|template| {
            let mut places = Vec::new();
            for (pointer, node) in leaves(&template.text) {
                if counters.get(&pointer) == Some(&1) {
                    let piece = template.piece(&node, COUNT);
                    places.push((node.range, piece));
                }
            }
            template.with(places)
        });
        let first = counted.next()?;
        counted.all(|other| other == first).then(|| first.action())
    }
}

/// The messages with each time that differs between them replaced by the time of sending.
fn live(templates: &[Template], clock: Clock) -> Vec<Template> {
    let all: Vec<BTreeMap<String, Node>> = templates.iter().map(|t| leaves(&t.text)).collect();
    let with_times = |template: &Template| {
        let mut places = Vec::new();
        for (pointer, node) in leaves(&template.text) {
            let values = || {
                all.iter()
                    .filter_map(|one| Some(one.get(&pointer)?.text.as_str()))
            };
            if values().all(|value| value == node.text) {
                continue;
            }
            if let Some(reference) = clock.differing(values()) {
                let piece = template.piece(&node, reference);
                places.push((node.range, piece));
            }
        }
        template.with(places)
    };
    templates.iter().map(with_times).collect()
}

/// The members that grow by one from message to message, and their first values.
fn counters(templates: &[Template]) -> BTreeMap<String, u64> {
    let all: Vec<BTreeMap<String, Node>> = templates.iter().map(|t| leaves(&t.text)).collect();
    let Some((first, others)) = all.split_first().filter(|(_, others)| !others.is_empty()) else {
        return BTreeMap::new();
    };
    let number = |one: &BTreeMap<String, Node>, pointer: &str| -> Option<u64> {
        one.get(pointer)?.text.parse().ok()
    };
    let counts = |pointer: &String| {
        let begin = number(first, pointer)?;
        let mut expected = begin.checked_add(1)?..;
        let follows = others
            .iter()
            .all(|one| number(one, pointer) == expected.next());
        follows.then(|| (pointer.clone(), begin))
    };
    first.keys().filter_map(counts).collect()
}

/// The members of a line of a scene.
fn line(after: Micros, every: Option<Micros>, action: &str, note: &str) -> String {
    let every = every.map_or(String::new(), |every| {
        format!(r#","every_ms":{}"#, every.to_ms_text())
    });
    let note = if note.is_empty() {
        String::new()
    } else {
        format!(r#","note":{}"#, Value::from(note))
    };
    format!("{}{every},{action}{note}", after_ms(after))
}

/// A delay as a member, preceded by a comma; empty if it is zero.
pub(super) fn after_ms(after: Micros) -> String {
    if after == Micros::ZERO {
        return String::new();
    }
    format!(r#","after_ms":{}"#, after.to_ms_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(all: &[(u64, &str)]) -> Scene {
        let messages: Vec<Message> = all
            .iter()
            .map(|(after, text)| Message {
                after: Micros::from_ms(*after),
                at: Micros::from_ms(*after),
                text: (*text).to_owned(),
            })
            .collect();
        let clock = Clock { began_ms: None };
        let once = Scene::ends_by_itself(&messages);
        Scene::of("s", &messages, &Request::new("x"), clock, usize::MAX, once)
    }

    #[test]
    fn a_stream_whose_last_message_says_that_it_is_over_does_not_begin_anew() {
        let all = [
            (10, r#"{"type":"next","p":"1"}"#),
            (20, r#"{"type":"next","p":"7"}"#),
            (30, r#"{"type":"complete"}"#),
        ];
        let expected = [
            r#","after_ms":10,"json":{"type":"next","p":"1"}"#,
            r#","after_ms":20,"json":{"type":"next","p":"7"}"#,
            r#","after_ms":30,"json":{"type":"complete"}"#,
        ];
        assert_eq!(scene(&all).lines, expected);
    }

    #[test]
    fn a_snapshot_comes_once_and_what_follows_it_again_and_again() {
        let all = [
            (5, r#"{"snapshot":[]}"#),
            (10, r#"{"p":"1"}"#),
            (20, r#"{"p":"7"}"#),
        ];
        let expected = [
            r#","after_ms":5,"json":{"snapshot":[]}"#,
            r#","after_ms":10,"every_ms":20,"json":{"p":"1"}"#,
            r#","after_ms":20,"every_ms":20,"json":{"p":"7"}"#,
        ];
        assert_eq!(scene(&all).lines, expected);
    }

    #[test]
    fn messages_that_only_count_are_one_line_that_counts() {
        let all = [
            (10, r#"{"seq":1,"p":"x"}"#),
            (20, r#"{"seq":2,"p":"x"}"#),
            (30, r#"{"seq":3,"p":"x"}"#),
        ];
        let one = scene(&all);
        assert_eq!(
            one.lines,
            [r#","after_ms":10,"every_ms":10,"json":{"seq":"${count}","p":"x"}"#]
        );
        assert_eq!(one.unlearnt, Vec::<String>::new());
    }

    #[test]
    fn a_number_that_counts_on_beside_other_values_is_named() {
        let all = [(10, r#"{"seq":5,"p":"x"}"#), (20, r#"{"seq":6,"p":"y"}"#)];
        let found = scene(&all);
        assert_eq!(
            found.unlearnt,
            [r#"how /seq of the stream "s" keeps counting: here it starts again"#]
        );
        assert!(found.lines[0].ends_with(
            r#","note":"not learnt: /seq keeps counting in the session, but starts again here""#
        ));
    }
}
