//! The lines of a dialogue for one path.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wstape_tape::Micros;

use super::heard::{Exchange, Heard, Message, Stream};
use super::learnt::Learnt;
use super::request::{Item, Request};
use super::scene::{Scene, after_ms};
use super::stomp;
use super::streams::{Streams, UNASKED};
use super::template::{Clock, Scope, Template};
use super::wanted::Wanted;

/// What is learnt from the connections on one path.
#[derive(Debug)]
pub(super) struct Part<'h> {
    pub(super) lines: Vec<String>,
    pub(super) learnt: Learnt,
    /// The member that limits a step to the path.
    path: &'h str,
    clock: Clock,
    /// The maximum number of lines.
    room: usize,
    /// The learnt stream of each thing, with its label, by what a request for it must contain.
    streams: BTreeMap<String, (String, &'h Stream)>,
    /// The `on_message` lines so far, so that none is repeated.
    told: BTreeSet<String>,
    /// The kinds of requests that stop a stream.
    stopping: BTreeSet<String>,
}

impl<'h> Part<'h> {
    /// Learns from the connections on one path, in `room` lines at most.
    pub(super) fn of(heard: &'h [Heard], path: &'h str, clock: Clock, room: usize) -> Self {
        let Streams { of_each, unlearnt } = Streams::of(heard);
        let learnt = Learnt {
            unlearnt,
            ..Learnt::default()
        };
        let mut part = Self {
            lines: Vec::new(),
            learnt,
            path,
            clock,
            room,
            streams: of_each,
            told: BTreeSet::new(),
            stopping: BTreeSet::new(),
        };
        let mut exchanges: BTreeMap<String, Vec<&Exchange>> = BTreeMap::new();
        for exchange in heard.iter().flat_map(|heard| &heard.exchanges) {
            exchanges
                .entry(exchange.request.kind())
                .or_default()
                .push(exchange);
        }
        for of_a_kind in exchanges.values_mut() {
            // Exchanges of learnt streams come first, because the streams use the names in their
            // answers.
            of_a_kind.sort_by_key(|exchange| !part.is_of_a_stream(exchange));
            part.replies(of_a_kind);
        }
        let numbered = exchanges.values().flatten();
        let numbered = numbered.filter_map(|exchange| {
            let pointer = exchange.goes_by.clone()?;
            let mut own = exchange.request.nodes.iter();
            let number = own.find(|node| node.pointer == pointer)?;
            Some((exchange.conn, pointer, number.text.clone()))
        });
        let numbered: BTreeSet<Numbered> = numbered.collect();
        for exchange in exchanges.values().flatten() {
            part.start(exchange);
            part.stop(exchange, &numbered);
        }
        for of_a_kind in exchanges.values() {
            part.unanswered(of_a_kind);
            part.keepalive(of_a_kind);
        }
        part.framed(exchanges.values().flatten().copied());
        part.scenes(heard);
        if exchanges
            .values()
            .flatten()
            .any(|exchange| exchange.request.is_stomp())
        {
            let grouped = part.lines.iter().map(|line| stomp::grouped(line));
            part.lines = grouped.collect();
        }
        if part.lines.len() > room {
            let left = part.lines.len() - room;
            part.learnt
                .unlearnt
                .push(format!("{left} lines beyond {room}"));
            part.lines.truncate(room);
        }
        part
    }

    /// Whether this exchange requested a stream that is learnt.
    fn is_of_a_stream(&self, exchange: &Exchange) -> bool {
        // Requests in one TCP segment have the same time, so their texts are compared too.
        let asked = |stream: &Stream| {
            let of_stream = (stream.conn, stream.asked, &stream.request.text);
            of_stream == (exchange.conn, exchange.at, &exchange.request.text)
        };
        self.streams.values().any(|(_, stream)| asked(stream))
    }

    fn stream_of(&self, wanted: &Wanted) -> Option<(&str, &'h Stream)> {
        let (label, stream) = self.streams.get(&wanted.json()?.to_string())?;
        Some((label, stream))
    }

