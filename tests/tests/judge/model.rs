//! Two decoders that share no code, the model and `engine_client`, and what they agree on.

use chrono::{DateTime, TimeZone as _, Utc};
use engine_client::{EngineEvent, EngineState, decode};
use proptest::prelude::*;
use serde::Serialize;
use wstape_oracle::model::{Event, Folded, Kind, Model};

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 4, 21, 19, 5, 36).unwrap()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("serialises")
}

/// Returns what the client makes of a message, in the model's words.
fn by_client(message: &str) -> Folded {
    let Ok(decoded) = decode(message, now()) else {
        return Folded::Undecodable;
    };
    let (kind, data) = match &decoded.event {
        EngineEvent::Heartbeat(ts) => {
            assert_eq!(*ts, decoded.ts);
            (Some(Kind::Heartbeat), "null".to_owned())
        }
        EngineEvent::Status(value) => (Some(Kind::Status), text(value)),
        EngineEvent::Positions(value) => (Some(Kind::Positions), text(value)),
        EngineEvent::Risk(value) => (Some(Kind::Risk), text(value)),
        EngineEvent::Regime(value) => (Some(Kind::Regime), text(value)),
        EngineEvent::Unknown { ts, data, .. } => {
            assert_eq!(*ts, decoded.ts);
            (None, text(data))
        }
    };
    let name = match &decoded.event {
        EngineEvent::Unknown { event, .. } => event.clone(),
        // The client doesn't keep the name under which it came.
        event => event.kind().to_owned(),
    };
    Folded::Event(Event {
        kind,
        name,
        ts: decoded.ts,
        data: data.into(),
        payload_failed: decoded.payload_failed,
    })
}

/// Returns what the model makes of it, under the name that the client keeps.
fn by_model(message: &str) -> Folded {
    let mut folded = Model::read(message, now());
    if let Folded::Event(event) = &mut folded
        && let Some(kind) = event.kind
    {
        assert_eq!(Kind::of(&event.name), Some(kind));
        event.name = match kind {
            Kind::Heartbeat => "heartbeat".to_owned(),
            kind => kind.field().to_owned(),
        };
    }
    folded
}

fn assert_agree(message: &str) {
    assert_eq!(by_model(message), by_client(message), "{message}");
}

/// Folds the messages with both, and compares the mirrors byte for byte.
fn assert_same_mirrors(messages: &[String]) {
    let mut state = EngineState::new();
    let mut model = Model::new();
    for message in messages {
        model.text(message, now());
        match decode(message, now()) {
            Ok(decoded) => {
                state.connection.failed_payloads += u64::from(decoded.payload_failed);
                state.apply(decoded.event, decoded.ts);
            }
            Err(_) => state.connection.undecodable += 1,
        }
        let fields = [
            (Kind::Status, text(&state.status)),
            (Kind::Positions, text(&state.positions)),
            (Kind::Risk, text(&state.risk)),
            (Kind::Regime, text(&state.regime)),
        ];
        for (kind, field) in fields {
            let mut expected = String::new();
            model.write_field(kind, &mut expected);
            assert_eq!(field, expected, "after {message}");
        }
        assert_eq!(state.last_heartbeat, model.last_heartbeat());
        assert_eq!(state.connection.undecodable, model.undecodable());
        assert_eq!(state.connection.failed_payloads, model.failed_payloads());
    }
    let (mirror, _) = text(&state)
        .rsplit_once(",\"connection\":")
        .map(|(mirror, connection)| (format!("{mirror}}}"), connection.to_owned()))
        .expect("the connection comes last");
    assert_eq!(mirror, model.mirror());
}

