//! Steps and tapes drawn at random, within what the format allows.

use bytes::Bytes;
use chrono::DateTime;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::value::RawValue;
use wstape_tape::{
    Accept, Action, After, Answers, CONNECTIONS, ClockSkew, CloseFrame, Conn, Corruption, DIALOGUE,
    Deflate, Direction, Distribution, Down, End, Expect, Garbage, Header, HttpAnswer, Late,
    Latency, MIN_EVERY, Match, MessageKind, MessagePath, MessageRegex, Micros, OnMessage,
    Partition, Pongs, RawFrame, Reading, Received, ReceivedKind, Refusal, Scene, SomeOf, Start,
    Step, Tape, TlsFault, Trigger, WhichScene, Whose,
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
    let message = option::of(wanted().prop_map(|wanted| {
        let contains = Some(wanted.contains.unwrap_or_default());
        Box::new(Match {
            contains,
            nth: None,
            unmatched: false,
            ..wanted
        })
    }));
    let both = (option::of(received()), message);
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

fn action() -> impl Strategy<Value = Action> {
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
        received().prop_map(Action::Received),
        text().prop_map(Action::Mark),
        expect(),
        scenes(),
    ]
}

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

fn wanted() -> impl Strategy<Value = Match> {
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

fn trigger() -> impl Strategy<Value = Trigger> {
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
                by_received: false,
            }))
        });
    let on_received = (whose(), wanted()).prop_map(|(whose, wanted)| {
        Trigger::OnMessage(Box::new(OnMessage {
            whose,
            wanted,
            by_received: true,
            ..OnMessage::default()
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
        1 => on_received,
        1 => on_silence,
        1 => scene,
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

/// A step that the format allows, its keys in company that suits them.
pub(super) fn step() -> impl Strategy<Value = Step> {
    let what = (trigger(), action());
    let whose = (
        option::of(1..=u64::MAX),
        option::of(text()),
        0..3_u8,
        option::of("/[a-zé/]{0,8}\\*?"),
    );
    let ends = (option::of(micros()), option::of(1..=u32::MAX));
    let draws = (
        option::of(0.0..=1.0_f64),
        option::of(micros()),
        any::<u64>(),
    );
    (what, whose, ends, draws, option::of(text()), extensions()).prop_map(
        |((trigger, action), (conn, engine, way, path), ends, draws, note, extensions)| {
            let mut step = Step::new(trigger, action);
            let timed = matches!(step.trigger, Trigger::At(_));
            if !timed && matches!(step.action, Action::Down(_) | Action::Clock(_)) {
                step.action = Action::Hang(true);
            }
            let dialogue = step.trigger.is_dialogue();
            if dialogue && !may_be_heard(&step.action) {
                step.action = Action::Pongs(Pongs::Withheld);
            }
            if let Some(conn) = conn.filter(|_| timed) {
                step.conn = Conn::Nth(conn);
            }
            let for_all = matches!(
                step.action,
                Action::Down(_)
                    | Action::Clock(_)
                    | Action::Http(_)
                    | Action::Answers(_)
                    | Action::Mark(_)
                    | Action::Expect(_)
            );
            step.path = path.filter(|_| !for_all);
            if step.action.is_link_condition() {
                step.direction =
                    [Direction::Both, Direction::ToClient, Direction::FromClient][usize::from(way)];
            }
            step.engine = engine;
            step.for_us = ends.0.filter(|_| step.action.is_state());
            let numbered = matches!(step.conn, Conn::Nth(_))
                || (!dialogue && matches!(step.trigger.whose(), Whose::Nth(_)));
            step.times = ends
                .1
                .filter(|_| dialogue || (step.action.is_used_up() && !numbered));
            (step.probability, step.jitter, step.seed) = (draws.0, draws.1, Some(draws.2));
            (step.note, step.extensions) = (note, extensions);
            step
        },
    )
}

/// Whether an action means something on a connection that has its 101.
fn may_be_heard(action: &Action) -> bool {
    let before = matches!(
        action,
        Action::Answers(_) | Action::Received(_) | Action::Http(_)
    );
    !before && !action.is_used_up()
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
            header.needs = vec![CONNECTIONS.to_owned(), DIALOGUE.to_owned()];
            header
        },
    )
}

/// A tape whose steps stand in an order that the format allows.
pub(super) fn tape() -> impl Strategy<Value = Tape> {
    (header(), vec(step(), 0..12)).prop_map(|(header, mut steps)| {
        // A tape that holds its answers listens to nobody, and a reference wants its message.
        let holds = |step: &Step| matches!(step.action, Action::Answers(Answers::Held));
        if steps.iter().any(holds) {
            steps.retain(|step| !step.trigger.is_dialogue() && step.path.is_none());
        }
        steps.retain(|step| !step.to_line().contains("${"));
        steps.sort_by_key(|step| match step.trigger {
            Trigger::OnConnect {
                after: After::Time(after),
                ..
            } => (0, after),
            Trigger::At(at) => (2, at),
            _ => (1, Micros::ZERO),
        });
        Tape::new(header, steps)
    })
}