    /// Adds a step for a request, unless it is there already; a request that a step can't match is
    /// reported as not learnt. Returns whether a step was added.
    fn on_message(&mut self, wanted: &Wanted, asked: &Request, rest: &str) -> bool {
        let Some(json) = wanted.json().filter(|_| !wanted.is_bare()) else {
            let asked = asked.shown();
            let what = format!("a request that a tape can't tell from others: {asked}");
            self.learnt.unlearnt.push(what);
            return false;
        };
        let line = format!(r#"{{"on_message":{json}{}{rest}}}"#, self.path);
        let is_new = self.told.insert(line.clone());
        if is_new {
            self.lines.push(line);
        }
        is_new
    }

    /// Adds the answers to requests of one kind: one step for all if they are alike, otherwise one
    /// for each thing that was requested.
    fn replies(&mut self, of_a_kind: &[&Exchange]) {
        let most = of_a_kind
            .iter()
            .map(|exchange| exchange.answers.len())
            .max();
        for nth in 0..most.unwrap_or_default() {
            let answered: Vec<&Exchange> = of_a_kind
                .iter()
                .filter(|exchange| exchange.answers.len() > nth)
                .copied()
                .collect();
            self.nth_replies(nth, &answered, of_a_kind);
        }
    }

    fn nth_replies(&mut self, nth: usize, answered: &[&Exchange], of_a_kind: &[&Exchange]) {
        let mut by_subject: BTreeMap<String, Vec<&Exchange>> = BTreeMap::new();
        for exchange in answered {
            let wanted = exchange.request.wanted_exactly().json().unwrap_or_default();
            by_subject
                .entry(wanted.to_string())
                .or_default()
                .push(exchange);
        }
        let common = Template::common(&self.templates(nth, answered), self.clock);
        let one_for_all = common.filter(|common| {
            let named = answered.iter().any(|exchange| !exchange.aliases.is_empty());
            let told = by_subject.len() > 1 || common.is_plain();
            // Another request of this kind was answered differently: by fewer messages, or by a
            // stream.
            let otherwise = of_a_kind.iter().any(|exchange| {
                let few = exchange.answers.len() <= nth;
                let subject = || exchange.request.wanted_exactly().json().unwrap_or_default();
                few && self.is_answered(exchange)
                    && !by_subject.contains_key(&subject().to_string())
            });
            common.unlearnt.is_empty() && !named && told && !otherwise
        });
        if let Some(common) = one_for_all {
            return self.reply(&answered[0].request.wanted(), nth, answered, &common);
        }
        for exchanges in by_subject.values() {
            let all = self.templates(nth, exchanges);
            let of_first = || {
                let mut first = all[0].clone();
                first.unlearnt.push("its shape".to_owned());
                first
            };
            let common = Template::common(&all, self.clock).unwrap_or_else(of_first);
            let wanted = exchanges[0].request.wanted_exactly();
            self.reply(&wanted, nth, exchanges, &common);
        }
    }

    /// Whether a request has an answer or a stream.
    fn is_answered(&self, exchange: &Exchange) -> bool {
        let mut items = exchange.request.items().into_iter();
        !exchange.answers.is_empty() || items.any(|item| self.stream_of(&item.wanted).is_some())
    }

    fn templates(&self, nth: usize, exchanges: &[&Exchange]) -> Vec<Template> {
        let template = |exchange: &&Exchange| {
            let answer = &exchange.answers[nth];
            let request = &exchange.request;
            Template::of(&answer.text, answer.at, request, Scope::Reply, self.clock)
        };
        exchanges.iter().map(template).collect()
    }

    fn reply(&mut self, wanted: &Wanted, nth: usize, of: &[&Exchange], template: &Template) {
        let delays = of.iter().map(|exchange| exchange.answers[nth].after);
        let after = after_ms(delays.min().unwrap_or(Micros::ZERO));
        let mut rest = format!("{after},{}", template.action());
        // A name that the engine gave to a stream stays as it is, as it does in the stream itself.
        let is_alias = |pointer: &&String| {
            let leaf = template.leaf(pointer);
            leaf.is_some_and(|leaf| of[0].aliases.contains(&leaf))
        };
        let unlearnt: Vec<&String> = template.unlearnt.iter().filter(|p| !is_alias(p)).collect();
        if !unlearnt.is_empty() {
            let what = unlearnt.iter().map(|pointer| pointer.as_str());
            let what = what.collect::<Vec<_>>().join(", ");
            let note = Value::from(format!("not learnt, sent as first seen: {what}"));
            rest.push_str(",\"note\":");
            rest.push_str(&note.to_string());
            let to = of[0].request.shown();
            self.learnt
                .unlearnt
                .push(format!("{what} of the answer to {to}"));
        }
        if self.on_message(wanted, &of[0].request, &rest) {
            self.learnt.replies += 1;
        }
    }

    /// Adds the steps that start the requested streams.
    fn start(&mut self, exchange: &Exchange) {
        if exchange.request.ends() {
            return;
        }
        for item in exchange.request.items() {
            let Some((label, stream)) = self.stream_of(&item.wanted) else {
                // A request with several answers was answered completely: no stream is missing.
                let whole = exchange.answers.len() > 1;
                let silent = exchange.request.begins() && !item.names.is_empty() && !whole;
                let asked = Value::from(item.names.join(" "));
                let what = format!("what follows {asked}: nothing came in the session");
                if silent && !self.learnt.unlearnt.contains(&what) {
                    self.learnt.unlearnt.push(what);
                }
                continue;
            };
            let label = Value::from(label);
            let rest = match &stream.goes_by {
                Some(number) => format!(r#","start":{{"scene":{label},"as":"id ${{{number}}}"}}"#),
                None => format!(r#","start":{label}"#),
            };
            self.on_message(&item.wanted, &exchange.request, &rest);
        }
    }

    /// Adds the steps that stop streams as this request does: the streams that it names, and all
    /// others by their own names in the same places.
    fn stop(&mut self, exchange: &Exchange, numbered: &BTreeSet<Numbered>) {
        if !exchange.request.ends() {
            return;
        }
        let request = &exchange.request;
        // The number must be one that identifies a stream, not just this request's own.
        let by_number = request.identities().find_map(|node| {
            let of_stream = (exchange.conn, node.pointer.clone(), node.text.clone());
            numbered.contains(&of_stream).then_some(of_stream.1)
        });
        if let Some(number) = by_number {
            let rest = format!(r#","stop":"id ${{{number}}}""#);
            self.stopping.insert(request.kind());
            self.on_message(&request.wanted(), request, &rest);
            return;
        }
        let mut stops: Vec<(Wanted, String)> = Vec::new();
        for (_, named) in self.streams.values() {
            let Some(by) = named_in(request, named) else {
                continue;
            };
            for (label, stream) in self.streams.values() {
                let names = stream.called(by.is_alias);
                if names.len() != by.names.len() {
                    continue;
                }
                let names: Vec<(String, String)> = by.names.iter().cloned().zip(names).collect();
                let other = request.renamed(&names);
                let items = other.map(|other| other.items()).unwrap_or_default();
                let told = |item: &Item| {
                    let own: Vec<String> = item.names.iter().map(|name| json(name)).collect();
                    names.iter().all(|(_, to)| own.contains(to))
                };
                let item = items.into_iter().find(told);
                stops.extend(item.map(|item| (item.wanted, label.clone())));
            }
        }
        for (wanted, label) in stops {
            self.stopping.insert(request.kind());
            let rest = format!(r#","stop":{}"#, Value::from(label));
            self.on_message(&wanted, request, &rest);
        }
    }

    /// Reports requests of a kind if none of them was answered.
    fn unanswered(&mut self, of_a_kind: &[&Exchange]) {
        let nothing =
            |exchange: &&&Exchange| !self.is_answered(exchange) && !exchange.request.is_keepalive();
        let count = of_a_kind.iter().filter(nothing).count();
        let first = of_a_kind.iter().find(nothing);
        let stops = |exchange: &&&Exchange| self.stopping.contains(&exchange.request.kind());
        let known = of_a_kind.len() > count || first.is_some_and(|first| stops(&first));
        if let Some(first) = first.filter(|_| !known) {
            let asked = first.request.shown();
            let what = format!("the answer to {asked}: the session has none ({count})");
            self.learnt.unlearnt.push(what);
        }
    }

    /// Marks requests that only say the client is alive, so that they don't count as unknown.
    fn keepalive(&mut self, of_a_kind: &[&Exchange]) {
        const MARK: &str = r#","mark":"no answer is due""#;
        let lives =
            |exchange: &&Exchange| exchange.request.is_keepalive() && !self.is_answered(exchange);
        if !of_a_kind.iter().all(lives) {
            return;
        }
        let request = &of_a_kind[0].request;
        let kind = request.wanted();
        // An empty command can only be matched by its text.
        let wanted = if kind.json().is_none() || kind.is_bare() {
            Wanted::text(&request.text)
        } else {
            kind
        };
        self.on_message(&wanted, request, MARK);
    }

    /// Reports requests that contain JSON in an unknown framing: their values can't be told apart.
    fn framed<'e>(&mut self, exchanges: impl Iterator<Item = &'e Exchange>) {
        const SHOWN_CHARS: usize = 12;
        let framed = |exchange: &&Exchange| {
            let request = &exchange.request;
            request.nodes.is_empty() && request.text.contains(['{', '['])
        };
        let mut framed = exchanges.filter(framed).peekable();
        if let Some(first) = framed.peek() {
            let begin: String = first.request.text.chars().take(SHOWN_CHARS).collect();
            let begin = Value::from(begin);
            let what = format!(
                "requests with JSON in an unknown framing ({begin}…, {} of them): each is \
                 answered only if its text is exactly that of the session; by hand, match what \
                 varies with a named group of a \"regex\", and answer with \"text\" and \
                 \"${{name}}\"",
                framed.count()
            );
            self.learnt.unlearnt.push(what);
        }
    }

    /// Adds the lines of the streams.
    fn scenes(&mut self, heard: &[Heard]) {
        let unasked = heard.iter().map(|heard| &heard.unasked);
        if let Some(unasked) = unasked
            .max_by_key(|all| all.len())
            .filter(|all| !all.is_empty())
        {
            let path = self.path;
            let start = format!(r#"{{"on_connect":"each"{path},"start":"{UNASKED}"}}"#);
            self.lines.push(start);
            self.scene(UNASKED, unasked, &Request::new(""), false);
        }
        let streams: Vec<(String, &Stream)> = self.streams.values().cloned().collect();
        for (label, stream) in streams {
            let once = stream.goes_by.is_some() && Scene::ends_by_itself(&stream.messages);
            self.scene(&label, &stream.messages, &stream.request, once);
        }
    }

    fn scene(&mut self, label: &str, messages: &[Message], request: &Request, once: bool) {
        let room = self.room.saturating_sub(self.lines.len());
        let scene = Scene::of(label, messages, request, self.clock, room, once);
        let (name, path) = (Value::from(label), self.path);
        let lines = scene.lines.iter();
        self.lines
            .extend(lines.map(|line| format!(r#"{{"scene":{name}{path}{line}}}"#)));
        self.learnt.unlearnt.extend(scene.unlearnt);
        self.learnt.scenes += 1;
    }
}

/// A number that identifies a stream: the connection, the number's pointer in the request, and its
/// value.
type Numbered = (u64, String, String);

/// How a request refers to a stream.
struct Called {
    names: Vec<String>,
    is_alias: bool,
}

/// How a request refers to a stream: by what the engine called it, or by its names.
fn named_in(request: &Request, stream: &Stream) -> Option<Called> {
    [true, false].into_iter().find_map(|is_alias| {
        let names = stream.called(is_alias);
        let said = |name: &String| request.nodes.iter().any(|node| node.text == *name);
        let all = !names.is_empty() && names.iter().all(said);
        all.then_some(Called { names, is_alias })
    })
}

impl Stream {
    /// What the stream is called, as JSON: the engine's names for it, or those in its request.
    fn called(&self, by_alias: bool) -> Vec<String> {
        if by_alias {
            return self.aliases.iter().cloned().collect();
        }
        let names = self.item.names.iter();
        names.map(|name| json(name)).collect()
    }
}

/// A text as a JSON string.
fn json(text: &str) -> String {
    Value::from(text).to_string()
}
