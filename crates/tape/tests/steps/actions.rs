//! Actions drawn at random.

use bytes::Bytes;
use proptest::option;
use proptest::prelude::*;
use serde_json::value::RawValue;
use wstape_tape::{
    Accept, Action, Answers, ClockSkew, CloseFrame, Corruption, Deflate, Distribution, Down, End,
    Expect, Garbage, HttpAnswer, Late, Latency, Match, Micros, Partition, Pongs, RawFrame, Reading,
    Received, ReceivedKind, Refusal, SomeOf, Start, TlsFault, WhichScene,
};

use super::triggers::wanted;
use super::values::{headers, micros, octets, raw, text};

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Fin), Just(End::Reset)]
}

/// What an `expect` may be about; a `received` step may also be of [`OTHER_KINDS`].
const EXPECTED_KINDS: [ReceivedKind; 5] = [
    ReceivedKind::Text,
    ReceivedKind::Binary,
    ReceivedKind::Ping,
    ReceivedKind::Pong,
    ReceivedKind::Close,
];

const OTHER_KINDS: [ReceivedKind; 5] = [
    ReceivedKind::Open,
    ReceivedKind::Frame,
    ReceivedKind::Bytes,
    ReceivedKind::Fin,
    ReceivedKind::Reset,
];

fn received(kinds: Vec<ReceivedKind>) -> impl Strategy<Value = Received> {
    let kind = prop::sample::select(kinds);
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
    let message = option::of(wanted().prop_map(|wanted| {
        let contains = Some(wanted.contains.unwrap_or_default());
        Box::new(Match {
            contains,
            nth: None,
            unmatched: false,
            ..wanted
        })
    }));
    let both = (option::of(received(EXPECTED_KINDS.to_vec())), message);
    (micros(), mirror, both).prop_map(|(after, mirror, (received, message))| {
        let mirror = Some(RawValue::from_string(mirror.to_owned()).unwrap());
        Action::Expect(Expect {
            after,
            mirror,
            received: received.filter(|_| message.is_none()),
            message,
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

fn corruption() -> impl Strategy<Value = Option<Corruption>> {
    let parts = (any::<u64>(), option::of(1..=u64::MAX), 1..=u8::MAX);
    option::of(
        parts.prop_map(|(skip_bytes, every_bytes, flip)| Corruption {
            skip_bytes,
            every_bytes,
            flip,
        }),
    )
}

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        Just(Reading::On),
        Just(Reading::Off),
        any::<u32>().prop_map(|bytes| Reading::Room { bytes }),
    ]
}

fn clock() -> impl Strategy<Value = Option<ClockSkew>> {
    let parts = (micros(), any::<bool>(), 0..=1_000_000_u32);
    option::of(parts.prop_map(|(by, behind, drift_ppm)| ClockSkew {
        by,
        behind,
        drift_ppm,
    }))
}

fn down() -> impl Strategy<Value = Down> {
    prop_oneof![
        Just(Down::Up),
        Just(Down::Refuses),
        Just(Down::Drains),
        Just(Down::Pends),
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

pub(super) fn action() -> impl Strategy<Value = Action> {
    let close = (any::<u16>(), text()).prop_map(|(code, reason)| CloseFrame { code, reason });
    prop_oneof![
        emit(),
        raw().prop_map(|raw| Action::Json(raw.get().to_owned().into())),
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
        corruption().prop_map(Action::Corrupt),
        reading().prop_map(Action::Reading),
        option::of(micros().prop_map(|after| after.max(Micros(1)))).prop_map(Action::IdleDrop),
        clock().prop_map(Action::Clock),
        Just(Action::HalfClose),
        partition(),
        latency(),
        option::of(1..=u64::MAX).prop_map(Action::BytesPerSecond),
        option::of(1..=u32::MAX).prop_map(Action::SliceBytes),
        http(),
        received([EXPECTED_KINDS, OTHER_KINDS].concat()).prop_map(Action::Received),
        text().prop_map(Action::Mark),
        expect(),
        scenes(),
    ]
}

fn which() -> impl Strategy<Value = WhichScene> {
    prop_oneof![
        "[a-zé]{1,4}".prop_map(WhichScene::Named),
        (1..=u64::MAX).prop_map(WhichScene::Any),
    ]
}

/// Scenes and their faults.
fn scenes() -> impl Strategy<Value = Action> {
    let some = || (which(), 1..=u32::MAX).prop_map(|(which, next)| SomeOf { which, next });
    let start = ("[a-zé]{1,4}", option::of("[a-zé]{1,4}"))
        .prop_map(|(scene, name)| Action::Start(Start { scene, name }));
    prop_oneof![
        start,
        which().prop_map(Action::Stop),
        option::of(which()).prop_map(Action::Mute),
        some().prop_map(Action::Gap),
        some().prop_map(Action::Repeat),
        (some(), micros()).prop_map(|(some, by)| Action::Late(Late { some, by })),
    ]
}
