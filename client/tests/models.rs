//! The payload types on their own.

use engine_client::models::{
    HlRate, Position, Positions, RecoveryStatus, Regime, Risk, V2Confidence, V2Market, V2Positions,
    V2Status, V2Today,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_str(&value.to_string()).unwrap_or_else(|why| panic!("{why}: {value}"))
}

fn refused<T: DeserializeOwned>(text: &str) -> bool {
    serde_json::from_str::<T>(text).is_err()
}

/// Whether two values are the same; `7` and `7.0` are.
fn same(a: &Value, b: &Value) -> bool {
    a == b || (a.is_number() && a.as_f64() == b.as_f64())
}

/// Every key of `sent` is in what is written back, with what was sent, `null` and absence being the
/// same.
fn assert_kept<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(sent: &Value) {
    let value: T = read(sent);
    let written = serde_json::to_value(&value).expect("it serialises");
    for (key, sent) in sent.as_object().expect("an object") {
        if let Some(nested) = sent.as_object() {
            for (inner, sent) in nested {
                assert!(same(&written[key][inner], sent), "{key}.{inner}");
            }
        } else {
            assert!(same(&written[key], sent), "{key}");
        }
    }
    assert_eq!(
        read::<T>(&written),
        value,
        "what is written reads back the same"
    );
    assert_eq!(
        serde_json::from_value::<T>(written).expect("from a value too"),
        value
    );
}

#[test]
fn a_status_reads_every_field_and_writes_it_back() {
    let sent: Value = serde_json::from_str(include_str!("payloads/v2_status.json")).expect("JSON");
    assert_kept::<V2Status>(&sent);
    let status: V2Status = read(&sent);
    assert_eq!(status.engine_confidence(), Some(70.0));
    assert_eq!(status.confidence_level(), Some("medium"));
    assert!(
        status
            .regime()
            .expect("a regime")
            .starts_with("SHORT MARKET")
    );
    assert_eq!(status.equity(), Some(576.078_165));
    assert_eq!(status.open(), Some(0));
    assert_eq!(status.unrealized_pnl(), Some(0.0));
    assert_eq!(status.market.fear_greed, Some(54));
    assert_eq!(status.today.streak, Some(-3));
    assert_eq!(status.ts.as_deref(), Some("2026-04-21T19:05:35Z"));
    assert_eq!(status.drawdown_pct(), None);
    assert_eq!(
        (status.alert, status.recovery, status.hl_rate),
        (None, None, None)
    );
}

#[test]
fn a_status_takes_what_newer_engines_add() {
    let sent = json!({
        "hl_rate": {"used": 12.0, "cap": null, "window": 60},
        "recovery": {"status": "recovered", "durable": true, "fills_recovered": 3, "epoch": 7},
        "alert": {"level": 2},
        "approaching": [1, {"coin": "BTC"}],
        "confidence": {"score": 70, "why": "trend"},
        "drawdown_pct": 4.5,
    });
    let status: V2Status = read(&sent);
    assert_eq!(status.hl_rate, Some(HlRate { used: 12, cap: 0 }));
    let recovery = status.recovery.as_ref().expect("a recovery");
    assert!(recovery.durable);
    assert_eq!(recovery.fills_recovered, Some(3));
    assert_eq!(recovery.extra["epoch"], 7);
    assert_eq!(status.alert, Some(json!({"level": 2})));
    assert_eq!(status.approaching.len(), 2);
    assert_eq!(status.confidence.extra["why"], "trend");
    assert_eq!(status.drawdown_pct(), Some(4.5));
    assert_eq!(
        serde_json::to_value(&status).expect("it serialises")["drawdown_pct"],
        4.5
    );
}

#[test]
fn risk_and_regime_read_every_field_and_write_it_back() {
    for payload in [
        include_str!("payloads/risk.json"),
        include_str!("payloads/risk_bus.json"),
    ] {
        assert_kept::<Risk>(&serde_json::from_str(payload).expect("JSON"));
    }
    assert_kept::<Regime>(
        &json!({"regime": "CHOP", "confidence": 0.5, "coin": "BTC", "since": [1]}),
    );
    let risk: Risk = serde_json::from_str(include_str!("payloads/risk.json")).expect("a risk");
    assert_eq!(risk.last_drawdown_alert_pct, Some(20.0));
    assert_eq!(risk.open_count, Some(0));
    assert_eq!(risk.halt_reason, None);
    assert!(risk.extra.is_empty(), "{:?}", risk.extra);
}

