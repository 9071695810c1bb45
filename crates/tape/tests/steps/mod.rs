//! Steps and tapes drawn at random, within what the format allows.

use bytes::Bytes;
use chrono::DateTime;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::value::RawValue;
use wstape_tape::{
    Accept, Action, After, Answers, CONNECTIONS, CloseFrame, Conn, Deflate, Direction,
    Distribution, Down, End, Expect, Garbage, Header, HttpAnswer, Latency, Micros, Partition,
    Pongs, RawFrame, Received, ReceivedKind, Refusal, Step, Tape, TlsFault, Trigger,
};

fn micros() -> impl Strategy<Value = Micros> {
    prop_oneof![0..10_000_u64, 0..=u64::MAX].prop_map(Micros)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "\\PC{0,12}", any::<String>()]
}

fn octets() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        vec(any::<u8>(), 0..20).prop_map(Bytes::from),
        text().prop_map(Bytes::from)
    ]
}

fn raw() -> impl Strategy<Value = Box<RawValue>> {
    const VALUES: &[&str] = &[
        "null",
        "{}",
        "[1, 2.50]",
        "\"a\\u0000\"",
        "{\"deep\":{\"er\":[[]]}}",
        "-1e9",
    ];
    prop::sample::select(VALUES).prop_map(|v| RawValue::from_string(v.to_owned()).unwrap())
}

fn extensions() -> impl Strategy<Value = Vec<(String, Box<RawValue>)>> {
    btree_map("x-[a-z\"é]{0,4}", raw(), 0..3).prop_map(|map| map.into_iter().collect())
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let values = vec("[ -~\t\u{e9}]{0,8}", 1..3);
    btree_map("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,8}", values, 0..3).prop_map(|map| {
        let one = |(name, values): (String, Vec<String>)| {
            values.into_iter().map(move |value| (name.clone(), value))
        };
        map.into_iter().flat_map(one).collect()
    })
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Fin), Just(End::Reset)]
}

fn received() -> impl Strategy<Value = Received> {
    let kinds = [
        ReceivedKind::Text,
        ReceivedKind::Binary,
        ReceivedKind::Ping,
        ReceivedKind::Pong,
        ReceivedKind::Close,
        ReceivedKind::Open,
        ReceivedKind::Frame,
        ReceivedKind::Bytes,
        ReceivedKind::Fin,
        ReceivedKind::Reset,
    ];
    let kind = prop::sample::select(kinds.to_vec());
    let parts = (
        option::of(text()),
        option::of(octets()),
        option::of(any::<u16>()),
    );
    let frame = (
        option::of(any::<bool>()),
        option::of(0..8_u8),
        option::of(0..16_u8),
    );
    let open = (option::of(text()), headers());
    (kind, parts, option::of(text()), frame, open).prop_map(
        |(kind, (text, binary, code), reason, (fin, rsv, opcode), (path, headers))| Received {
            kind,
            text,
            binary,
            code,
            reason,
            fin,
            rsv,
            opcode,
            path,
            headers,
        },
    )
}

fn emit() -> impl Strategy<Value = Action> {
    (text(), raw()).prop_map(|(event, data)| {
        let event = serde_json::to_string(&event).unwrap();
        Action::Emit(format!("{{\"event\": {event} ,\"data\":{}}}", data.get()).into())
    })
}

fn frame() -> impl Strategy<Value = Action> {
    let bits = (any::<bool>(), 0..8_u8, 0..16_u8);
    let rest = (
        option::of(any::<[u8; 4]>()),
        octets(),
        option::of(any::<u64>()),
    );
    (bits, rest).prop_map(|((fin, rsv, opcode), (mask, payload, declared_len))| {
        Action::Frame(RawFrame {
            fin,
            rsv,
            opcode,
            mask,
            payload,
            declared_len,
        })
    })
}

