//! The clean reader answers as the general decoder does, and answers where it should.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::spares::Spares;
use super::{Decoded, Decoder, clean, general};
use crate::event::EngineEvent;
use crate::state::EngineState;
use crate::timestamp::Day;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// A status with every own field, and unknown keys.
const FULL_STATUS: &str = concat!(
    r#"{"confidence": {"score": 70.5, "level": "medium", "why": [1, "two", {"three": 3.5}]}, "#,
    r#""market": {"regime": "SHORT", "health": 0.954, "signal": "stable", "prediction": "up", "#,
    r#""fear_greed": 54, "coins_tradeable": 30}, "positions": {"open": 2, "unrealized_pnl": -3.25, "#,
    r#""equity": 576.0781650000001, "beta": null}, "today": {"trades": 24, "wins": 15.0, "#,
    r#""pnl": -3.95, "streak": -3, "sizing_mult": 7e-1}, "approaching": [{"coin": "BTC"}, 1], "#,
    r#""blind_spots": ["funding", []], "alert": {"level": "high"}, "recovery": {"status": "ok", "#,
    r#""source": "journal", "durable": true, "journal_path": "/tmp/j", "fills_recovered": 3}, "#,
    r#""ts": "2026-04-21T19:05:35Z", "hl_rate": {"used": 7, "cap": 1200, "window": [60]}, "v": 2}"#,
);

/// Risk with every own field, and unknown keys.
const FULL_RISK: &str = concat!(
    r#"{"account_value":638.488706,"drawdown_pct":0.22,"daily_pnl_usd":-3,"daily_loss_usd":4.1261,"#,
    r#""peak_equity":577.338628,"peak_equity_30d":577.34,"open_count":2.0,"halted":true,"#,
    r#""global_halt":false,"stop_failure_halt":true,"capital_floor_hit":false,"halt_reason":"loss","#,
    r#""halt_until":"tomorrow","updated_at":"2026-04-21T19:05:33","daily_loss_since":"today","#,
    r#""last_drawdown_alert_pct":20,"per_runner":{"a":{"halted":false},"b":[],"c":1e-3},"desk":"é"}"#,
);

