//! Turns a session into the lines of a dialogue tape.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::answers::Answers;
use super::conversation::{BINARY_OF_CLIENTS, Conversation, Said, Session};
use super::heard::Heard;
use super::learnt::Learnt;
use super::part::Part;
use super::paths::families;
use super::request::Request;
use super::template::Clock;

/// The maximum number of steps in a dialogue; a tape may have 4,096.
const MAX_STEPS: usize = 4_000;

/// The journal's mark when a client asks something that the session does not contain.
const UNKNOWN: &str =
    r#"{"on_message":{"unmatched":true},"mark":"not learnt: the session has no answer to this"}"#;

/// The journal's mark when a client answers a call of the engine, which is not a request.
const ANSWER: &str = r#""mark":"the client answers a call of the engine's""#;

/// What to do if clients send some messages in binary, as SignalR's do after their handshake.
const BYTES_INSTEAD: &str =
    ": record with a client that uses the protocol's text form (SignalR's JSON)";

/// How long the tape plays: a day.
const END: &str = r#"{"at_ms":86400000,"end":true}"#;

/// What was learnt from a session.
#[derive(Debug, Default)]
pub(super) struct Lesson {
    /// The tape's lines after its header.
    pub(super) lines: Vec<String>,
    pub(super) learnt: Learnt,
}

impl Lesson {
    /// Learns from a session, path by path.
    pub(super) fn of(session: &Session) -> Self {
        let clock = Clock {
            began_ms: session.began_ms,
        };
        let spoke = session.conversations.iter().filter(|(_, conversation)| {
            conversation.accepted.is_some() || !conversation.said.is_empty()
        });
        let families =
            families(spoke.clone().map(|(_, conversation)| {
                (&*conversation.path, conversation.subprotocol.as_deref())
            }));
        let mut by_path: BTreeMap<&str, BTreeMap<u64, &Conversation>> = BTreeMap::new();
        for (conn, conversation) in spoke {
            let of_path = by_path.entry(&families[&*conversation.path]).or_default();
            of_path.insert(*conn, conversation);
        }
        let mut lesson = Self::default();
        let mut at_start: Vec<String> = Vec::new();
        let only = by_path.len() == 1;
        for (path, conversations) in &by_path {
            let path = if only { "" } else { path };
            lesson.learnt.connections += conversations.len() as u64;
            at_start.extend(subprotocol(conversations, path));
            let room = MAX_STEPS.saturating_sub(lesson.lines.len());
            let heard = heard(conversations);
            let path = path_member(path);
            let part = Part::of(&heard, &path, clock, room);
            lesson.lines.extend(part.lines);
            if conversations.values().any(|one| one.answers) {
                let wanted = r#"{"jsonpath":"$[?$[0] == 3 || $[0] == 4]"}"#;
                let line = format!(r#"{{"on_message":{wanted}{path},{ANSWER}}}"#);
                lesson.lines.push(line);
            }
            lesson.learnt.replies += part.learnt.replies;
            lesson.learnt.scenes += part.learnt.scenes;
            lesson.learnt.unlearnt.extend(part.learnt.unlearnt);
        }
        lesson.lines.push(UNKNOWN.to_owned());
        lesson.lines.extend(at_start);
        lesson.lines.extend(session.answers.values().cloned());
        lesson.lines.push(END.to_owned());
        for (what, count) in &session.beside {
            let instead = if *what == BINARY_OF_CLIENTS {
                BYTES_INSTEAD
            } else {
                ""
            };
            let what = format!("{what} ({count}){instead}");
            lesson.learnt.unlearnt.push(what);
        }
        lesson
    }
}

/// The step that chooses a subprotocol, if all connections on a path had the same one.
fn subprotocol(conversations: &BTreeMap<u64, &Conversation>, path: &str) -> Option<String> {
    let mut chosen = conversations.values().map(|one| one.subprotocol.as_ref());
    let first = chosen.next()??;
    let headers = serde_json::json!({ "sec-websocket-protocol": first });
    let path = path_member(path);
    let line = format!(r#"{{"at_ms":0{path},"accept":{{"headers":{headers}}}}}"#);
    chosen.all(|other| other == Some(first)).then_some(line)
}

/// The member that limits a step to a path, preceded by a comma; empty for any path.
fn path_member(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    format!(r#","path":{}"#, Value::from(path))
}

/// Splits each connection on a path into exchanges and streams.
fn heard(conversations: &BTreeMap<u64, &Conversation>) -> Vec<Heard> {
    let answers = conversations.values().map(|one| Answers::of(&one.said));
    let mut answers: Vec<Answers> = answers.collect();
    let said: Vec<&[Said]> = conversations.values().map(|one| &one.said[..]).collect();
    Answers::take_what_always_follows(&mut answers, &said);
    let mut for_each: BTreeSet<String> = BTreeSet::new();
    for (one, conversation) in answers.iter().zip(conversations.values()) {
        for (which, asked) in one.asked.iter().enumerate() {
            if one.is_for_each_item(which, &conversation.said) {
                for_each.insert(asked.request.kind());
            }
        }
    }
    let each = |request: &Request| for_each.contains(&request.kind());
    let all = conversations.iter().zip(&answers);
    all.map(|((conn, conversation), answers)| Heard::of(*conn, conversation, answers, &each))
        .collect()
}
