//! Steps and tapes drawn at random, within what the format allows.

mod actions;
mod triggers;
mod values;

use chrono::DateTime;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use wstape_tape::{
    Action, After, Answers, CONNECTIONS, Conn, DIALOGUE, Direction, Header, Micros, Pongs, Step,
    Tape, Trigger, Whose,
};

use self::actions::action;
use self::triggers::trigger;
use self::values::{extensions, micros, text};

/// A step that the format allows: its keys go with each other.
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

/// Whether an action has an effect on a connection that already got its 101.
fn may_be_heard(action: &Action) -> bool {
    let before = matches!(
        action,
        Action::Answers(_) | Action::Received(_) | Action::Http(_)
    );
    !before && !action.is_used_up()
}

fn header() -> impl Strategy<Value = Header> {
    // Years of four digits are all that RFC 3339 has.
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

/// A tape with its steps in an order that the format allows.
pub(super) fn tape() -> impl Strategy<Value = Tape> {
    (header(), vec(step(), 0..12)).prop_map(|(header, mut steps)| {
        // A tape with held answers can't have dialogues or paths, and a reference needs its
        // message.
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
