//! Splits the messages of one connection into exchanges and streams.

use std::collections::{BTreeMap, BTreeSet};

use wstape_tape::Micros;

use super::answers::Answers;
use super::conversation::{Conversation, Said};
use super::names::purpose;
use super::node::{Node, leaves};
use super::request::{Item, Request};
use super::shape::Shape;
use super::side::Side;

/// How many of the things requested last on a connection a message may be about.
const MAX_ASKED: usize = 512;

/// The shortest name of an engine for a stream, given in an answer, in characters.
const MIN_ALIAS_CHARS: usize = 2;

/// How many messages before and after an answer are searched for the engine's name for a stream.
const MAX_AROUND: usize = 10_000;

/// The shortest name to look for inside other text, in characters.
const MIN_PART_CHARS: usize = 3;

/// A message of the engine, and the time since its reference point.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) after: Micros,
    /// Its time on the recording's clock.
    pub(super) at: Micros,
    pub(super) text: String,
}

/// A request and its answers.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Its connection.
    pub(super) conn: u64,
    pub(super) at: Micros,
    pub(super) request: Request,
    pub(super) answers: Vec<Message>,
    /// The names that the answers give to what was requested.
    pub(super) aliases: BTreeSet<String>,
    /// The pointer to the number of the request that identifies its stream, if one does.
    pub(super) goes_by: Option<String>,
}

/// What an engine sends about one requested thing.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) conn: u64,
    /// When it was requested.
    pub(super) asked: Micros,
    pub(super) item: Item,
    pub(super) request: Request,
    /// The engine's names for it, as JSON.
    pub(super) aliases: BTreeSet<String>,
    /// The pointer to the number of the request that identifies it, if one does.
    pub(super) goes_by: Option<String>,
    pub(super) messages: Vec<Message>,
    names: Vec<Name>,
}

/// The contents of one connection, as exchanges and streams.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) exchanges: Vec<Exchange>,
    pub(super) streams: Vec<Stream>,
    /// Messages about nothing that was requested, with their time since the accept.
    pub(super) unasked: Vec<Message>,
}

/// The name of what a request is about.
#[derive(Debug)]
struct Name {
    whole: String,
    words: Vec<String>,
}

impl Name {
    fn of(name: &str) -> Self {
        let whole = name.to_ascii_lowercase();
        let words = whole.split(|c: char| !c.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty()).map(ToOwned::to_owned);
        Self {
            words: words.collect(),
            whole,
        }
    }

    /// How likely a message with these texts is about it.
    fn score(&self, texts: &[String]) -> usize {
        const WHOLE: usize = 100;
        const PART: usize = 50;
        const WORD: usize = 10;
        if texts.contains(&self.whole) {
            return WHOLE;
        }
        let long = self.whole.len() >= MIN_PART_CHARS;
        if long && texts.iter().any(|text| text.contains(&self.whole)) {
            return PART;
        }
        let said = |word: &&String| {
            let begins = |text: &String| {
                text == *word || word.len() >= MIN_PART_CHARS && text.starts_with(word.as_str())
            };
            texts.iter().any(begins)
        };
        WORD * self.words.iter().filter(said).count()
    }
}