/// Keys that mean something somewhere, some of them in the wrong case, and some that mean nothing.
const KEYS: &[&str] = &[
    "confidence",
    "score",
    "level",
    "market",
    "regime",
    "health",
    "signal",
    "fear_greed",
    "coins_tradeable",
    "positions",
    "open",
    "unrealized_pnl",
    "equity",
    "today",
    "trades",
    "streak",
    "sizing_mult",
    "approaching",
    "blind_spots",
    "alert",
    "recovery",
    "durable",
    "journal_path",
    "current_fills",
    "ts",
    "hl_rate",
    "used",
    "cap",
    "items",
    "symbol",
    "coin",
    "side",
    "direction",
    "size",
    "size_coins",
    "entry",
    "entry_price",
    "mark",
    "lens_id",
    "age_s",
    "account_value",
    "total_unrealized_pnl",
    "drawdown_pct",
    "open_count",
    "halted",
    "global_halt",
    "halt_reason",
    "per_runner",
    "peak_equity",
    "error",
    "Halted",
    "x",
    "",
    "\\u0068alted",
    "a\\nb",
    "\\ud83d\\ude00",
    "$serde_json::private::RawValue",
    "$serde_json::private::Number",
    "é",
];

const EVENTS: &[&str] = &[
    "\"heartbeat\"",
    "\"status\"",
    "\"v2_status\"",
    "\"positions\"",
    "\"positions_update\"",
    "\"risk\"",
    "\"risk_update\"",
    "\"regime\"",
    "\"regime_update\"",
    "\"Risk\"",
    "\"\"",
    "\"tick\"",
    "\"\\u0072isk\"",
    "\"\\ud800\"",
    "null",
    "7",
    "[]",
    "\"heartbeat \"",
];

const TIMES: &[&str] = &[
    "\"2026-04-21T19:05:36.821259+00:00\"",
    "\"2026-04-21T19:05:36.821259Z\"",
    "\"2026-04-21T19:05:36.821259\"",
    "\"2026-04-21 19:05:36\"",
    "\"2026-04-21t19:05:36z\"",
    "\"2026-04-21T19:05:36+05:30\"",
    "\"2026-04-21T19:05:36-23:59\"",
    "\"2026-04-21T19:05:36+24:00\"",
    "\"2026-04-21T19:05:36−01:00\"",
    "\"2026-04-21T19:05:36+0100\"",
    "\"2026-04-21T19:05:36+01\"",
    "\"2026-12-31T23:59:60Z\"",
    "\"2026-12-31T23:59:60.5+01:00\"",
    "\"2026-12-31T23:59:61Z\"",
    "\"2026-02-29T00:00:00Z\"",
    "\"2024-02-29T00:00:00\"",
    "\"0000-01-01T00:00:00Z\"",
    "\"9999-12-31T23:59:59.999999999999-12:00\"",
    "\"2026-04-21T24:00:00Z\"",
    "\"2026-04-21T19:05Z\"",
    "\"2026-04-21\"",
    "\"2026-04-21T19:05:36.\"",
    "\"2026-04-21T19:05:36.Z\"",
    "\"2026-04-21T19:05:36,5Z\"",
    "\"2026-04-21T19:05:36.1234567891\"",
    "\"2026-04-21T19:05:36.0000001Z\"",
    "\"+2026-04-21T19:05:36Z\"",
    "\"12026-04-21T19:05:36Z\"",
    "\" 2026-04-21T19:05:36Z\"",
    "\"2026-04-21T19:05:36Z \"",
    "\"now\"",
    "\"\"",
    "\"2026-04-21T19:05:36\\u005a\"",
    "\"\\ud800\"",
    "1776798336",
    "1776798336.5",
    "1e999",
    "null",
    "true",
    "{}",
    "[1,{\"a\":2}]",
    "{\"a\":1e999}",
];

const LEAVES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "0.0",
    "-0.0",
    "1",
    "2.0",
    "2.5",
    "-1",
    "-1.0",
    "1e3",
    "1E+2",
    "12e-1",
    "4294967295",
    "4294967296",
    "4294967295.0",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854774784.0",
    "9223372036854775808.0",
    "1e18",
    "1e19",
    "1e308",
    "1e309",
    "-1e999",
    "1e-400",
    "0e999999999999",
    "1e99999999999",
    "0.1",
    "0.30000000000000004",
    "576.0781650000001",
    "1.7976931348623157e308",
    "5e-324",
    "2.2250738585072011e-308",
    "123456789012345678901234567890",
    "0.000000000000000000000000012345678901234567",
    "\"\"",
    "\"long\"",
    "\"\\u00e9\\n\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\ude00\"",
    "\"\\ud83d\\ud83d\"",
    "\"\\u0000\"",
    "\"2.0\"",
    "\"é😀\"",
    "[]",
    "{}",
    "[null]",
    "[{}]",
    "[[1]]",
    "01",
    "1.",
    ".5",
    "+1",
    "-",
    "1e",
    "NaN",
    "Infinity",
    "'a'",
    "\"\\x\"",
    "\"\u{1}\"",
    "tru",
    "nul",
    "",
];

