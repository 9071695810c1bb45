//! Faults of connects.

use wstape_tape::{Action, After, Down, End, Micros, Partition, Step, TlsFault};

use super::dice::Dice;
use super::scene::Scene;
use crate::case::DIAL_KEY;
use crate::extension::raw;
use crate::fault::FaultKind;
use serde_json::value::RawValue;

pub(super) fn draw(kind: FaultKind, at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let span = scene.span(dice, at);
    match kind {
        FaultKind::Down => {
            let span = scene.outage(dice, at);
            scene.state(kind, at, Action::Down(Down::Refuses), span);
        }
        FaultKind::DialStall if dice.chance(1, 2) => {
            scene.state(kind, at, Action::Down(Down::Pends), span);
            redial(at, dice, scene);
        }
        FaultKind::DialStall => {
            let takes = scene.span(dice, at);
            dial_takes(kind, at, takes, scene);
            dial_takes(
                kind,
                Micros(at.0.saturating_add(span.0)),
                Micros::ZERO,
                scene,
            );
            redial(at, dice, scene);
        }
        FaultKind::Hang => {
            let span = scene.outage(dice, at);
            scene.state(kind, at, Action::Hang(true), span);
            redial(at, dice, scene);
        }
        FaultKind::EndBeforeAnswer => {
            let trigger = Scene::on_connect(dice, After::Time(Micros::ZERO));
            let end = dice.pick(&[End::Fin, End::Reset]);
            scene.put(kind, Step::new(trigger, Action::Drop(end)));
            redial(at, dice, scene);
        }
        FaultKind::Tls => {
            let fault = dice.pick(&[
                TlsFault::Untrusted,
                TlsFault::Expired,
                TlsFault::WrongHost,
                TlsFault::Stalled,
            ]);
            let span = scene.outage(dice, at);
            scene.state(kind, at, Action::Tls(Some(fault)), span);
            redial(at, dice, scene);
        }
        FaultKind::SlowAnswer | FaultKind::PartitionNew => {
            let which = match kind {
                FaultKind::SlowAnswer => Partition::ToClient,
                _ => Partition::Both,
            };
            let trigger = Scene::on_connect(dice, After::Time(Micros::ZERO));
            let mut step = Step::new(trigger, Action::Partition(which));
            step.for_us = Some(span);
            scene.put(kind, step);
            redial(at, dice, scene);
        }
        _ => {}
    }
}

/// Ends open connections now and then, so that the subscriber dials.
pub(super) fn redial(at: Micros, dice: &mut Dice, scene: &mut Scene<'_>) {
    let action = match dice.below(4) {
        0 => return,
        1 => Action::Drop(End::Fin),
        2 => Action::Drop(End::Reset),
        _ => Action::Close(Some(wstape_tape::CloseFrame {
            code: 1012,
            reason: String::new(),
        })),
    };
    // Not a fault of this kind, and not counted as one: it only makes the subscriber meet one.
    scene.steps.push(Step::at(at, action));
}

fn dial_takes(kind: FaultKind, at: Micros, takes: Micros, scene: &mut Scene<'_>) {
    let mut step = Step::at(at, Action::Mark("dial".to_owned()));
    let takes = RawValue::from_string(takes.to_ms_text()).unwrap_or_else(|_| raw(0));
    step.extensions.push((DIAL_KEY.to_owned(), takes));
    scene.put(kind, step);
}