impl Heard {
    /// Splits up one connection. `each` is true for requests with one answer for each thing they
    /// are about: each such answer begins a stream.
    pub(super) fn of(
        conn: u64,
        conversation: &Conversation,
        answers: &Answers,
        each: &dyn Fn(&Request) -> bool,
    ) -> Self {
        let said = &conversation.said;
        let mut heard = Self::default();
        // For each request, the indices of its streams in `heard.streams`.
        let mut streams: Vec<Vec<usize>> = Vec::new();
        let begin = conversation
            .accepted
            .or_else(|| said.first().map(|first| first.at));
        let greetings = greetings(said);
        for (place, one) in said.iter().enumerate() {
            if one.by == Side::Client {
                let which = streams.len();
                streams.push(heard.ask(conn, which, answers, said));
                continue;
            }
            let texts = texts(&one.text);
            if let Some(which) = answers.of.get(&place) {
                let stream = heard.answer(*which, one, &streams[*which], &texts, each);
                if let Some(stream) = stream {
                    let asked = &answers.asked[*which].request;
                    let called = named_later(place, asked, said, answers);
                    heard.streams[stream].aliases.extend(called);
                }
                continue;
            }
            let is_greeting = greetings.contains(&Shape::of(&one.text));
            match heard.about(&one.text, &texts, is_greeting) {
                Some(stream) => heard.streams[stream].hear(one),
                None => heard
                    .unasked
                    .push(Message::since(begin.unwrap_or_default(), one)),
            }
        }
        heard.streams.retain(|stream| !stream.messages.is_empty());
        heard
    }

    /// Takes the next request. Returns the streams that may come from it.
    fn ask(&mut self, conn: u64, which: usize, answers: &Answers, said: &[Said]) -> Vec<usize> {
        let asked = &answers.asked[which];
        let goes_by = asked
            .number
            .clone()
            .filter(|_| answers.is_stream(which, said));
        let aliases = if goes_by.is_none() {
            aliases(which, answers, said)
        } else {
            BTreeSet::new()
        };
        let first = self.streams.len();
        if !asked.request.ends() {
            for item in asked.request.items() {
                let names = item.names.iter().map(|name| Name::of(name)).collect();
                self.streams.push(Stream {
                    conn,
                    asked: asked.at,
                    item,
                    request: asked.request.clone(),
                    aliases: BTreeSet::new(),
                    goes_by: goes_by.clone(),
                    messages: Vec::new(),
                    names,
                });
            }
        }
        let streams: Vec<usize> = (first..self.streams.len()).collect();
        if let [only] = *streams {
            self.streams[only].aliases.clone_from(&aliases);
        }
        self.exchanges.push(Exchange {
            conn,
            at: asked.at,
            request: asked.request.clone(),
            answers: Vec::new(),
            aliases,
            goes_by,
        });
        streams
    }

    /// Takes an answer to a request. If it begins a stream, being one of several answers, returns
    /// the stream unless the request's number identifies it.
    fn answer(
        &mut self,
        which: usize,
        one: &Said,
        streams: &[usize],
        texts: &[String],
        each: &dyn Fn(&Request) -> bool,
    ) -> Option<usize> {
        let exchange = &mut self.exchanges[which];
        let of_stream = exchange.goes_by.is_some();
        if (of_stream || each(&exchange.request)) && !exchange.request.ends() {
            let stream = best(&self.streams, streams.iter().copied(), texts);
            let stream = stream.or_else(|| streams.first().copied().filter(|_| of_stream));
            if let Some(stream) = stream {
                self.streams[stream].hear(one);
                return Some(stream).filter(|_| !of_stream);
            }
        }
        exchange.answers.push(Message::since(exchange.at, one));
        None
    }

    /// The stream that a message belongs to: one that the engine's own name in the message refers
    /// to, otherwise the one with most of its names in it.
    fn about(&self, said: &str, texts: &[String], is_greeting: bool) -> Option<usize> {
        let latest = (0..self.streams.len()).rev().take(MAX_ASKED);
        let found = leaves(said);
        let called = |which: &usize| {
            let aliases = &self.streams[*which].aliases;
            !aliases.is_empty() && found.values().any(|leaf| aliases.contains(&leaf.text))
        };
        let by_alias = latest.clone().find(called);
        let named = || best(&self.streams, latest.clone(), texts);
        // If only one thing was requested, every message is about it, except those like the
        // greeting.
        let only = || {
            let named = latest
                .clone()
                .filter(|which| self.streams[*which].request.begins());
            let mut named = named.filter(|_| !is_greeting);
            named.next().filter(|_| named.next().is_none())
        };
        by_alias.or_else(named).or_else(only)
    }
}