fn latency() -> impl Strategy<Value = Action> {
    let distributions = [
        Distribution::Uniform,
        Distribution::Normal,
        Distribution::Pareto,
    ];
    (
        micros(),
        micros(),
        prop::sample::select(distributions.to_vec()),
    )
        .prop_map(|(base, jitter, distribution)| {
            Action::Latency(Latency {
                base,
                jitter,
                distribution,
            })
        })
}

fn http() -> impl Strategy<Value = Action> {
    let body = prop_oneof![
        octets(),
        raw().prop_map(|raw| Bytes::from(raw.get().to_owned()))
    ];
    let method = option::of("[A-Z]{1,9}");
    let answer = ("/[a-zé/]{0,8}", method, 200..=599_u16, headers(), body);
    answer.prop_map(|(path, method, status, headers, body)| {
        Action::Http(HttpAnswer {
            path,
            method,
            status,
            headers,
            body,
        })
    })
}

fn expect() -> impl Strategy<Value = Action> {
    let mirror = prop::sample::select(&["{}", "{\"a\": [1]}"][..]);
    (micros(), mirror, option::of(received())).prop_map(|(after, mirror, received)| {
        let mirror = Some(RawValue::from_string(mirror.to_owned()).unwrap());
        Action::Expect(Expect {
            after,
            mirror,
            received,
        })
    })
}

fn partition() -> impl Strategy<Value = Action> {
    let all = [
        Partition::Both,
        Partition::ToClient,
        Partition::FromClient,
        Partition::None,
    ];
    prop::sample::select(all.to_vec()).prop_map(Action::Partition)
}

fn pongs() -> impl Strategy<Value = Action> {
    let delayed = micros().prop_map(Pongs::Delayed);
    prop_oneof![Just(Pongs::Auto), Just(Pongs::Withheld), delayed].prop_map(Action::Pongs)
}

fn tls() -> impl Strategy<Value = Option<TlsFault>> {
    option::of(prop_oneof![
        Just(TlsFault::Untrusted),
        Just(TlsFault::Expired),
        Just(TlsFault::WrongHost),
        Just(TlsFault::Stalled),
        Just(TlsFault::NoCloseNotify),
    ])
}

fn down() -> impl Strategy<Value = Down> {
    prop_oneof![
        Just(Down::Up),
        Just(Down::Refuses),
        (1..=u32::MAX).prop_map(|dials| Down::Resets { dials }),
    ]
}