#[test]
fn any_of_three_flags_halts() {
    for (flag, halts) in [
        ("halted", true),
        ("global_halt", true),
        ("stop_failure_halt", true),
        ("capital_floor_hit", false),
    ] {
        assert_eq!(
            read::<Risk>(&json!({ flag: true })).is_halted(),
            halts,
            "{flag}"
        );
        assert!(!read::<Risk>(&json!({ flag: null })).is_halted(), "{flag}");
    }
}

#[test]
fn the_days_loss_is_a_share_of_a_peak_above_zero() {
    for (sent, pct) in [
        (json!({"daily_loss_usd": 5, "peak_equity": 500}), Some(1.0)),
        (
            json!({"daily_loss_usd": 5, "peak_equity_30d": 250}),
            Some(2.0),
        ),
        (
            json!({"daily_loss_usd": 5, "peak_equity": 500, "peak_equity_30d": 250}),
            Some(1.0),
        ),
        (
            json!({"daily_loss_usd": 5, "peak_equity": 0, "peak_equity_30d": 250}),
            None,
        ),
        (json!({"daily_loss_usd": 5, "peak_equity": -1}), None),
        (json!({"daily_loss_usd": 5}), None),
        (json!({"peak_equity": 500}), None),
    ] {
        assert_eq!(read::<Risk>(&sent).daily_loss_pct(), pct, "{sent}");
    }
}

#[test]
fn positions_come_as_items_as_positions_or_as_a_bare_list() {
    let list = json!([{"coin": "BTC", "direction": "LONG", "size_coins": 2, "entry_price": 63450, "id": "x"}]);
    for sent in [
        json!({ "items": list }),
        json!({ "positions": list }),
        json!({"items": null, "positions": list}),
        json!({"positions": list, "items": null}),
        json!({"items": list, "positions": []}),
        json!({"positions": [{"coin": "OLD"}, {"coin": "OLD"}], "items": list}),
        list.clone(),
    ] {
        let positions: Positions = read(&sent);
        let [position] = &positions.items[..] else {
            panic!("one position in {sent}");
        };
        assert_eq!(position.symbol, "BTC");
        assert_eq!(position.side, "LONG");
        assert_eq!((position.size, position.entry), (2.0, 63_450.0));
        assert_eq!(position.extra.keys().collect::<Vec<_>>(), ["id"]);
        assert!(positions.extra.is_empty());
    }
    let written = serde_json::to_value(read::<Positions>(&list)).expect("it serialises");
    assert_eq!(written["items"][0]["symbol"], "BTC");
    assert_eq!(written["items"][0]["id"], "x");
    assert_eq!(written.get("positions"), None);
    assert_eq!(written["items"][0].get("coin"), None);
}

#[test]
fn the_positions_that_the_engine_sent_keep_what_has_no_field() {
    let positions: Positions =
        serde_json::from_str(include_str!("payloads/positions_bus.json")).expect("positions");
    assert_eq!(positions.items.len(), 2);
    assert_eq!(positions.items[0].lens_id.as_deref(), Some("lens_flow"));
    assert_eq!(positions.items[0].extra["size_usd"], 49.831_56);
    assert_eq!(positions.items[1].side, "SHORT");
    assert_eq!(
        positions.extra["updated_at"],
        "2026-04-22T12:19:29.563466+00:00"
    );
    let written = serde_json::to_string(&positions).expect("it serialises");
    assert_eq!(
        serde_json::from_str::<Positions>(&written).expect("positions"),
        positions
    );
}

#[test]
fn where_a_name_and_its_alias_both_come_the_name_wins_in_either_order() {
    for sent in [
        r#"{"symbol":"NAME","coin":"ALIAS","size":1,"size_coins":2}"#,
        r#"{"size_coins":2,"size":1,"coin":"ALIAS","symbol":"NAME"}"#,
    ] {
        let position: Position = serde_json::from_str(sent).expect("a position");
        assert_eq!(
            (position.symbol.as_str(), position.size),
            ("NAME", 1.0),
            "{sent}"
        );
        assert!(position.extra.is_empty(), "{sent}");
    }
    for sent in [
        r#"{"symbol":null,"coin":"ALIAS"}"#,
        r#"{"coin":"ALIAS","symbol":null}"#,
    ] {
        let position: Position = serde_json::from_str(sent).expect("a position");
        assert_eq!(position.symbol, "ALIAS", "{sent}");
    }
    for sent in [
        r#"{"symbol":"NAME","coin":7}"#,
        r#"{"coin":7,"symbol":"NAME"}"#,
    ] {
        assert!(refused::<Position>(sent), "{sent}");
    }
}

