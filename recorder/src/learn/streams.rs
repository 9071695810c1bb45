//! Chooses which of the streams are learnt, one for each thing, and labels them.

use std::collections::{BTreeMap, BTreeSet};

use super::heard::{Heard, Stream};

/// The longest label of a stream, in characters.
const MAX_LABEL_CHARS: usize = 64;

/// The label of the stream that nobody requested.
pub(super) const UNASKED: &str = "unasked";

/// The streams that are learnt.
#[derive(Debug)]
pub(super) struct Streams<'h> {
    /// One stream for each thing, with its label, by what a request for it must contain.
    pub(super) of_each: BTreeMap<String, (String, &'h Stream)>,
    /// Names of the engine that stand for two things, one sentence each.
    pub(super) unlearnt: Vec<String>,
}

impl<'h> Streams<'h> {
    /// Chooses the longest stream of each thing, unless the engine gave it the same name as another
    /// thing's stream: on each connection the engine may count its names from the start, but on a
    /// connection that requests both things they must differ.
    pub(super) fn of(heard: &'h [Heard]) -> Self {
        let mut all: BTreeMap<String, Vec<&Stream>> = BTreeMap::new();
        for stream in heard.iter().flat_map(|heard| &heard.streams) {
            if let Some(wanted) = stream.item.wanted.json() {
                all.entry(wanted.to_string()).or_default().push(stream);
            }
        }
        for streams in all.values_mut() {
            streams.sort_by_key(|stream| std::cmp::Reverse(stream.messages.len()));
        }
        let mut things: Vec<(String, Vec<&Stream>)> = all.into_iter().collect();
        // The things with the fewest names to choose from choose first.
        things.sort_by_key(|(_, streams)| {
            let names = streams.iter().map(|stream| &stream.aliases);
            names.collect::<BTreeSet<_>>().len()
        });
        let mut named: BTreeMap<&str, String> = BTreeMap::new();
        let mut chosen: BTreeMap<String, &Stream> = BTreeMap::new();
        let mut unlearnt = Vec::new();
        for (wanted, streams) in things {
            let free = streams
                .iter()
                .find(|stream| taken(stream, &named).is_none());
            let stream = *free.unwrap_or(&streams[0]);
            if let Some((name, other)) = taken(stream, &named) {
                unlearnt.push(format!(
                    "the stream {:?} beside {other:?}: both are called {name}, on different \
                     connections (record one client that asks for both)",
                    label(stream)
                ));
            }
            for name in &stream.aliases {
                named.entry(name).or_insert_with(|| label(stream));
            }
            chosen.insert(wanted, stream);
        }
        Self {
            of_each: labelled(chosen),
            unlearnt,
        }
    }
}

/// An engine's name of this stream that is already in `named`, and the label of the stream that has
/// it.
fn taken<'n>(stream: &'n Stream, named: &'n BTreeMap<&str, String>) -> Option<(&'n str, &'n str)> {
    let mut aliases = stream.aliases.iter();
    aliases.find_map(|alias| Some((alias.as_str(), named.get(alias.as_str())?.as_str())))
}

/// Gives each stream a unique label.
fn labelled(chosen: BTreeMap<String, &Stream>) -> BTreeMap<String, (String, &Stream)> {
    let mut taken: BTreeSet<String> = BTreeSet::from([UNASKED.to_owned()]);
    let mut label = |stream: &Stream| {
        let base = label(stream);
        let numbered = (2..).map(|number| format!("{base} {number}"));
        let mut labels = std::iter::once(base.clone()).chain(numbered);
        let free = labels.find(|label| taken.insert(label.clone()));
        free.unwrap_or(base)
    };
    let named = chosen.into_iter();
    named
        .map(|(wanted, stream)| (wanted, (label(stream), stream)))
        .collect()
}

/// The label of a stream: its names, or else the text of its request.
fn label(stream: &Stream) -> String {
    let names = stream.item.names.join(" ");
    let text = if names.is_empty() {
        &stream.request.text
    } else {
        &names
    };
    // A dollar sign would begin a reference.
    text.chars()
        .filter(|c| *c != '$')
        .take(MAX_LABEL_CHARS)
        .collect()
}
