//! How messages are decoded: the contract's table, and the catalogue's faults A1, A2 and W12.

use chrono::{DateTime, TimeZone as _, Utc};
use engine_client::{Decoded, EngineEvent, Undecodable, decode, decode_binary};
use proptest::prelude::*;
use serde_json::{Value, json};

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2030, 1, 2, 3, 4, 5)
        .single()
        .expect("a time that exists once")
}

fn decoded(message: &str) -> Decoded {
    decode(message, now()).unwrap_or_else(|why| panic!("{why}: {message}"))
}

fn event(name: &str, data: &str) -> Decoded {
    decoded(&format!(r#"{{"event":"{name}","data":{data}}}"#))
}

/// The event of a payload that is not a reading of its kind.
fn failed(name: &str, data: Value) -> Decoded {
    let mut decoded = event(name, "{}");
    assert!(decoded.payload_failed);
    decoded.event = EngineEvent::Unknown {
        event: name.to_owned(),
        ts: now(),
        data,
    };
    decoded
}

const READINGS: [(&str, &str); 9] = [
    ("heartbeat", "{}"),
    ("status", r#"{"ts":"x","alert":"low"}"#),
    ("v2_status", r#"{"confidence":{"score":70}}"#),
    ("positions", r#"{"items":[]}"#),
    ("positions_update", r#"[{"coin":"BTC"}]"#),
    ("risk", r#"{"halted":true}"#),
    ("risk_update", r#"{"open_count":2.0}"#),
    ("regime", r#"{"regime":"CHOP"}"#),
    ("regime_update", r#"{"confidence":1}"#),
];

#[test]
fn each_name_on_the_wire_gives_its_kind_whatever_the_order_of_keys() {
    for (name, data) in READINGS {
        let kind = name.trim_start_matches("v2_").trim_end_matches("_update");
        let ts = "2026-04-21T19:05:36Z";
        let orders = [
            format!(r#"{{"event":"{name}","ts":"{ts}","data":{data}}}"#),
            format!(r#"{{"event":"{name}","data":{data},"ts":"{ts}"}}"#),
            format!(r#"{{"data":{data},"event":"{name}","ts":"{ts}"}}"#),
            format!(r#"{{"ts":"{ts}","data":{data},"seq":[1,{{}}],"event":"{name}"}}"#),
            format!(" {{\n\"event\" :\t\"{name}\" , \"ts\":\"{ts}\",\r\n\"data\": {data} }} "),
            format!(
                r#"{{"\u0065vent":"\u00{:x}{}","ts":"{ts}","data":{data}}}"#,
                name.as_bytes()[0],
                &name[1..]
            ),
        ];
        for message in &orders {
            let decoded = decoded(message);
            assert_eq!(decoded.event.kind(), kind, "{message}");
            assert!(
                !matches!(decoded.event, EngineEvent::Unknown { .. }),
                "{message}"
            );
            assert!(!decoded.payload_failed, "{message}");
            assert_eq!(
                decoded.ts.to_rfc3339(),
                "2026-04-21T19:05:36+00:00",
                "{message}"
            );
            if let EngineEvent::Heartbeat(ts) = decoded.event {
                assert_eq!(ts, decoded.ts, "{message}");
            }
        }
        let events: Vec<_> = orders.iter().map(|message| decoded(message)).collect();
        assert!(events.windows(2).all(|pair| pair[0] == pair[1]), "{name}");
    }
}

#[test]
fn what_the_production_engine_sent_decodes_as_its_kind() {
    let payloads = [
        ("status", include_str!("payloads/v2_status.json")),
        ("positions", include_str!("payloads/positions.json")),
        ("positions", include_str!("payloads/positions_bus.json")),
        ("risk", include_str!("payloads/risk.json")),
        ("risk", include_str!("payloads/risk_bus.json")),
    ];
    for (kind, payload) in payloads {
        let decoded = event(kind, payload);
        assert!(!decoded.payload_failed, "{payload}");
        assert!(
            !matches!(decoded.event, EngineEvent::Unknown { .. }),
            "{payload}"
        );
        assert_eq!(decoded.event.kind(), kind);
    }
    let empty = event("regime", include_str!("payloads/regime.json"));
    assert_eq!(empty, failed("regime", json!({})));
}

#[test]
fn a_payload_cannot_pose_as_something_else_by_a_key_that_the_json_library_reserves() {
    let posing = json!({"$serde_json::private::RawValue": r#"{"halted":false}"#});
    for name in ["risk", "pulse"] {
        let EngineEvent::Unknown { data, .. } = event(name, &posing.to_string()).event else {
            panic!("no own field in {posing}");
        };
        assert_eq!(data, posing);
    }
    let data = json!({"halted": true, "note": posing, "per_runner": {"a": posing}});
    let EngineEvent::Risk(risk) = event("risk", &data.to_string()).event else {
        panic!("a reading of risk");
    };
    assert_eq!(
        (&risk.extra["note"], &risk.per_runner["a"]),
        (&posing, &posing)
    );
}

#[test]
fn an_event_of_another_name_is_unknown_and_keeps_its_payload() {
    for name in [
        "Risk",
        "HEARTBEAT",
        "risk ",
        "position",
        "v2_risk",
        "error",
        "",
    ] {
        for data in [json!({"halted": true}), json!(null), json!([1]), json!(7)] {
            let decoded = event(name, &data.to_string());
            assert!(!decoded.payload_failed, "{name}");
            let (event, ts) = (name.to_owned(), now());
            assert_eq!(decoded.event, EngineEvent::Unknown { event, ts, data });
            assert_eq!(decoded.event.kind(), name);
        }
    }
    let without = decoded(r#"{"event":"pulse"}"#);
    assert!(!without.payload_failed);
    assert!(matches!(
        without.event,
        EngineEvent::Unknown {
            data: Value::Null,
            ..
        }
    ));
}

#[test]
fn a_heartbeat_is_one_whatever_its_payload() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for data in ["null", "[]", "7", r#"{"error":"x"}"#, "1e999", &deep] {
        assert_eq!(
            event("heartbeat", data).event,
            EngineEvent::Heartbeat(now())
        );
    }
    let bare = decoded(r#"{"event":"heartbeat"}"#);
    assert_eq!(bare.event, EngineEvent::Heartbeat(now()));
    assert!(!bare.payload_failed);
}

#[test]
fn a_payload_that_is_no_reading_of_its_kind_is_unknown_and_counted() {
    let cases = [
        // No known field.
        ("risk", json!({})),
        ("risk", json!({"error": "engine down"})),
        (
            "risk",
            json!({"halted": null, "open_count": null, "extra": {}}),
        ),
        ("status", json!({"confidence": null})),
        ("regime", json!({"Regime": "CHOP"})),
        ("positions", json!({})),
        ("positions", json!({"count": 0})),
        ("positions", json!({"positions": null, "items": null})),
        ("positions", json!([])),
        // Not an object.
        ("risk", json!(null)),
        ("risk", json!([])),
        ("risk", json!([581.0, 9.24])),
        ("regime", json!(["CHOP", 0.5, "BTC"])),
        ("regime", json!("CHOP")),
        ("status", json!([[70, "high"]])),
        ("status", json!({"confidence": [70, "high"]})),
        ("status", json!({"hl_rate": [1, 240]})),
        ("status", json!({"recovery": []})),
        ("risk", json!({"per_runner": []})),
        ("positions", json!("none")),
        // A field of the wrong type.
        ("risk", json!({"halted": 1})),
        ("risk", json!({"halted": "true"})),
        ("risk", json!({"drawdown_pct": "9.24"})),
        ("risk", json!({"drawdown_pct": true})),
        ("risk", json!({"open_count": 2.5})),
        ("risk", json!({"open_count": -1})),
        ("risk", json!({"open_count": 4_294_967_296_u64})),
        ("risk", json!({"halt_reason": 7})),
        ("status", json!({"today": {"streak": 2_147_483_648_i64}})),
        ("status", json!({"market": {"fear_greed": 9.3e18}})),
        ("status", json!({"approaching": {}})),
        ("regime", json!({"regime": {"name": "CHOP"}})),
        // One bad position among good ones.
        ("positions", json!([{"coin": "BTC"}, {}])),
        ("positions", json!([{"coin": "BTC"}, {"id": "x"}])),
        ("positions", json!([{"coin": "BTC"}, null])),
        ("positions", json!([{"coin": "BTC"}, "ETH"])),
        (
            "positions",
            json!({"items": [{"coin": "BTC"}, ["ETH", "LONG", 1, 2]]}),
        ),
        (
            "positions",
            json!({"items": [{"coin": "BTC"}, {"coin": null}]}),
        ),
        (
            "positions",
            json!({"items": [{"coin": "BTC"}, {"coin": 7}]}),
        ),
        ("positions", json!({"items": {"coin": "BTC"}})),
        ("positions", json!([[{"coin": "BTC"}]])),
    ];
    for (name, data) in cases {
        let text = data.to_string();
        let expected = failed(name, data);
        assert_eq!(event(name, &text), expected);
        assert_eq!(
            decoded(&format!(r#"{{"data":{text},"event":"{name}"}}"#)),
            expected,
        );
    }
}

#[test]
fn what_holds_only_the_surroundings_of_a_reading_is_none() {
    for (name, data) in [
        ("positions", r#"{"account_value":1}"#),
        (
            "positions",
            r#"{"account_value":1,"total_unrealized_pnl":2.5}"#,
        ),
        ("positions", r#"{"account_value":1,"positions":null}"#),
        (
            "positions_update",
            r#"{"total_unrealized_pnl":0,"desk":"a"}"#,
        ),
        ("status", r#"{"ts":"2026-04-21T19:05:36Z"}"#),
        ("v2_status", r#"{"ts":"x","alert":null,"market":null}"#),
    ] {
        for message in [
            format!(r#"{{"event":"{name}","data":{data}}}"#),
            format!(r#"{{"data":{data},"event":"{name}"}}"#),
        ] {
            let decoded = decoded(&message);
            assert!(decoded.payload_failed, "{message}");
            assert_eq!(decoded.event.kind(), name, "{message}");
        }
    }
    for (name, data) in [
        ("positions", r#"{"account_value":1,"positions":[]}"#),
        ("positions", r#"{"items":[],"positions":null}"#),
        ("status", r#"{"ts":"x","approaching":[]}"#),
    ] {
        assert!(!event(name, data).payload_failed, "{data}");
    }
}

#[test]
fn a_known_event_without_a_payload_is_unknown_and_counted() {
    for name in ["status", "positions", "risk_update", "regime"] {
        let decoded = decoded(&format!(r#"{{"event":"{name}"}}"#));
        assert_eq!(decoded, failed(name, Value::Null));
    }
}

#[test]
fn the_same_key_twice_in_a_payload_is_no_reading() {
    for data in [
        r#"{"halted":true,"halted":false}"#,
        r#"{"halted":null,"halted":false}"#,
        r#"{"halted":true,"desk":1,"desk":2}"#,
    ] {
        assert!(event("risk", data).payload_failed, "{data}");
    }
    for data in [
        r#"[{"coin":"A","coin":"A"}]"#,
        r#"{"items":[{"coin":"A"}],"items":[]}"#,
    ] {
        assert!(event("positions", data).payload_failed, "{data}");
    }
}

#[test]
fn a_time_that_no_type_holds_is_one_of_another_type() {
    for ts in ["1e999", r#""\ud800""#, r#"{"a":-1e999}"#, r#"["\udc00"]"#] {
        for (name, data) in READINGS {
            let message = format!(r#"{{"event":"{name}","ts":{ts},"data":{data}}}"#);
            let decoded = decoded(&message);
            assert_eq!(
                (decoded.ts, decoded.payload_failed),
                (now(), false),
                "{message}"
            );
        }
    }
}

#[test]
fn a_huge_integer_is_the_nearest_float_where_a_float_is_expected() {
    let EngineEvent::Risk(risk) =
        event("risk", r#"{"peak_equity":123456789012345678901234567890}"#).event
    else {
        panic!("a reading of risk");
    };
    assert_eq!(risk.peak_equity, Some(1.234_567_890_123_456_8e29));
}

#[test]
fn how_deep_a_payload_may_be_does_not_depend_on_the_order_of_keys() {
    for levels in 120..132 {
        let data = format!(
            r#"{{"halted":true,"a":{}{}}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        );
        let first = decode(&format!(r#"{{"event":"risk","data":{data}}}"#), now());
        let last = decode(&format!(r#"{{"data":{data},"event":"risk"}}"#), now());
        assert_eq!(first, last, "{levels} levels");
        assert_eq!(first.is_ok(), levels < 127, "{levels} levels");
    }
}

/// Any JSON, with the meaningful names more often than chance would have them.
fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e12..1e12_f64).prop_map(Value::from),
        (0..300_u32).prop_map(|n| Value::from(f64::from(n))),
        ".{0,8}".prop_map(Value::from),
        Just(json!("2026-04-21T19:05:36Z")),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "event",
            "ts",
            "data",
            "items",
            "positions",
            "coin",
            "symbol",
            "size",
            "halted",
            "regime",
            "confidence",
            "score",
            "per_runner",
            "hl_rate",
            "used",
            "open_count",
            "today",
            "extra",
        ])
        .prop_map(str::to_owned),
        ".{0,4}",
    ];
    scalar.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_whatever_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_binary(&bytes, now());
    }

    #[test]
    fn any_json_under_a_known_name_is_a_reading_or_comes_back_as_it_was(
        (name, _) in prop::sample::select(READINGS.to_vec()),
        data in any_json(),
    ) {
        let decoded = event(name, &data.to_string());
        match decoded.event {
            EngineEvent::Unknown { event, data: kept, .. } => {
                prop_assert!(decoded.payload_failed);
                prop_assert_eq!(event, name);
                prop_assert_eq!(kept, data);
            }
            EngineEvent::Heartbeat(_) => prop_assert_eq!(name, "heartbeat"),
            EngineEvent::Positions(_) => prop_assert!(data.is_object() || data.is_array()),
            _ => prop_assert!(data.as_object().is_some_and(|map| !map.is_empty())),
        }
    }

    #[test]
    fn a_message_with_a_byte_changed_or_cut_off_never_makes_it_panic(
        (name, data) in prop::sample::select(READINGS.to_vec()),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut bytes =
            format!(r#"{{"event":"{name}","ts":"2026-04-21T19:05:36.5Z","data":{data}}}"#).into_bytes();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
            prop_assert_eq!(decode_binary(&bytes, now()), Err(Undecodable::Malformed));
        } else {
            bytes[at] = byte;
            let _ = decode_binary(&bytes, now());
        }
    }
}