impl Stream {
    fn hear(&mut self, one: &Said) {
        self.messages.push(Message::since(self.asked, one));
    }
}

impl Message {
    fn since(begin: Micros, one: &Said) -> Self {
        Self {
            after: Micros(one.at.0.saturating_sub(begin.0)),
            at: one.at,
            text: one.text.clone(),
        }
    }
}

/// The stream with most of its names in a message. Among equals one whose request begins streams
/// comes first, then the one requested first.
fn best(streams: &[Stream], which: impl Iterator<Item = usize>, texts: &[String]) -> Option<usize> {
    let mut best: Option<((usize, bool), usize)> = None;
    for which in which {
        let score = streams[which]
            .names
            .iter()
            .map(|name| name.score(texts))
            .sum::<usize>();
        let score = (score, streams[which].request.begins());
        if score.0 > 0 && best.is_none_or(|(best, _)| score > best) {
            best = Some((score, which));
        }
    }
    best.map(|(_, which)| which)
}

/// The strings of a message, in lower case.
fn texts(said: &str) -> Vec<String> {
    let leaves = leaves(said).into_values();
    let texts = leaves.filter_map(|leaf| leaf.string());
    texts.map(|text| text.to_ascii_lowercase()).collect()
}

/// What an engine sends before the client asks for anything.
fn greetings(said: &[Said]) -> BTreeSet<Shape> {
    let before = said.iter().take_while(|one| one.by == Side::Engine);
    before.map(|one| Shape::of(&one.text)).collect()
}

/// The names that the answers to a request give to what was requested.
fn aliases(which: usize, answers: &Answers, said: &[Said]) -> BTreeSet<String> {
    let asked = &answers.asked[which];
    if !asked.request.begins() {
        return BTreeSet::new();
    }
    let places = asked.answers.iter();
    let each = places.flat_map(|place| named_later(*place, &asked.request, said, answers));
    each.collect()
}

/// The names that an answer introduces and later messages use: values that are neither in the
/// request, nor in any earlier message, nor in any other answer.
fn named_later(
    place: usize,
    request: &Request,
    said: &[Said],
    answers: &Answers,
) -> BTreeSet<String> {
    let asked: BTreeSet<&str> = request
        .nodes
        .iter()
        .map(|node| node.text.as_str())
        .collect();
    let before = said[..place].iter().rev().take(MAX_AROUND);
    let may_be = |node: &Node| {
        let is_name = node.text.starts_with('"') || node.text.bytes().all(|b| b.is_ascii_digit());
        let mut before = before.clone().filter(|one| one.by == Side::Engine);
        is_name
            && node.is_telling()
            && node.text.trim_matches('"').len() >= MIN_ALIAS_CHARS
            && purpose(&node.key).is_none()
            && !asked.contains(node.text.as_str())
            && !before.any(|one| one.text.contains(&node.text))
    };
    let answer = leaves(&said[place].text).into_values();
    let candidates = answer.filter(may_be);
    let mut candidates: BTreeMap<String, bool> = candidates.map(|n| (n.text, false)).collect();
    let behind = said.iter().enumerate().skip(place + 1).take(MAX_AROUND);
    for (at, one) in behind.filter(|(_, one)| one.by == Side::Engine) {
        // Most messages contain none of them: searching the text avoids parsing it.
        let held = |candidate: &String| one.text.contains(candidate.as_str());
        if !candidates.keys().any(held) {
            continue;
        }
        for leaf in leaves(&one.text).into_values() {
            if answers.of.contains_key(&at) {
                candidates.remove(&leaf.text);
            } else if let Some(later) = candidates.get_mut(&leaf.text) {
                *later = true;
            }
        }
    }
    let named = candidates.into_iter().filter(|(_, later)| *later);
    named.map(|(candidate, _)| candidate).collect()
}