fn answers() -> impl Strategy<Value = Action> {
    let accept = (
        option::of(prop_oneof![Just(101_u16), 200..=599_u16]),
        headers(),
        option::of(text()),
        octets(),
        option::of(any::<[bool; 2]>().prop_map(|[server, client]| Deflate {
            server_no_context_takeover: server,
            client_no_context_takeover: client,
        })),
    )
        .prop_map(|(status, headers, token, body, deflate)| Accept {
            status,
            headers,
            token,
            body,
            deflate,
        });
    let refuse = (200..=599_u16, headers(), octets()).prop_map(|(status, headers, body)| Refusal {
        status,
        headers,
        body,
    });
    let garbage =
        (octets(), 1..1000_u32, option::of(end())).prop_map(|(bytes, repeat, then)| Garbage {
            bytes,
            repeat,
            then,
        });
    prop_oneof![
        option::of(accept).prop_map(Action::Accept),
        option::of(refuse).prop_map(Action::Refuse),
        option::of(garbage).prop_map(Action::Garbage),
        any::<bool>().prop_map(Action::Hang),
        prop::sample::select(vec![Answers::Auto, Answers::Held]).prop_map(Action::Answers),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let close = (any::<u16>(), text()).prop_map(|(code, reason)| CloseFrame { code, reason });
    prop_oneof![
        emit(),
        text().prop_map(Action::Text),
        octets().prop_map(Action::Binary),
        octets().prop_map(Action::Ping),
        octets().prop_map(Action::Pong),
        pongs(),
        option::of(close).prop_map(Action::Close),
        frame(),
        octets().prop_map(Action::Bytes),
        end().prop_map(Action::Drop),
        answers(),
        down().prop_map(Action::Down),
        tls().prop_map(Action::Tls),
        partition(),
        latency(),
        option::of(1..=u64::MAX).prop_map(Action::BytesPerSecond),
        option::of(1..=u32::MAX).prop_map(Action::SliceBytes),
        http(),
        received().prop_map(Action::Received),
        text().prop_map(Action::Mark),
        expect(),
    ]
}

fn trigger() -> impl Strategy<Value = Trigger> {
    let after = prop_oneof![
        micros().prop_map(After::Time),
        any::<u64>().prop_map(After::Frames),
        any::<u64>().prop_map(After::Bytes),
        any::<u64>().prop_map(After::Received),
    ];
    let on_connect = (option::of(1..=u64::MAX), after)
        .prop_map(|(nth, after)| Trigger::OnConnect { nth, after });
    prop_oneof![micros().prop_map(Trigger::At), on_connect]
}

/// A step that the format allows, its keys in company that suits them.
pub(super) fn step() -> impl Strategy<Value = Step> {
    let what = (trigger(), action());
    let whose = (option::of(1..=u64::MAX), option::of(text()), 0..3_u8);
    let ends = (option::of(micros()), option::of(1..=u32::MAX));
    let draws = (
        option::of(0.0..=1.0_f64),
        option::of(micros()),
        any::<u64>(),
    );
    (what, whose, ends, draws, option::of(text()), extensions()).prop_map(
        |((trigger, action), (conn, engine, way), ends, draws, note, extensions)| {
            let mut step = Step::new(trigger, action);
            let timed = matches!(trigger, Trigger::At(_));
            if !timed && matches!(step.action, Action::Down(_)) {
                step.action = Action::Hang(true);
            }
            if let Some(conn) = conn.filter(|_| timed) {
                step.conn = Conn::Nth(conn);
            }
            if step.action.is_link_condition() {
                step.direction =
                    [Direction::Both, Direction::ToClient, Direction::FromClient][usize::from(way)];
            }
            step.engine = engine;
            step.for_us = ends.0.filter(|_| step.action.is_state());
            step.times = ends.1.filter(|_| step.action.is_used_up());
            (step.probability, step.jitter, step.seed) = (draws.0, draws.1, Some(draws.2));
            (step.note, step.extensions) = (note, extensions);
            step
        },
    )
}

fn header() -> impl Strategy<Value = Header> {
    // Times of years with four digits, which is what RFC 3339 has.
    let time = || {
        option::of((-60_000_000_000..250_000_000_000_i64, 0..1_000_000_000_u32))
            .prop_map(|at| at.and_then(|(s, ns)| DateTime::from_timestamp(s, ns)))
    };
    let texts = (option::of(text()), option::of(text()), option::of(text()));
    (texts, time(), time(), vec(text(), 0..3), extensions()).prop_map(
        |((title, source, note), recorded_at, epoch, redacted, extensions)| {
            let mut header = Header::default();
            (header.title, header.source, header.note) = (title, source, note);
            (header.recorded_at, header.epoch) = (recorded_at, epoch);
            (header.redacted, header.extensions) = (redacted, extensions);
            header.needs = vec![CONNECTIONS.to_owned()];
            header
        },
    )
}

/// A tape whose steps stand in an order that the format allows.
pub(super) fn tape() -> impl Strategy<Value = Tape> {
    (header(), vec(step(), 0..12)).prop_map(|(header, mut steps)| {
        steps.sort_by_key(|step| match step.trigger {
            Trigger::OnConnect {
                after: After::Time(after),
                ..
            } => (0, after),
            Trigger::OnConnect { .. } => (1, Micros::ZERO),
            Trigger::At(at) => (2, at),
        });
        Tape::new(header, steps)
    })
}
