//! Finds which of an engine's messages answers which request.

use std::collections::BTreeMap;

use wstape_tape::Micros;

use super::conversation::Said;
use super::names::is_identity;
use super::node::{Node, is_message, nodes};
use super::request::Request;
use super::shape::Shape;
use super::side::Side;

/// How long after a request a message that does not repeat its number still counts as its answer.
const MAX_ANSWER_DELAY: Micros = Micros::from_ms(10_000);

/// How many of a connection's latest requests a message may answer.
const MAX_ASKED: usize = 256;

/// Two words that share this many leading characters mean the same: `subscribed` and `subscribe`.
/// Words shorter than the minimum are not compared.
const STEM_CHARS: usize = 6;
const MIN_STEM_CHARS: usize = 4;

/// How a Socket.IO CONNECT packet begins, with or without a login, and the answer to it.
const CONNECT: &str = "40";

/// A request and its answers.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) at: Micros,
    pub(super) request: Request,
    /// The positions of its answers in the conversation.
    pub(super) answers: Vec<usize>,
    /// The pointer to the number of the request that its answers repeat. If there are several, the
    /// one repeated most often.
    pub(super) number: Option<String>,
    /// How many answers repeat each number.
    repeated: BTreeMap<String, usize>,
    items: usize,
}

impl Asked {
    /// Counts an answer that repeats this number.
    fn repeats(&mut self, number: String) {
        let count = |number: &String| self.repeated.get(number).copied().unwrap_or_default();
        let most = self.number.as_ref().map_or(0, count);
        if count(&number) + 1 > most {
            self.number = Some(number.clone());
        }
        *self.repeated.entry(number).or_default() += 1;
    }
}

/// The requests of a conversation, and their answers.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// In the order they were asked.
    pub(super) asked: Vec<Asked>,
    /// The request that a message answers, by the message's position in the conversation.
    pub(super) of: BTreeMap<usize, usize>,
}

impl Answers {
    /// Finds the answers in the messages of one connection.
    pub(super) fn of(said: &[Said]) -> Self {
        let mut answers = Self::default();
        for (place, one) in said.iter().enumerate() {
            if one.by == Side::Client {
                let request = Request::new(&one.text);
                answers.asked.push(Asked {
                    at: one.at,
                    items: request.items().len(),
                    request,
                    answers: Vec::new(),
                    number: None,
                    repeated: BTreeMap::new(),
                });
                continue;
            }
            let Some((which, number)) = answers.answered_by(one, said) else {
                continue;
            };
            answers.of.insert(place, which);
            let asked = &mut answers.asked[which];
            asked.answers.push(place);
            if let Some(number) = number {
                asked.repeats(number);
            }
        }
        answers
    }

    /// Finds the request that a message answers, and the number it repeats.
    fn answered_by(&self, one: &Said, said: &[Said]) -> Option<(usize, Option<String>)> {
        let found = nodes(&one.text);
        let latest = self.asked.iter().enumerate().rev().take(MAX_ASKED);
        let mut numbered = latest.clone();
        let by_number = numbered.find_map(|(which, asked)| {
            repeated_number(&asked.request, &found).map(|number| (which, Some(number)))
        });
        if let Some((which, number)) = by_number {
            let late = self.still_under_way(which, one, &found, said);
            return Some(late.unwrap_or((which, number)));
        }
        let until = |asked: &Asked| Micros(asked.at.0.saturating_add(MAX_ANSWER_DELAY.0));
        let open = latest.filter(|(_, asked)| asked.number.is_none() && one.at <= until(asked));
        let open = open.filter(|(_, asked)| acknowledges(&asked.request, &one.text, &found));
        let open: Vec<(usize, &Asked)> = open.collect();
        let first = |(_, asked): &&(usize, &Asked)| asked.answers.is_empty();
        // A request about several things may get one answer for each.
        let another = |(_, asked): &&(usize, &Asked)| {
            let mut before = asked
                .answers
                .iter()
                .map(|place| Shape::of(&said[*place].text));
            asked.answers.len() < asked.items && before.any(|shape| shape == Shape::of(&one.text))
        };
        let mut oldest = open.iter().rev();
        let by_word = oldest.clone().find(first).or_else(|| oldest.find(another));
        by_word.map(|(which, _)| (*which, None))
    }

