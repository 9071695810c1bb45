//! The mirror: what changes it, and what never may.

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use engine_client::{
    ConnectionHealth, EndReason, EngineState, HlRate, Positions, Regime, Risk, Source, Stat,
    V2Status, decode,
};
use serde_json::json;

fn at(second: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 4, 21, 19, 5, second)
        .single()
        .expect("a time that exists once")
}

/// Folds a message that arrives at that second into the mirror.
fn fold(mirror: &mut EngineState, message: &str, second: u32) {
    let decoded = decode(message, at(second)).expect("an event");
    mirror.apply(decoded.event, decoded.ts);
}

/// A mirror that holds a reading of every kind, as of second 1: the engine is halted, one position
/// is open.
fn full() -> EngineState {
    let mut mirror = EngineState::new();
    for (event, data) in [
        (
            "status",
            json!({"confidence": {"score": 70}, "hl_rate": {"used": 3, "cap": 240}}),
        ),
        ("positions", json!({"items": [{"symbol": "BTC"}]})),
        ("risk", json!({"halted": true})),
        ("regime", json!({"regime": "CHOP"})),
    ] {
        fold(
            &mut mirror,
            &json!({"event": event, "data": data}).to_string(),
            1,
        );
    }
    mirror
}

#[test]
fn a_new_mirror_has_seen_nothing() {
    let mirror = EngineState::shared();
    let mirror = mirror.read();
    assert_eq!(*mirror, EngineState::new());
    assert_eq!(mirror.feed_age_seconds(at(0)), None);
    assert_eq!(mirror.hl_rate_snapshot(), None);
    assert_eq!(mirror.connection, ConnectionHealth::default());
}

#[test]
fn each_kind_of_event_lands_in_its_field_with_its_time() {
    let mirror = full();
    let status = mirror.status.as_ref().expect("a status");
    assert_eq!(
        (status.as_of, status.source, status.n),
        (at(1), Source::Ws, None)
    );
    assert_eq!(
        mirror
            .positions
            .as_ref()
            .expect("positions")
            .value
            .items
            .len(),
        1
    );
    assert!(mirror.risk.as_ref().expect("a risk").value.is_halted());
    assert_eq!(
        mirror
            .regime
            .as_ref()
            .expect("a regime")
            .value
            .regime
            .as_deref(),
        Some("CHOP")
    );
    assert_eq!(
        mirror.hl_rate_snapshot(),
        Some(HlRate { used: 3, cap: 240 })
    );
    assert_eq!(mirror.last_heartbeat, Some(at(1)));
}

#[test]
fn the_mirror_never_shows_a_lie() {
    for event in [
        "status",
        "v2_status",
        "positions",
        "positions_update",
        "risk",
        "risk_update",
        "regime",
    ] {
        for data in [
            json!({}),
            json!([]),
            json!(null),
            json!({"error": "engine halted"}),
            json!({"halted": null, "items": null, "positions": null, "confidence": null, "regime": null}),
            json!([{}]),
            json!("ok"),
        ] {
            let mut mirror = full();
            fold(
                &mut mirror,
                &json!({"event": event, "data": data}).to_string(),
                9,
            );
            let expected = EngineState {
                last_heartbeat: Some(at(9)),
                ..full()
            };
            assert_eq!(mirror, expected, "{event} with {data}");
        }
        let mut mirror = full();
        fold(&mut mirror, &json!({"event": event}).to_string(), 9);
        let expected = EngineState {
            last_heartbeat: Some(at(9)),
            ..full()
        };
        assert_eq!(mirror, expected, "{event} without data");
    }
}

#[test]
fn an_empty_list_of_positions_that_is_named_closes_them() {
    let mut mirror = full();
    let message = json!({"event": "positions", "data": {"positions": []}}).to_string();
    fold(&mut mirror, &message, 2);
    assert_eq!(
        mirror.positions.expect("positions").value,
        Positions::default()
    );
}

#[test]
fn the_last_message_to_arrive_wins_whatever_its_time() {
    let mut mirror = full();
    let message = json!({
        "event": "risk", "ts": "2020-01-01T00:00:00", "data": {"halted": false, "open_count": 1},
    });
    fold(&mut mirror, &message.to_string(), 2);
    let then = Utc
        .with_ymd_and_hms(2020, 1, 1, 0, 0, 0)
        .single()
        .expect("a time");
    let risk = mirror.risk.as_ref().expect("a risk");
    assert_eq!(risk.as_of, then);
    assert!(!risk.value.halted);
    assert_eq!(risk.value.open_count, Some(1));
    assert_eq!(mirror.last_heartbeat, Some(then));
}

#[test]
fn a_reading_replaces_the_whole_of_what_was_there() {
    let mut mirror = full();
    let with_n = Stat {
        value: Risk::default(),
        as_of: at(0),
        n: Some(7),
        source: Source::Http,
    };
    mirror.risk = Some(with_n);
    fold(
        &mut mirror,
        r#"{"event":"risk","data":{"drawdown_pct":1}}"#,
        3,
    );
    let value = Risk {
        drawdown_pct: Some(1.0),
        ..Risk::default()
    };
    assert_eq!(
        mirror.risk,
        Some(Stat {
            value,
            as_of: at(3),
            n: None,
            source: Source::Ws
        })
    );
}

