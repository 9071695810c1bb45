//! Triggers drawn at random.

use proptest::option;
use proptest::prelude::*;
use wstape_tape::{
    After, MIN_EVERY, Match, MessageKind, MessagePath, MessageRegex, Micros, OnMessage, Scene,
    Trigger, Whose,
};

use super::values::{micros, octets, raw, text};

fn whose() -> impl Strategy<Value = Whose> {
    let range = (1..=u64::MAX / 2, option::of(0..=u64::MAX / 2)).prop_map(|(from, more)| {
        let to = more.map(|more| from + more);
        Whose::Range { from, to }
    });
    prop_oneof![
        Just(Whose::Each),
        (1..=u64::MAX).prop_map(Whose::Nth),
        range
    ]
}

pub(super) fn wanted() -> impl Strategy<Value = Match> {
    let kinds = [
        MessageKind::Text,
        MessageKind::Binary,
        MessageKind::Ping,
        MessageKind::Pong,
        MessageKind::Close,
    ];
    let texts = (option::of(text()), option::of(text()));
    let patterns = prop::sample::select(&["", "^a(?<b>.)$", r"\d+ \{é"][..]);
    let paths = prop::sample::select(&["$", "$.a[?@.b > 1]", "$..*"][..]);
    let json = (option::of(patterns), option::of(raw()), option::of(paths));
    let rest = (
        option::of(octets()),
        option::of(prop::sample::select(kinds.to_vec())),
        option::of(1..=u64::MAX),
        any::<bool>(),
    );
    (texts, json, rest).prop_map(
        |((text, contains), (regex, json, path), (binary, kind, nth, unmatched))| {
            let mut wanted = Match::new();
            if let Some(json) = json {
                wanted = wanted.json(json.get()).unwrap();
            }
            Match {
                text,
                contains,
                regex: regex.map(|regex| MessageRegex::new(regex).unwrap()),
                jsonpath: path.map(|path| MessagePath::new(path).unwrap()),
                binary,
                kind,
                nth,
                unmatched,
                ..wanted
            }
        },
    )
}

pub(super) fn trigger() -> impl Strategy<Value = Trigger> {
    let after = prop_oneof![
        micros().prop_map(After::Time),
        any::<u64>().prop_map(After::Frames),
        any::<u64>().prop_map(After::Bytes),
        any::<u64>().prop_map(After::Received),
    ];
    let on_connect =
        (whose(), after).prop_map(|(whose, after)| Trigger::OnConnect { whose, after });
    let on_message =
        (whose(), wanted(), micros(), any::<bool>()).prop_map(|(whose, wanted, after, instead)| {
            Trigger::OnMessage(Box::new(OnMessage {
                whose,
                wanted,
                after,
                instead,
            }))
        });
    let on_silence = (whose(), micros()).prop_map(|(whose, silence)| Trigger::OnSilence {
        whose,
        silence: silence.max(Micros(1)),
    });
    let scene = (whose(), "[a-zé]{1,4}", micros(), option::of(micros())).prop_map(
        |(whose, name, after, every)| {
            let every = every.map(|every| every.max(MIN_EVERY));
            Trigger::Scene(Box::new(Scene {
                whose,
                name,
                after,
                every,
            }))
        },
    );
    prop_oneof![
        4 => micros().prop_map(Trigger::At),
        2 => on_connect,
        2 => on_message,
        1 => on_silence,
        1 => scene,
    ]
}