    /// Finds the request whose stream a message still belongs to. The message came after the
    /// request to end that stream, and repeats the number of both.
    fn still_under_way(
        &self,
        end: usize,
        one: &Said,
        found: &[Node],
        said: &[Said],
    ) -> Option<(usize, Option<String>)> {
        /// How many answers of a stream are examined; further ones are alike.
        const MAX_LOOKED_AT: usize = 8;
        if !self.asked[end].request.ends() {
            return None;
        }
        let shape = Shape::of(&one.text);
        let before = self.asked[..end].iter().enumerate().rev().take(MAX_ASKED);
        let mut before = before.filter(|(_, asked)| !asked.request.ends());
        before.find_map(|(which, asked)| {
            let number = repeated_number(&asked.request, found)?;
            let mut latest = asked.answers.iter().rev().take(MAX_LOOKED_AT);
            let alike = latest.any(|place| Shape::of(&said[*place].text) == shape);
            alike.then_some((which, Some(number)))
        })
    }

    /// Takes messages as answers to requests that have none: if on all connections, the next
    /// message after every request of a kind has the same shape, and no other message has it.
    pub(super) fn take_what_always_follows(all: &mut [Self], said: &[&[Said]]) {
        let mut kinds: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (conn, answers) in all.iter().enumerate() {
            for (which, asked) in answers.asked.iter().enumerate() {
                let kind = asked.request.kind();
                kinds.entry(kind).or_default().push((conn, which));
            }
        }
        let mut shapes: BTreeMap<Shape, usize> = BTreeMap::new();
        for one in said
            .iter()
            .copied()
            .flatten()
            .filter(|one| one.by == Side::Engine)
        {
            *shapes.entry(Shape::of(&one.text)).or_default() += 1;
        }
        for asked in kinds.into_values().filter(|asked| asked.len() > 1) {
            let follows = |(conn, which): &(usize, usize)| {
                let place = all[*conn].follows(*which, said[*conn])?;
                Some((*conn, *which, place))
            };
            let Some(follow) = asked.iter().map(follows).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let shape =
                |(conn, _, place): &(usize, usize, usize)| Shape::of(&said[*conn][*place].text);
            let first = shape(&follow[0]);
            let alone = shapes.get(&first) == Some(&follow.len());
            if !alone || follow.iter().any(|one| shape(one) != first) {
                continue;
            }
            for (conn, which, place) in follow {
                all[conn].of.insert(place, which);
                all[conn].asked[which].answers.push(place);
            }
        }
    }

    /// The position of the engine's message right after an unanswered request, if it is not the
    /// answer to another request.
    fn follows(&self, which: usize, said: &[Said]) -> Option<usize> {
        let asked = &self.asked[which];
        let mut clients = said
            .iter()
            .enumerate()
            .filter(|(_, one)| one.by == Side::Client);
        let (place, _) = clients.nth(which)?;
        let next = said.get(place + 1).filter(|next| next.by == Side::Engine)?;
        let late = next.at.0 > asked.at.0.saturating_add(MAX_ANSWER_DELAY.0);
        let free = asked.answers.is_empty() && !self.of.contains_key(&(place + 1));
        (free && !late && !asked.request.is_keepalive()).then_some(place + 1)
    }

    /// Whether a request about several things has several answers, all of one shape.
    pub(super) fn is_for_each_item(&self, which: usize, said: &[Said]) -> bool {
        let asked = &self.asked[which];
        let mut shapes = asked
            .answers
            .iter()
            .map(|place| Shape::of(&said[*place].text));
        let Some(first) = shapes.next() else {
            return false;
        };
        asked.items > 1 && asked.answers.len() > 1 && shapes.all(|shape| shape == first)
    }

    /// Whether messages that repeat a request's number keep coming: the number identifies a stream.
    pub(super) fn is_stream(&self, which: usize, said: &[Said]) -> bool {
        let asked = &self.asked[which];
        let shapes = asked
            .answers
            .iter()
            .map(|place| Shape::of(&said[*place].text));
        let shapes: Vec<Shape> = shapes.collect();
        let recurs = |at: usize| shapes[at + 1..].contains(&shapes[at]);
        asked.number.is_some() && asked.items <= 1 && (0..shapes.len()).any(recurs)
    }
}

/// The pointer to a number of the request that a message repeats.
fn repeated_number(request: &Request, said: &[Node]) -> Option<String> {
    let repeats = |asked: &Node, node: &Node| {
        let same_place = node.pointer == asked.pointer;
        let both_own = node.depth() == 1 && asked.depth() == 1 && is_identity(&node.key);
        node.text == asked.text && (same_place || both_own)
    };
    let mut numbers = request.answered_numbers();
    let number = numbers.find(|asked| said.iter().any(|node| repeats(asked, node)))?;
    Some(number.pointer.clone())
}