fn pick(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(from).prop_map(ToOwned::to_owned)
}

fn leaf() -> impl Strategy<Value = String> {
    // Well-formed more often than not: a message has many leaves, and one flaw hides all others.
    let good = proptest::sample::select(&LEAVES[..28]).prop_map(ToOwned::to_owned);
    prop_oneof![
        12 => good,
        2 => pick(LEAVES),
        3 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        3 => any::<f64>().prop_filter("JSON", |float| float.is_finite()).prop_map(|float| text(&float)),
        2 => "\\PC{0,6}".prop_map(|string| text(&string)),
    ]
}

fn object_of(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    proptest::collection::vec((pick(KEYS), value), 0..6).prop_map(|entries| {
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(key, value)| format!("\"{key}\": {value}"))
            .collect();
        format!("{{{}}}", entries.join(","))
    })
}

fn value() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            3 => object_of(inner.clone()),
            1 => proptest::collection::vec(inner, 0..4).prop_map(|list| format!("[{}]", list.join(" ,"))),
        ]
    })
}

/// An object with one field of one kind, of the right type or nearly so.
fn near_reading() -> impl Strategy<Value = String> {
    let number = || leaf();
    prop_oneof![
        object_of(leaf()),
        number().prop_map(|n| format!(r#"{{"halted":true,"open_count":{n},"z":{n}}}"#)),
        number().prop_map(|n| format!(r#"{{"today":{{"streak":{n}}},"market":{{"fear_greed":{n}}}}}"#)),
        (object_of(leaf()), object_of(leaf()))
            .prop_map(|(one, two)| format!(r#"[{one},{{"coin":"BTC","extra":{two}}}]"#)),
        (object_of(leaf()), pick(&["items", "positions"]))
            .prop_map(|(one, key)| format!(r#"{{"account_value":1,"{key}":[{one}]}}"#)),
        (leaf(), leaf()).prop_map(|(used, other)| {
            format!(r#"{{"hl_rate":{{"used":{used},"o":{other},"o":{other}}},"recovery":{{"durable":true}}}}"#)
        }),
        (leaf(), leaf()).prop_map(|(one, two)| format!(r#"[{{"coin":{one},"symbol":{two},"size":1}}]"#)),
        (leaf(), leaf()).prop_map(|(one, two)| format!(r#"{{"regime":{one},"coin":{two}}}"#)),
    ]
}

/// A message nested about as deeply as is allowed, in a place where that matters or not.
fn deep() -> impl Strategy<Value = String> {
    (120..132_usize, 0..6_usize, pick(EVENTS)).prop_map(|(levels, place, event)| {
        let nest = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let data = match place {
            0 => nest.clone(),
            1 => format!(r#"{{"halted":true,"regime":"R","alert":1,"coin":"B","x":{nest}}}"#),
            2 => format!(r#"{{"hl_rate":{{"used":1,"x":{nest}}}}}"#),
            3 => format!(r#"{{"approaching":{nest},"items":[{{"coin":"B","x":{nest}}}]}}"#),
            _ => r#"{"halted":true}"#.to_owned(),
        };
        let beside = if place == 4 {
            nest.clone()
        } else {
            "1".to_owned()
        };
        let ts = if place == 5 { nest } else { "null".to_owned() };
        format!(r#"{{"event":{event},"beside":{beside},"ts":{ts},"data":{data}}}"#)
    })
}

fn message() -> impl Strategy<Value = String> {
    let member = prop_oneof![
        6 => pick(EVENTS).prop_map(|event| format!("\"event\":{event}")),
        1 => value().prop_map(|event| format!("\"\\u0065vent\" :{event}")),
        4 => pick(TIMES).prop_map(|ts| format!("\"ts\":{ts}")),
        1 => value().prop_map(|ts| format!("\"ts\":{ts}")),
        5 => near_reading().prop_map(|data| format!("\"data\":{data}")),
        3 => value().prop_map(|data| format!("\"data\" : {data}")),
        1 => value().prop_map(|other| format!("\"seq\":{other}")),
    ];
    let loose = proptest::collection::vec(member, 0..5)
        .prop_map(|members| format!("{{{}}}", members.join(",")))
        .boxed();
    let usual = (
        proptest::sample::select(&EVENTS[..9]),
        pick(TIMES),
        prop_oneof![near_reading(), value()],
        any::<bool>(),
    )
        .prop_map(|(event, ts, data, swapped)| {
            if swapped {
                format!(r#"{{"data":{data},"ts":{ts},"event":{event}}}"#)
            } else {
                format!(r#"{{"event": {event}, "ts": {ts}, "data": {data}}}"#)
            }
        })
        .boxed();
    prop_oneof![
        6 => usual.clone(),
        4 => loose.clone(),
        1 => deep(),
        1 => value(),
        // Damaged in transit.
        1 => (usual, any::<proptest::sample::Index>(), "[\\[\\]{}\",:0-9a\\\\ ]?").prop_map(
            |(mut message, at, with)| {
                let chars: Vec<_> = message.char_indices().collect();
                let (from, char) = chars[at.index(chars.len())];
                message.replace_range(from..from + char.len_utf8(), &with);
                message
            },
        ),
        1 => loose.prop_map(|message| format!(" {message}\r\n\t{message}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn model_and_client_agree_on_any_message(message in message()) {
        assert_agree(&message);
    }

    #[test]
    fn model_and_client_agree_on_any_time(
        ts in "(2026|0000|1999|20)-[0-9]{2}-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,12})?(Z|z|[+−-][0-2][0-9]:?[0-6][0-9])?"
    ) {
        assert_agree(&format!(r#"{{"event":"heartbeat","ts":"{ts}"}}"#));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn model_and_client_show_the_same_mirror_after_any_messages(
        messages in proptest::collection::vec(message(), 1..12)
    ) {
        assert_same_mirrors(&messages);
    }
}

#[test]
fn model_and_client_agree_on_every_time_and_leaf_everywhere() {
    for ts in TIMES {
        assert_agree(&format!(r#"{{"event":"heartbeat","ts":{ts}}}"#));
        assert_agree(&format!(r#"{{"ts":{ts},"event":"x","data":{ts}}}"#));
    }
    for leaf in LEAVES {
        for event in EVENTS {
            assert_agree(&format!(r#"{{"event":{event},"data":{leaf}}}"#));
            assert_agree(&format!(r#"{{"data":{{"x":{leaf}}},"event":{event}}}"#));
        }
        for key in KEYS {
            assert_agree(&format!(r#"{{"event":"risk","data":{{"{key}":{leaf}}}}}"#));
            assert_agree(&format!(
                r#"{{"event":"positions","data":[{{"{key}":{leaf}}}]}}"#
            ));
            assert_agree(&format!(
                r#"{{"event":"status","data":{{"{key}":{leaf},"ts":"t"}}}}"#
            ));
            assert_agree(&format!(
                r#"{{"event":"status","data":{{"hl_rate":{{"{key}":{leaf}}}}}}}"#
            ));
            assert_agree(&format!(r#"{{"event":"heartbeat","{key}":{leaf}}}"#));
        }
    }
}

#[test]
fn a_nesting_beyond_all_reason_is_read_in_bounded_memory() {
    let nest = "[".repeat(200_000) + &"]".repeat(200_000);
    for message in [
        format!(r#"{{"event":"risk","data":{nest}}}"#),
        format!(r#"{{"event":"heartbeat","data":{nest}}}"#),
        format!(r#"{{"event":"heartbeat","x":{nest}}}"#),
        nest,
        "[".repeat(200_000),
        "{\"a\":".repeat(200_000),
    ] {
        assert_eq!(by_model(&message), by_client(&message));
    }
}
