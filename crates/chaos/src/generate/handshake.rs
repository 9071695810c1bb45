//! Faults of handshakes.

use bytes::Bytes;
use wstape_tape::{Accept, Action, After, End, Garbage, Micros, Refusal, Step};

use super::connect::redial;
use super::dice::Dice;
use super::scene::Scene;
use crate::fault::FaultKind;

/// Statuses of refusals.
const STATUSES: [u16; 10] = [400, 401, 403, 404, 426, 429, 500, 502, 503, 504];

/// A time that suits an event sent with the 101.
const EARLY_TS: &str = "2026-01-01T00:00:03.5Z";

pub(super) fn draw(kind: FaultKind, at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let span = scene.outage(dice, at);
    match kind {
        FaultKind::Status | FaultKind::RetryAfter => {
            let refusal = if kind == FaultKind::Status {
                Refusal::new(dice.pick(&STATUSES))
            } else {
                retry_after(at, dice)
            };
            refuse(kind, at, span, Action::Refuse(Some(refusal)), dice, scene);
        }
        FaultKind::Redirect => {
            let status = dice.pick(&[200, 301, 302, 307, 308]);
            let location = "ws://elsewhere.example/ws".to_owned();
            let accept = Accept {
                status: Some(status),
                headers: vec![("location".to_owned(), location)],
                ..Accept::default()
            };
            refuse(kind, at, span, Action::Accept(Some(accept)), dice, scene);
        }
        FaultKind::WrongUpgrade => {
            let (name, value) = dice.pick(&[
                ("sec-websocket-accept", "c29tZXRoaW5nIGVsc2U="),
                ("sec-websocket-accept", ""),
                ("upgrade", "h2c"),
                ("upgrade", ""),
                ("connection", "keep-alive"),
            ]);
            accept(kind, at, span, name, value, dice, scene);
        }
        FaultKind::Unasked => {
            let (name, value) = dice.pick(&[
                ("sec-websocket-protocol", "chat"),
                ("sec-websocket-extensions", "permessage-deflate"),
            ]);
            accept(kind, at, span, name, value, dice, scene);
        }
        FaultKind::Garbage => {
            let bytes = dice.pick(&[
                "SSH-2.0-OpenSSH_9.9\r\n",
                "HTTP/1.1 101",
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n",
                "\u{15}\u{3}\u{3}\0\u{2}",
                "HTTP/1.1 101 Switching Protocols\r\n: nameless\r\n\r\n",
                "HTTP/2.0 101 Switching Protocols\r\n\r\n",
            ]);
            let garbage = Garbage {
                bytes: Bytes::from_static(bytes.as_bytes()),
                repeat: 1,
                then: dice.pick(&[None, Some(End::Fin), Some(End::Reset)]),
            };
            refuse(kind, at, span, Action::Garbage(Some(garbage)), dice, scene);
        }
        FaultKind::EarlyFrames => early_frames(at, dice, scene),
        FaultKind::Flap => {
            let trigger = Scene::on_connect(dice, After::Frames(0));
            let action = match dice.below(3) {
                0 => Action::Drop(End::Fin),
                1 => Action::Drop(End::Reset),
                _ => Action::Close(None),
            };
            scene.put(kind, Step::new(trigger, action));
            redial(at, dice, scene);
        }
        FaultKind::WrongToken => {
            let accept = Accept {
                token: Some("another-token".to_owned()),
                ..Accept::default()
            };
            refuse(kind, at, span, Action::Accept(Some(accept)), dice, scene);
        }
        _ => {}
    }
}

/// Frames that come with the 101.
fn early_frames(at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let trigger = Scene::on_connect(dice, After::Frames(0));
    for _ in 0..dice.between(1, 3) {
        let action = match dice.below(3) {
            0 => Action::Ping(Bytes::from_static(b"early")),
            _ => Action::Text(scene.event(dice, EARLY_TS)),
        };
        scene.put(FaultKind::EarlyFrames, Step::new(trigger.clone(), action));
    }
    redial(at, dice, scene);
}

/// A refusal that asks for a wait: in seconds, as a date, absurd, or malformed.
fn retry_after(at: Micros, dice: &mut Dice) -> Refusal {
    let value = match dice.below(8) {
        0 => "0".to_owned(),
        1 => dice.pick(&["soon", "-1", "1.5", ""]).to_owned(),
        2 => "99999999999999999999".to_owned(),
        3 | 4 => {
            // 2026-01-01 is a Thursday; no case lasts into the next day.
            let seconds = at.0 / 1_000_000 + dice.below(20);
            format!(
                "Thu, 01 Jan 2026 {:02}:{:02}:{:02} GMT",
                seconds / 3_600 % 24,
                seconds / 60 % 60,
                seconds % 60
            )
        }
        _ => dice.log(1, 60).to_string(),
    };
    let status = dice.pick(&[429, 503, 503, 500]);
    Refusal {
        headers: vec![("retry-after".to_owned(), value)],
        ..Refusal::new(status)
    }
}

/// A handshake state, and something that makes the subscriber meet it.
fn refuse(
    kind: FaultKind,
    at: Micros,
    span: Micros,
    action: Action,
    dice: &mut Dice,
    scene: &mut Scene<'_>,
) {
    let mut step = Step::at(at, action);
    step.for_us = Some(span);
    if dice.chance(1, 2) {
        step.times = Some(u32::try_from(dice.between(1, 6)).unwrap_or(1));
    }
    scene.put(kind, step);
    redial(at, dice, scene);
}

fn accept(
    kind: FaultKind,
    at: Micros,
    span: Micros,
    name: &str,
    value: &str,
    dice: &mut Dice,
    scene: &mut Scene<'_>,
) {
    let accept = Accept {
        headers: vec![(name.to_owned(), value.to_owned())],
        ..Accept::default()
    };
    refuse(kind, at, span, Action::Accept(Some(accept)), dice, scene);
}