#[test]
fn numbers_come_as_ints_or_floats_and_must_fit() {
    for (sent, streak) in [
        ("2", 2),
        ("2.0", 2),
        ("-3.0", -3),
        ("2e3", 2000),
        ("-0.0", 0),
        ("-2147483648", i32::MIN),
    ] {
        let today: V2Today = serde_json::from_str(&format!(r#"{{"streak":{sent}}}"#)).expect(sent);
        assert_eq!(today.streak, Some(streak), "{sent}");
    }
    for sent in [
        "2.5",
        "2147483648",
        "-2147483649",
        "1e300",
        "\"2\"",
        "true",
        "[2]",
        "{}",
    ] {
        assert!(
            refused::<V2Today>(&format!(r#"{{"streak":{sent}}}"#)),
            "{sent}"
        );
    }
    for sent in ["-1", "-1.0", "4294967296", "4294967296.0", "0.1"] {
        assert!(
            refused::<V2Today>(&format!(r#"{{"wins":{sent}}}"#)),
            "{sent}"
        );
    }
    let far: V2Market =
        serde_json::from_str(r#"{"fear_greed":-9223372036854775808.0}"#).expect("fits");
    assert_eq!(far.fear_greed, Some(i64::MIN));
    assert!(refused::<V2Market>(
        r#"{"fear_greed":9223372036854775808.0}"#
    ));
    for (sent, score) in [
        ("70", 70.0),
        ("-70", -70.0),
        ("0.5", 0.5),
        ("18446744073709551615", 1.844_674_407_370_955_2e19),
    ] {
        let confidence: V2Confidence =
            serde_json::from_str(&format!(r#"{{"score":{sent}}}"#)).expect(sent);
        assert_eq!(confidence.score, Some(score), "{sent}");
    }
}

#[test]
fn a_float_is_exactly_the_one_that_the_engine_wrote() {
    for text in [
        "0.30000000000000004",
        "2.2250738585072011e-308",
        "638.4887060000001",
        "9007199254740993",
    ] {
        let risk: Risk =
            serde_json::from_str(&format!(r#"{{"account_value":{text}}}"#)).expect(text);
        assert_eq!(
            risk.account_value,
            Some(text.parse().expect("a float")),
            "{text}"
        );
    }
}

#[test]
fn an_empty_object_is_the_default_of_every_type_and_nothing_else_is() {
    fn check<T: DeserializeOwned + Default + PartialEq + std::fmt::Debug>(takes_lists: bool) {
        assert_eq!(
            serde_json::from_str::<T>("{}").expect("an empty object"),
            T::default()
        );
        assert_eq!(!refused::<T>("[]"), takes_lists);
        for text in ["null", "0", "\"\"", "true", "[1]", "[[]]", "[null]"] {
            assert!(refused::<T>(text), "{text}");
        }
    }
    check::<V2Status>(false);
    check::<V2Confidence>(false);
    check::<V2Market>(false);
    check::<V2Positions>(false);
    check::<V2Today>(false);
    check::<RecoveryStatus>(false);
    check::<HlRate>(false);
    check::<Position>(false);
    check::<Positions>(true);
    check::<Risk>(false);
    check::<Regime>(false);
}

#[test]
fn an_own_name_in_extra_is_not_written_twice() {
    let mut regime = Regime {
        coin: Some("BTC".into()),
        ..Regime::default()
    };
    regime.extra.insert("coin".into(), json!("ETH"));
    regime.extra.insert("desk".into(), json!(1));
    let written = serde_json::to_string(&regime).expect("it serialises");
    assert_eq!(
        written,
        r#"{"regime":null,"confidence":null,"coin":"BTC","desk":1}"#
    );
}

proptest! {
    #[test]
    fn extra_survives_being_written_and_read(
        extra in prop::collection::btree_map(
            "[a-z_\"\\\\é]{0,6}",
            prop_oneof![
                Just(Value::Null),
                any::<i64>().prop_map(Value::from),
                (-1e300..1e300_f64).prop_map(Value::from),
                ".{0,6}".prop_map(Value::from),
                prop::collection::vec(any::<bool>(), 0..3).prop_map(Value::from),
            ],
            0..8,
        ),
        size in -1e300..1e300_f64,
        mark in prop::option::of(-1e3..1e3_f64),
    ) {
        let mut position = Position { symbol: "BTC".into(), size, mark, ..Position::default() };
        position.extra = extra.clone();
        for own in ["size", "side", "stop", "coin", "mark", "age_s", "entry"] {
            position.extra.remove(own);
        }
        let positions = Positions { items: vec![position], extra, ..Positions::default() };
        let mut positions = positions;
        positions.extra.remove("items");
        let written = serde_json::to_string(&positions).expect("it serialises");
        let read: Positions = serde_json::from_str(&written).expect("it reads");
        prop_assert_eq!(read, positions);
    }
}
