//! Which of the streams that were heard are learnt, one of each thing, and what each is called.

use std::collections::{BTreeMap, BTreeSet};

use super::heard::{Heard, Stream};

/// Most characters of a stream's name.
const MAX_LABEL_CHARS: usize = 64;

/// What a stream is called that nobody asked for.
pub(super) const UNASKED: &str = "unasked";

/// The streams that are learnt.
#[derive(Debug)]
pub(super) struct Streams<'h> {
    /// One of each thing, by what a request for it must say, and what it is called.
    pub(super) of_each: BTreeMap<String, (String, &'h Stream)>,
    /// Names of the engine's that stand for two things, in words.
    pub(super) unlearnt: Vec<String>,
}

impl<'h> Streams<'h> {
    /// Of each thing the longest, but for those that the engine calls as it calls another's: on each
    /// connection it may count its names anew, and on one that asks for both they must differ.
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
        // Who has the fewest names to choose from chooses first.
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

/// A name of the engine's for this stream that another of those that are `named` has, and what that
/// one is called.
fn taken<'n>(stream: &'n Stream, named: &'n BTreeMap<&str, String>) -> Option<(&'n str, &'n str)> {
    let mut aliases = stream.aliases.iter();
    aliases.find_map(|alias| Some((alias.as_str(), named.get(alias.as_str())?.as_str())))
}

/// Each with a name that no other has.
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

/// What a stream is called: by its names, or by the request.
fn label(stream: &Stream) -> String {
    let names = stream.item.names.join(" ");
    let text = if names.is_empty() {
        &stream.request.text
    } else {
        &names
    };
    // A dollar would begin a reference.
    text.chars()
        .filter(|c| *c != '$')
        .take(MAX_LABEL_CHARS)
        .collect()
}