const PAYLOADS: [(&str, &str); 22] = [
    ("heartbeat", "{}"),
    ("heartbeat", r#"{"seq": 7, "load": [0.5, 1]}"#),
    (
        "status",
        include_str!("../../tests/payloads/v2_status.json"),
    ),
    ("v2_status", FULL_STATUS),
    (
        "status",
        r#"{"confidence":{"score":null},"alert":null,"today":null,"ts":"x"}"#,
    ),
    ("status", r#"{"hl_rate":{"used":1,"a":1,"a":2}}"#),
    (
        "positions",
        include_str!("../../tests/payloads/positions.json"),
    ),
    (
        "positions_update",
        include_str!("../../tests/payloads/positions_bus.json"),
    ),
    (
        "positions",
        r#"{"items":[{"symbol":"BTC","coin":"ETH","side":"long","size":1,"entry":2}]}"#,
    ),
    (
        "positions",
        concat!(
            r#"{"items":[{"symbol":"A","side":"long","size":-1,"entry":2e3,"mark":0,"#,
            r#""unrealized_pnl":1.5,"unrealized_r":-0.5,"stop":1,"target":3,"lens_id":"l","#,
            r#""age_s":60,"tags":["x",{"y":[]}]}],"account_value":null,"total_unrealized_pnl":-0.0}"#,
        ),
    ),
    (
        "positions",
        r#"[{"coin":"BTC","size_coins":1},{"coin":"ETH"}]"#,
    ),
    ("positions", r#"[{"coin":"BTC"},{"id":7}]"#),
    ("positions", "[]"),
    ("risk", include_str!("../../tests/payloads/risk.json")),
    (
        "risk_update",
        include_str!("../../tests/payloads/risk_bus.json"),
    ),
    ("risk", FULL_RISK),
    ("risk", r#"{"halted":true,"desk":1,"desk":2}"#),
    ("risk", r#"{"error":"engine down"}"#),
    ("regime", include_str!("../../tests/payloads/regime.json")),
    (
        "regime",
        r#"{"regime":"TREND_SHORT","confidence":0.82,"coin":"BTC"}"#,
    ),
    (
        "regime_update",
        r#"{"regime":"CHOP","x":{"a":1,"a":2},"y":1e999}"#,
    ),
    ("pulse", r#"{"a":1}"#),
];

/// Payloads that the clean reader must take: the engine's own, and whole ones of each kind.
const CLEAN: [usize; 14] = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 13, 14, 15, 19];

fn message(name: &str, data: &str) -> String {
    let data = data.trim();
    format!(r#"{{"event": "{name}", "ts": "2026-04-21T19:05:36.821259+00:00", "data": {data}}}"#)
}

/// Storage of each kind, full of other values.
fn dirty() -> Spares {
    let mut spares = Spares::default();
    for (name, data) in [
        ("status", FULL_STATUS),
        ("positions", PAYLOADS[9].1),
        ("risk", FULL_RISK),
        (
            "regime",
            r#"{"regime":"A","confidence":1,"coin":"B","x":"y","z":[1,[2]]}"#,
        ),
    ] {
        let decoded = general::decode(&message(name, data), NOW).expect("an event");
        assert!(!decoded.payload_failed, "{name} is a reading");
        spares.keep(decoded.event);
    }
    spares
}

/// Returns the clean reader's answer, after checking that it is the general decoder's and does not
/// depend on what the storage held before.
fn read(message: &str, spares: &mut Spares) -> Option<Decoded> {
    let general = || general::decode(message, NOW);
    let fresh = clean::decode(message, NOW, &mut Day::default(), &mut Spares::default());
    let reused = clean::decode(message, NOW, &mut Day::default(), spares);
    if let Some(decoded) = &fresh {
        // Debug text shows what a comparison hides, such as the sign of a zero.
        assert_eq!(
            format!("{:?}", Ok::<_, ()>(decoded)),
            shown(&general()),
            "{message}"
        );
        assert_eq!(Ok(decoded), general().as_ref(), "{message}");
    }
    assert_eq!(format!("{fresh:?}"), format!("{reused:?}"), "{message}");
    if let Some(decoded) = reused {
        spares.keep(decoded.event);
    }
    fresh
}

fn shown<E>(decoded: &Result<Decoded, E>) -> String {
    format!("{:?}", decoded.as_ref().map_err(|_| ()))
}

/// Every message that a tape of the workspace sends as text.
fn tape_messages() -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Step {
        emit: Option<Box<RawValue>>,
        text: Option<String>,
    }

    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut messages = Vec::new();
    for folder in [
        "fixtures/tapes",
        "fixtures/overlays",
        "fixtures/recordings",
        "crates/tape/format",
    ] {
        for entry in fs::read_dir(workspace.join(folder)).expect("a folder of tapes") {
            let path = entry.expect("an entry").path();
            for line in fs::read_to_string(path).expect("a tape").lines() {
                // A line may be torn, or be the header.
                let Ok(Step { emit, text }) = serde_json::from_str(line) else {
                    continue;
                };
                messages.extend(emit.map(|emit| emit.get().to_owned()));
                messages.extend(text);
            }
        }
    }
    messages
}

#[test]
fn the_engine_s_own_payloads_are_clean() {
    let mut spares = dirty();
    for (name, data) in CLEAN.map(|index| PAYLOADS[index]) {
        for message in [
            message(name, data),
            format!(r#"{{"event":"{name}","data":{data},"ts":"2026-04-21T19:05:36"}}"#),
            format!(r#" {{ "seq" : [1] , "event":"{name}" , "data" : {data} }} "#),
            format!(r#"{{"ts":1e3,"event":"{name}","data":{data}}}"#),
            format!(r#"{{"data": {data}, "event": "{name}", "ts": "2026-04-21T19:05:36Z"}}"#),
        ] {
            assert!(read(&message, &mut spares).is_some(), "{message}");
        }
    }
}

#[test]
fn messages_out_of_the_ordinary_are_left_to_the_general_decoder() {
    for message in [
        r#"{"event":"pulse","data":{}}"#,
        r#"{"event":"heartbeat","event":"heartbeat"}"#,
        r#"{"event":"heartbeat","ts":null,"ts":null}"#,
        r#"{"data":{"halted":true},"event":"risk","data":{}}"#,
        r#"{"data":{"halted":true}}"#,
        r#"{"data":{},"event":"risk"}"#,
        r#"{"event":"risk","data":{"halted":true},"data":{}}"#,
        r#"{"event":"risk","data":{"halted":true}} x"#,
        r#"{"event":"risk","data":{"halted":true,"halted":true}}"#,
        r#"{"event":"risk","data":{"halted":true,"a":1,"a":1}}"#,
        r#"{"event":"risk","data":{"halt_reason":"a\nb"}}"#,
        r#"{"event":"risk","data":{"halted":"yes"}}"#,
        r#"{"event":"risk","data":{"open_count":2.5}}"#,
        r#"{"event":"risk","data":[true]}"#,
        r#"{"event":"risk","data":{}}"#,
        r#"{"event":"risk"}"#,
        r#"{"event":"positions","data":[{"coin":"A"},{}]}"#,
        r#"{"event":"positions","data":[]}"#,
        r#"{"\u0065vent":"heartbeat"}"#,
        "[]",
        "",
    ] {
        assert_eq!(read(message, &mut dirty()), None, "{message}");
    }
}

#[test]
fn unknown_keys_are_kept_however_many_and_refused_where_one_comes_twice() {
    let data = |keys: &[usize]| {
        let keys: Vec<String> = keys
            .iter()
            .map(|key| format!(r#","k{key}":{key}"#))
            .collect();
        format!(r#"{{"regime":"A"{}}}"#, keys.concat())
    };
    for count in (0..20).chain((0..20).rev()) {
        let mut spares = dirty();
        let before: Vec<usize> = (5..25 - count).collect();
        let keys: Vec<usize> = (0..count).collect();
        for keys in [&before, &keys, &before] {
            let text = message("regime", &data(keys));
            assert!(read(&text, &mut spares).is_some(), "{text}");
        }
        for twice in &keys {
            let keys = [&keys[..], &[*twice]].concat();
            assert_eq!(read(&message("regime", &data(&keys)), &mut spares), None);
            read(&message("regime", &data(&before)), &mut spares);
        }
    }
}

#[test]
fn what_tapes_send_is_read_as_the_general_decoder_reads_it() {
    let mut spares = dirty();
    let messages = tape_messages();
    let clean = messages
        .iter()
        .filter(|message| read(message, &mut spares).is_some())
        .count();
    assert!(clean * 2 > messages.len(), "{clean} of {}", messages.len());
}

#[test]
fn a_reading_uses_the_storage_of_the_one_before_it() {
    let text = message("positions", PAYLOADS[7].1);
    let mut spares = Spares::default();
    let mut address = None;
    for _ in 0..3 {
        let decoded =
            clean::decode(&text, NOW, &mut Day::default(), &mut spares).expect("a clean message");
        let EngineEvent::Positions(positions) = &decoded.event else {
            panic!("positions");
        };
        let now = (positions.items.as_ptr(), positions.items[0].symbol.as_ptr());
        assert_eq!(*address.get_or_insert(now), now);
        spares.keep(decoded.event);
    }
}

#[test]
fn the_storage_of_a_huge_message_goes_with_the_message_after_it() {
    let huge = vec![r#"{"coin":"BTC"}"#; 10_000].join(",");
    let huge = message("positions", &format!("[{huge}]"));
    let torn = &huge[..huge.len() - 1];
    let small = message("positions", PAYLOADS[7].1);
    let mut decoder = Decoder::default();
    let mut mirror = EngineState::new();
    for text in [&small, &huge, &small, torn, &small, &small] {
        fold(text, &mut decoder, &mut mirror);
    }
    for _ in 0..2 {
        fold(&small, &mut decoder, &mut mirror);
        let shown = mirror.positions.as_ref().expect("positions came");
        assert!(shown.value.items.capacity() < 100);
    }
}

/// Puts a message into the mirror, as the subscriber does.
fn fold(message: &str, decoder: &mut Decoder, mirror: &mut EngineState) {
    let Ok(Decoded { event, ts, .. }) = decoder.decode(message, NOW) else {
        return;
    };
    if let Some(displaced) = mirror.apply(event, ts).into_event() {
        decoder.keep(displaced);
    }
}

/// Pieces that alter a message.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "",
            ",",
            ":",
            "\"",
            "\\",
            "{",
            "}",
            "[",
            "]",
            "null",
            "true",
            "0",
            "-0",
            "-",
            ".",
            "e5",
            "E-3",
            "1e999",
            " ",
            "\n",
            "\u{1}",
            "é",
            "\\u0041",
            "[]",
            "{}",
            "\"x\"",
            "\"coin\":1,",
            "\"ts\":2,",
            "\"event\":\"risk\",",
            "\"data\":{},",
            "\"halted\":true,",
            "\"a\":1,\"a\":2,",
            "12345678901234567890",
            "0.12345678901234567",
            "9007199254740993.5",
            "[[[[[[[[[[",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,3}",
        "-?[0-9]{1,18}\\.[0-9]{1,18}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_message_changed_anywhere_is_read_as_the_general_decoder_reads_it(
        (name, data) in prop::sample::select(PAYLOADS.to_vec()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, piece()), 0..3),
    ) {
        let mut text = message(name, data);
        for (at, removed, piece) in edits {
            let mut at = at.index(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let mut end = (at + removed).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.replace_range(at..end.max(at), &piece);
        }
        read(&text, &mut dirty());
    }

    #[test]
    fn a_value_in_place_of_any_other_is_read_as_the_general_decoder_reads_it(
        (name, data) in prop::sample::select(PAYLOADS.to_vec()),
        at in any::<prop::sample::Index>(),
        value in piece(),
    ) {
        let text = message(name, data);
        let starts: Vec<usize> = text.match_indices(": ").map(|(at, colon)| at + colon.len())
            .chain(text.match_indices("\":").map(|(at, colon)| at + colon.len())).collect();
        let start = starts[at.index(starts.len())];
        let end = text[start..].find([',', '}', ']']).map_or(text.len(), |end| start + end);
        let changed = format!("{}{value}{}", &text[..start], &text[end..]);
        read(&changed, &mut dirty());
    }

    #[test]
    fn any_sequence_of_messages_is_read_as_if_each_came_alone(
        picks in prop::collection::vec(prop::sample::select(PAYLOADS.to_vec()), 1..12),
    ) {
        let mut spares = Spares::default();
        for (name, data) in picks {
            read(&message(name, data), &mut spares);
        }
    }

    #[test]
    fn a_mirror_whose_storage_is_used_again_shows_what_one_whose_is_not_shows(
        picks in prop::collection::vec(prop::sample::select(PAYLOADS.to_vec()), 1..12),
    ) {
        let mut decoder = Decoder::default();
        let (mut reused, mut fresh) = (EngineState::new(), EngineState::new());
        for (name, data) in picks {
            let text = message(name, data);
            fold(&text, &mut decoder, &mut reused);
            if let Ok(general) = general::decode(&text, NOW) {
                fresh.apply(general.event, general.ts);
            }
            prop_assert_eq!(&reused, &fresh);
        }
    }
}
