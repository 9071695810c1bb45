//! Faults of WebSocket frames.

use bytes::Bytes;
use wstape_tape::{
    Action, CloseFrame, Distribution, Latency, Micros, Partition, Pongs, RawFrame, Step,
};

use super::dice::Dice;
use super::scene::Scene;
use crate::fault::FaultKind;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A time that suits any event.
const TS: &str = "2026-01-01T00:00:07.250Z";

fn frame(fin: bool, opcode: u8, payload: impl Into<Bytes>) -> RawFrame {
    RawFrame {
        fin,
        rsv: 0,
        opcode,
        mask: None,
        payload: payload.into(),
        declared_len: None,
    }
}

fn close(code: u16, reason: &str) -> Action {
    Action::Close(Some(CloseFrame {
        code,
        reason: reason.to_owned(),
    }))
}

pub(super) fn draw(kind: FaultKind, at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    match kind {
        FaultKind::Close | FaultKind::BadClose | FaultKind::AfterClose | FaultKind::SlowClose => {
            closes(kind, at, dice, scene);
        }
        FaultKind::Fragments => fragments(at, dice, scene),
        FaultKind::TooLarge => too_large(at, dice, scene),
        FaultKind::Pings
        | FaultKind::StrayPongs
        | FaultKind::PongsWithheld
        | FaultKind::PongsLate => pings(kind, at, dice, scene),
        _ => breaches(kind, at, dice, scene),
    }
}

/// Closes, legal and not.
fn closes(kind: FaultKind, at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    match kind {
        FaultKind::Close => {
            let action = match dice.below(6) {
                0 => Action::Close(None),
                1 => close(dice.pick(&[3000, 4000, 4999]), "kicked"),
                _ => close(
                    dice.pick(&[
                        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                    ]),
                    dice.pick(&["", "", "going away"]),
                ),
            };
            scene.at(kind, at, action);
        }
        FaultKind::BadClose => {
            let payload: Bytes = match dice.below(4) {
                0 => Bytes::from_static(&[3]),
                1 => Bytes::from_static(&[3, 232, 0xff, 0xfe]),
                _ => {
                    let code: u16 = dice.pick(&[0, 999, 1004, 1005, 1006, 1014, 1015, 2999, 5000]);
                    Bytes::copy_from_slice(&code.to_be_bytes())
                }
            };
            scene.at(kind, at, Action::Frame(frame(true, CLOSE, payload)));
        }
        FaultKind::AfterClose => {
            let code: u16 = 1001;
            let first = frame(true, CLOSE, Bytes::copy_from_slice(&code.to_be_bytes()));
            scene.at(kind, at, Action::Frame(first));
            let second = match dice.below(3) {
                0 => frame(true, CLOSE, Bytes::from_static(&[3, 233])),
                1 => frame(true, TEXT, scene.event(dice, TS)),
                _ => frame(true, PING, "late"),
            };
            scene.at(kind, at, Action::Frame(second));
        }
        FaultKind::SlowClose => {
            let span = scene.span(dice, at);
            let way = match dice.below(2) {
                // The end is delayed once more by as much as the Close was.
                0 => Action::Latency(Latency {
                    base: dice.log_time(Micros::from_ms(1), Micros::from_ms(4_000)),
                    jitter: Micros::ZERO,
                    distribution: Distribution::Uniform,
                }),
                // The engine waits for an answer that never reaches it.
                _ => Action::Partition(Partition::FromClient),
            };
            let mut step = Step::at(at, way);
            step.for_us = Some(span);
            scene.put(kind, step);
            scene.at(
                kind,
                at,
                close(dice.pick(&[1000, 1001, 1012]), "in no hurry"),
            );
        }
        _ => {}
    }
}