/// Whether a message acknowledges a request: plain text for plain text, JSON with the request's
/// purpose in it, or `pong` for `ping`.
fn acknowledges(request: &Request, said: &str, found: &[Node]) -> bool {
    let lower = said.to_ascii_lowercase();
    let is_ping = |word: &str| word.contains("ping") && lower.contains("pong");
    if request.text.starts_with(CONNECT) && !found.is_empty() {
        return said.starts_with(CONNECT);
    }
    if request.nodes.is_empty() {
        return !is_message(said) || is_ping(&request.text.to_ascii_lowercase());
    }
    if request.is_protocol_choice() {
        return found.len() == 1 && found[0].text == "{}";
    }
    let Some(word) = request.purpose().map(|word| word.to_ascii_lowercase()) else {
        return false;
    };
    let stem: String = word.chars().take(STEM_CHARS).collect();
    let of_an_end = |text: &str| text.contains("unsub") && !word.contains("unsub");
    let told = |node: &Node| {
        let text = node.text.to_ascii_lowercase();
        node.is_leaf() && text.contains(&stem) && !of_an_end(&text)
    };
    is_ping(&word) || stem.chars().count() >= MIN_STEM_CHARS && found.iter().any(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(lines: &[(char, &str)]) -> Vec<Said> {
        let said = (0..).zip(lines).map(|(at, (by, text))| Said {
            at: Micros::from_ms(at),
            by: if *by == '>' {
                Side::Client
            } else {
                Side::Engine
            },
            text: (*text).to_owned(),
        });
        said.collect()
    }

    #[test]
    fn an_answer_is_known_by_its_number_whatever_the_order() {
        let said = conversation(&[
            ('>', r#"{"id":1,"method":"a"}"#),
            ('>', r#"{"id":"x-2","method":"b"}"#),
            ('<', r#"{"id":"x-2","result":true}"#),
            ('<', r#"{"method":"news","params":{"id":1}}"#),
            ('<', r#"{"id":1,"result":true}"#),
        ]);
        let answers = Answers::of(&said);
        assert_eq!(answers.of, BTreeMap::from([(2, 1), (4, 0)]));
    }

    #[test]
    fn without_a_number_an_answer_is_known_by_its_word_and_goes_to_who_asked_first() {
        let said = conversation(&[
            ('>', r#"{"op":"subscribe","args":["a"]}"#),
            ('>', r#"{"op":"subscribe","args":["b"]}"#),
            ('>', "ping"),
            ('<', r#"{"event":"subscribed","channel":"a"}"#),
            ('<', r#"{"channel":"a","price":1}"#),
            ('<', r#"{"event":"subscribed","channel":"b"}"#),
            ('<', "pong"),
        ]);
        assert_eq!(
            Answers::of(&said).of,
            BTreeMap::from([(3, 0), (5, 1), (6, 2)])
        );
    }

    #[test]
    fn what_always_comes_next_and_never_otherwise_answers_a_request_of_numbers_alone() {
        let connection = |more: &[(char, &str)]| {
            let begin = [
                ('<', r#"{"op":0,"d":{"rpcVersion":1}}"#),
                ('>', r#"{"op":1,"d":{"rpcVersion":1}}"#),
                ('<', r#"{"op":2,"d":{"negotiatedRpcVersion":1}}"#),
            ];
            conversation(&[&begin, more].concat())
        };
        let found = |connections: &[Vec<Said>]| {
            let mut all: Vec<Answers> = connections.iter().map(|said| Answers::of(said)).collect();
            let said: Vec<&[Said]> = connections.iter().map(Vec::as_slice).collect();
            Answers::take_what_always_follows(&mut all, &said);
            all.into_iter()
                .map(|answers| answers.of)
                .collect::<Vec<_>>()
        };
        let both = [connection(&[]), connection(&[('<', r#"{"op":5,"d":{}}"#)])];
        assert_eq!(
            found(&both),
            [BTreeMap::from([(2, 0)]), BTreeMap::from([(2, 0)])]
        );
        // A single connection proves nothing, nor does a shape that also occurs elsewhere.
        assert_eq!(found(&both[..1]), [BTreeMap::new()]);
        let again = connection(&[('<', r#"{"op":2,"d":{"negotiatedRpcVersion":1}}"#)]);
        assert_eq!(
            found(&[connection(&[]), again]),
            [BTreeMap::new(), BTreeMap::new()]
        );
    }

    #[test]
    fn what_repeats_a_number_again_and_again_is_a_stream() {
        let said = conversation(&[
            (
                '>',
                r#"{"id":"1","type":"subscribe","payload":{"query":"q"}}"#,
            ),
            ('<', r#"{"id":"1","type":"next","payload":1}"#),
            ('<', r#"{"id":"1","type":"next","payload":2}"#),
        ]);
        let answers = Answers::of(&said);
        assert!(answers.is_stream(0, &said) && !answers.is_for_each_item(0, &said));
    }
}