#[test]
fn every_event_over_the_socket_moves_the_heartbeat_and_nothing_that_was_fetched_does() {
    for message in [
        r#"{"event":"heartbeat"}"#,
        r#"{"event":"pulse","data":1}"#,
        r#"{"event":"risk","data":{}}"#,
        r#"{"event":"regime","data":{"coin":"BTC"}}"#,
    ] {
        let mut mirror = full();
        fold(&mut mirror, message, 4);
        assert_eq!(mirror.last_heartbeat, Some(at(4)), "{message}");
        assert_eq!(mirror.feed_age_seconds(at(9)), Some(5), "{message}");
        assert_eq!(mirror.feed_age_seconds(at(1)), Some(-3), "{message}");
    }
    for source in [
        Source::Http,
        Source::Mcp,
        Source::Derived,
        Source::Mock,
        Source::Ws,
    ] {
        let mut mirror = EngineState::new();
        let moves = (source == Source::Ws).then(|| at(5));
        mirror.apply_status(V2Status::default(), at(5), source);
        assert_eq!(mirror.last_heartbeat.take(), moves);
        mirror.apply_positions(Positions::default(), at(5), source);
        assert_eq!(mirror.last_heartbeat.take(), moves);
        mirror.apply_risk(Risk::default(), at(5), source);
        assert_eq!(mirror.last_heartbeat.take(), moves);
        mirror.apply_regime(Regime::default(), at(5), source);
        assert_eq!(mirror.last_heartbeat.take(), moves);
        assert_eq!(
            mirror.regime.map(|regime| (regime.as_of, regime.source)),
            Some((at(5), source))
        );
    }
    let mut mirror = EngineState::new();
    mirror.apply_heartbeat(at(6));
    assert_eq!(mirror.last_heartbeat, Some(at(6)));
}

#[test]
fn attempts_count_until_a_connection_and_for_life() {
    let mut mirror = EngineState::new();
    mirror.connection.refused_status = Some(503);
    mirror.on_reconnect_attempt(at(1));
    mirror.on_reconnect_attempt(at(2));
    let connection = mirror.connection;
    assert_eq!(
        (connection.reconnect_count, connection.total_attempts),
        (2, 2)
    );
    assert_eq!(connection.last_reconnect_at, Some(at(2)));
    assert!(!connection.ws_connected);

    mirror.on_ws_connected();
    let connection = mirror.connection;
    assert_eq!(
        (connection.reconnect_count, connection.total_attempts),
        (0, 2)
    );
    assert!(connection.ws_connected);
    assert_eq!(connection.refused_status, None);

    mirror.on_ws_disconnected();
    assert!(!mirror.connection.ws_connected);

    mirror.connection.reconnect_count = u32::MAX;
    mirror.connection.total_attempts = u64::MAX;
    mirror.on_reconnect_attempt(at(3));
    let connection = mirror.connection;
    assert_eq!(
        (connection.reconnect_count, connection.total_attempts),
        (u32::MAX, u64::MAX)
    );
}

#[test]
fn a_stat_knows_its_age() {
    let stat = Stat::new(1, Source::Mock).with_as_of(at(10)).with_n(3);
    assert_eq!(
        (stat.value, stat.n, stat.source),
        (1, Some(3), Source::Mock)
    );
    assert_eq!(stat.age(at(12)), TimeDelta::seconds(2));
    assert_eq!(stat.age(at(8)), TimeDelta::seconds(-2));
    assert!(!stat.is_stale(at(12), TimeDelta::seconds(2)));
    assert!(stat.is_stale(at(13), TimeDelta::seconds(2)));
    let written = serde_json::to_value(&stat).expect("it serialises");
    assert_eq!(
        written,
        json!({"value": 1, "as_of": "2026-04-21T19:05:10Z", "n": 3, "source": "mock"})
    );
    assert_eq!(
        serde_json::from_value::<Stat<i32>>(written).expect("a stat"),
        stat
    );
}

#[test]
fn the_mirror_writes_itself_as_json() {
    let mut mirror = full();
    mirror.connection.last_end = Some(EndReason::Closed { code: Some(1001) });
    let written = serde_json::to_value(&mirror).expect("it serialises");
    assert_eq!(written["regime"]["value"]["regime"], "CHOP");
    assert_eq!(written["risk"]["source"], "ws");
    assert_eq!(written["last_heartbeat"], "2026-04-21T19:05:01Z");
    assert_eq!(written["connection"]["ws_connected"], false);
    assert_eq!(
        written["connection"]["last_end"],
        json!({"closed": {"code": 1001}})
    );
    let keys: Vec<_> = written.as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        [
            "connection",
            "last_heartbeat",
            "positions",
            "regime",
            "risk",
            "status"
        ]
    );
}

#[test]
fn an_end_has_a_reason_in_words() {
    for (reason, words, json) in [
        (
            EndReason::Closed { code: Some(1013) },
            "closed by the peer with 1013",
            json!({"closed": {"code": 1013}}),
        ),
        (
            EndReason::Closed { code: None },
            "closed by the peer without a code",
            json!({"closed": {"code": null}}),
        ),
        (
            EndReason::Refused { status: 503 },
            "handshake refused with status 503",
            json!({"refused": {"status": 503}}),
        ),
        (
            EndReason::Idle,
            "nothing came for the idle timeout",
            json!("idle"),
        ),
        (
            EndReason::TooLarge,
            "a message was too large",
            json!("too_large"),
        ),
    ] {
        assert_eq!(reason.to_string(), words);
        assert_eq!(serde_json::to_value(reason).expect("it serialises"), json);
    }
}