/// Frames that are not, or don't make, a legal message; and Binary ones.
fn breaches(kind: FaultKind, at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let later = |at: Micros, by: u64| Micros(at.0.saturating_add(by));
    match kind {
        FaultKind::BadUtf8 => {
            let bytes: &'static [u8] = dice.pick(&[
                b"\xff".as_slice(),
                b"{\"event\":\"heartbeat\",\"x\":\"\xc3\x28\"}",
                b"\xed\xa0\x80",
                b"abc\xe2\x82",
            ]);
            if dice.chance(1, 2) {
                scene.at(kind, at, Action::Frame(frame(true, TEXT, bytes)));
            } else {
                let cut = dice.index(bytes.len() + 1);
                let (head, tail) = (
                    Bytes::from_static(&bytes[..cut]),
                    Bytes::from_static(&bytes[cut..]),
                );
                let gap = dice.pick(&[0, 1_000, 200_000]);
                scene.at(kind, at, Action::Frame(frame(false, TEXT, head)));
                let rest = frame(true, CONTINUATION, tail);
                scene.at(kind, later(at, gap), Action::Frame(rest));
            }
        }
        FaultKind::IllegalFrame => {
            let text = scene.event(dice, TS);
            let mut illegal = frame(true, TEXT, text);
            match dice.below(4) {
                0 => illegal.mask = Some([1, 2, 3, 4]),
                1 => illegal.rsv = dice.pick(&[1, 2, 4]),
                2 => illegal.opcode = dice.pick(&[3, 4, 5, 6, 7]),
                _ => {
                    illegal.opcode = dice.pick(&[11, 12, 13, 14, 15]);
                    illegal.payload = Bytes::from_static(b"x");
                }
            }
            scene.at(kind, at, Action::Frame(illegal));
        }
        FaultKind::BrokenFragments => match dice.below(3) {
            0 => scene.at(
                kind,
                at,
                Action::Frame(frame(true, CONTINUATION, "of nothing")),
            ),
            1 => {
                scene.at(kind, at, Action::Frame(frame(false, TEXT, "{")));
                scene.at(kind, at, Action::Frame(frame(true, TEXT, "{}")));
            }
            _ => scene.at(kind, at, Action::Frame(frame(false, BINARY, "never ends"))),
        },
        FaultKind::BadControl => {
            let bad = if dice.chance(1, 2) {
                frame(false, dice.pick(&[PING, PONG, CLOSE]), "half")
            } else {
                frame(true, dice.pick(&[PING, PONG]), vec![b'p'; 126])
            };
            scene.at(kind, at, Action::Frame(bad));
        }
        FaultKind::Binary => {
            let bytes = match dice.below(4) {
                0 => Bytes::from_static(b"\xff\xfe"),
                1 => Bytes::new(),
                _ => Bytes::from(scene.event(dice, TS)),
            };
            scene.at(kind, at, Action::Binary(bytes));
        }
        _ => {}
    }
}

/// A legal message in pieces.
fn fragments(at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let kind = FaultKind::Fragments;
    let later = |at: Micros, by: u64| Micros(at.0.saturating_add(by));
    let whole = Bytes::from(scene.event(dice, TS));
    let parts = dice.between(2, 5);
    let opcode = dice.pick(&[TEXT, TEXT, BINARY]);
    let mut from = 0;
    let mut when = at;
    for part in 0..parts {
        let to = if part + 1 == parts {
            whole.len()
        } else {
            from + dice.index(whole.len() - from + 1)
        };
        let opcode = if part == 0 { opcode } else { CONTINUATION };
        let piece = frame(part + 1 == parts, opcode, whole.slice(from..to));
        scene.at(kind, when, Action::Frame(piece));
        if dice.chance(1, 3) {
            scene.at(kind, when, Action::Ping(Bytes::from_static(b"between")));
        }
        from = to;
        // A base event between two fragments breaks the protocol, which is allowed here.
        when = later(when, dice.pick(&[0, 0, 0, 500]));
    }
}

/// A message around the limit, or far beyond it.
fn too_large(at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let kind = FaultKind::TooLarge;
    let limit = scene.settings.max_message_bytes;
    if limit > 1 << 20 || dice.chance(1, 3) {
        let mut huge = frame(true, TEXT, "{\"event\":");
        huge.declared_len = Some(dice.pick(&[1 << 26, 1 << 40, (1 << 63) - 1]));
        scene.at(kind, at, Action::Frame(huge));
    } else if dice.chance(1, 2) {
        let over = usize::try_from(dice.below(3)).unwrap_or(0);
        let text = filler(limit - 1 + over);
        scene.at(kind, at, Action::Text(text));
    } else {
        let half = limit / 2 + 1;
        scene.at(
            kind,
            at,
            Action::Frame(frame(false, BINARY, vec![b' '; half])),
        );
        scene.at(
            kind,
            at,
            Action::Frame(frame(true, CONTINUATION, vec![b' '; half])),
        );
    }
}

/// Pings, Pongs, and missing ones.
fn pings(kind: FaultKind, at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    match kind {
        FaultKind::Pings => {
            let storm = if dice.chance(1, 6) { 300 } else { 4 };
            for n in 0..dice.between(1, storm) {
                let payload = match dice.below(4) {
                    0 => Bytes::new(),
                    1 => Bytes::from(vec![b'p'; 125]),
                    _ => Bytes::from(n.to_string()),
                };
                scene.at(kind, at, Action::Ping(payload));
            }
        }
        FaultKind::StrayPongs => {
            for _ in 0..dice.between(1, 3) {
                let payload = dice.pick(&["", "stray", "1", "2", "0"]);
                scene.at(
                    kind,
                    at,
                    Action::Pong(Bytes::from_static(payload.as_bytes())),
                );
            }
        }
        FaultKind::PongsWithheld => {
            let span = scene.span(dice, at);
            scene.state(kind, at, Action::Pongs(Pongs::Withheld), span);
        }
        FaultKind::PongsLate => {
            let span = scene.span(dice, at);
            let late = dice.log_time(Micros(100), Micros::from_ms(8_000));
            scene.state(kind, at, Action::Pongs(Pongs::Delayed(late)), span);
        }
        _ => {}
    }
}

/// A heartbeat of exactly this many bytes.
fn filler(bytes: usize) -> String {
    let (head, tail) = (r#"{"event":"heartbeat","pad":""#, r#""}"#);
    let pad = bytes.saturating_sub(head.len() + tail.len());
    format!("{head}{}{tail}", "x".repeat(pad))
}
