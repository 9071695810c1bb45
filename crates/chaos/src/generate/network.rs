//! Faults of the network, once a connection is established.

use wstape_tape::{
    Action, After, Conn, Corruption, Direction, Distribution, End, Latency, Micros, Partition,
    Reading, Step,
};

use super::dice::Dice;
use super::scene::Scene;
use crate::fault::FaultKind;

/// Bytes per second below which one of the engine's messages takes a second or more, and trickles
/// in.
const SLOW_BELOW: u64 = 400;
/// How many Pongs of 125 bytes fill the buffer that a link has for a client's bytes.
const LINK_FULL_OF_PONGS: u64 = 500;

pub(super) fn draw(kind: FaultKind, at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let span = scene.span(dice, at);
    match kind {
        FaultKind::Reset => scene.at(kind, at, Action::Drop(End::Reset)),
        FaultKind::Fin => scene.at(kind, at, Action::Drop(End::Fin)),
        FaultKind::Cut => {
            let after = match dice.below(4) {
                0 => After::Frames(dice.between(1, 5)),
                _ => After::Bytes(scene.cut(dice)),
            };
            let end = dice.pick(&[End::Fin, End::Reset]);
            let trigger = Scene::on_connect(dice, after);
            scene.put(kind, Step::new(trigger, Action::Drop(end)));
        }
        FaultKind::HalfClose => scene.at(kind, at, Action::HalfClose),
        FaultKind::StopsReading => {
            let room = u32::try_from(dice.log(1, 256) - 1).unwrap_or(0);
            let reading = dice.pick(&[Reading::Off, Reading::Room { bytes: room }]);
            scene.state(kind, at, Action::Reading(reading), span);
        }
        FaultKind::IdleDrop => {
            let after = scene.span(dice, at);
            scene.state(kind, at, Action::IdleDrop(Some(after)), span);
        }
        FaultKind::Corrupt => corrupt(span, dice, scene),
        FaultKind::Partition => {
            scene.state(kind, at, Action::Partition(Partition::Both), span);
        }
        FaultKind::PartitionEstablished => {
            let mut step = Step::at(at, Action::Partition(Partition::Both));
            step.conn = Conn::Nth(dice.pick(&[1, 1, 2, 2, 3, 4]));
            step.for_us = Some(span);
            scene.put(kind, step);
        }
        FaultKind::PartitionToClient => {
            scene.state(kind, at, Action::Partition(Partition::ToClient), span);
        }
        FaultKind::PartitionFromClient => {
            if dice.chance(1, 4) {
                stalled_write(at, dice, scene);
            } else {
                scene.state(kind, at, Action::Partition(Partition::FromClient), span);
            }
        }
        FaultKind::Latency => {
            let latency = Latency {
                base: dice.log_time(Micros(100), Micros::from_ms(4_000)),
                jitter: Micros::ZERO,
                distribution: Distribution::Uniform,
            };
            condition(kind, at, Action::Latency(latency), span, dice, scene);
        }
        FaultKind::Bandwidth => {
            // Now and then so slow that one message takes seconds.
            let rate = if dice.chance(1, 3) {
                dice.log(8, SLOW_BELOW - 1)
            } else {
                dice.log(4_000, 1_000_000)
            };
            let action = Action::BytesPerSecond(Some(rate));
            let mut step = condition(kind, at, action, span, dice, scene);
            if rate < SLOW_BELOW {
                let slice = u32::try_from(dice.log(1, 16)).unwrap_or(1);
                step.action = Action::SliceBytes(Some(slice));
                scene.put(kind, step);
            }
        }
        FaultKind::Slices => {
            let slice = u32::try_from(dice.log(1, 256)).unwrap_or(1);
            let action = Action::SliceBytes(Some(slice));
            let span = Micros(span.0.min(5_000_000));
            condition(kind, at, action, span, dice, scene);
        }
        _ => {}
    }
}

/// Flipped bits on the way.
fn corrupt(span: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let corruption = Corruption {
        skip_bytes: dice.log(1, 1_024) - 1,
        every_bytes: dice.chance(1, 3).then(|| dice.log(1, 1_024)),
        flip: 1 << dice.below(8),
    };
    // After the 101, because two HTTP readers may disagree on what still belongs to the head.
    let after = match dice.below(3) {
        0 => After::Bytes(scene.cut(dice)),
        _ => After::Frames(dice.below(5)),
    };
    let trigger = Scene::on_connect(dice, after);
    let mut step = Step::new(trigger, Action::Corrupt(Some(corruption)));
    step.for_us = Some(span);
    step.direction = direction(dice);
    scene.put(FaultKind::Corrupt, step);
}

/// A partition from the client under more Pings than it can answer: its writes block, while
/// incoming Pings keep it from being idle.
fn stalled_write(at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let kind = FaultKind::PartitionFromClient;
    let idle = Micros::from(scene.settings.idle_timeout).0;
    let span = idle + dice.below(idle.max(1));
    let left = scene.quiet_at.0.saturating_sub(at.0).max(1);
    let span = Micros(span.min(left));
    scene.state(kind, at, Action::Partition(Partition::FromClient), span);
    for _ in 0..dice.between(LINK_FULL_OF_PONGS - 20, 2 * LINK_FULL_OF_PONGS) {
        scene.at(kind, at, Action::Ping(vec![b'p'; 125].into()));
    }
    let mut later = at.0;
    for _ in 0..6 {
        later += idle / 3;
        if later < at.0 + span.0 {
            scene.at(kind, Micros(later), Action::Ping("alive".into()));
        }
    }
}

fn condition(
    kind: FaultKind,
    at: Micros,
    action: Action,
    span: Micros,
    dice: &mut Dice,
    scene: &mut Scene<'_>,
) -> Step {
    let mut step = Step::at(at, action);
    step.for_us = Some(span);
    step.direction = direction(dice);
    scene.put(kind, step.clone());
    step
}

fn direction(dice: &mut Dice) -> Direction {
    dice.pick(&[
        Direction::Both,
        Direction::ToClient,
        Direction::ToClient,
        Direction::FromClient,
    ])
}
