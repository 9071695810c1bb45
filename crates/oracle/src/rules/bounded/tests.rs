//! Histories that keep the bounds, and ones that break them by the smallest step.

use serde_json::{Value, json};

use super::*;
use crate::view::Mirror;

const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn judge() -> Bounded {
    Bounded::new(Bounds::default(), Some(Micros::ZERO))
}

fn ms(ms: u64) -> Micros {
    Micros::from_ms(ms)
}

fn open(judge: &mut Bounded, at: Micros, dial: u64) {
    judge.dial(at, dial);
    judge.wrote(at, dial, REQUEST, &mut Vec::new());
    judge.read(at, dial, ANSWER);
}

fn broken(judge: &Bounded) -> Vec<Rule> {
    judge.violations().iter().map(|v| v.rule).collect()
}

#[test]
fn a_twenty_first_dial_within_a_second_is_a_storm_and_told_once() {
    for (gap_ms, expected) in [(51, vec![]), (49, vec![Rule::R3]), (0, vec![Rule::R3])] {
        let mut judge = judge();
        for n in 0..40 {
            judge.dial(ms(n * gap_ms), n + 1);
            judge.dial_refused(ms(n * gap_ms), n + 1);
        }
        assert_eq!(broken(&judge), expected, "a gap of {gap_ms} ms");
    }
}

#[test]
fn an_end_wants_a_dial_within_the_bound_and_a_shutdown_wants_none() {
    let mut judge = judge();
    judge.dial(ms(0), 1);
    judge.dial_refused(ms(0), 1);
    assert_eq!(judge.next_look(), Some(Micros(120_000_001)));
    judge.look(ms(120_000), View::default());
    assert_eq!(broken(&judge), []);
    judge.look(Micros(120_000_001), View::default());
    assert_eq!(broken(&judge), [Rule::R2]);

    let mut stopped = self::judge();
    stopped.dial(ms(0), 1);
    stopped.dial_refused(ms(0), 1);
    stopped.shutdown(ms(1));
    stopped.stopped(ms(1), true);
    stopped.look(ms(500_000), View::default());
    assert_eq!(broken(&stopped), []);
    stopped.dial(ms(500_000), 2);
    assert_eq!(broken(&stopped), [Rule::R5]);
}

#[test]
fn two_connections_at_a_time_are_one_too_many_unless_the_older_has_ended() {
    let mut judge = judge();
    open(&mut judge, ms(0), 1);
    judge.read_end(ms(10), 1, false);
    judge.dial(ms(20), 2);
    assert_eq!(broken(&judge), [], "a stream may be held a little longer");
    judge.dial(ms(500), 3);
    assert_eq!(judge.next_look(), Some(Micros(510_001)));
    judge.look(ms(510), View::default());
    assert_eq!(
        broken(&judge),
        [],
        "a task that was aborted has not run yet"
    );
    judge.look(Micros(510_001), View::default());
    assert_eq!(broken(&judge), [Rule::R1]);
    judge.look(ms(20_000), View::default());
    assert_eq!(broken(&judge), [Rule::R1], "it is told once");
}

#[test]
fn a_connection_that_is_dropped_as_the_next_dial_begins_is_not_beside_it() {
    let mut judge = judge();
    open(&mut judge, ms(0), 1);
    open(&mut judge, ms(30_000), 2);
    judge.dropped(Micros(30_000_400), 1);
    judge.read(ms(31_000), 2, &[0x81, 1, b'x']);
    judge.look(ms(600_000), View::default());
    assert_eq!(broken(&judge), [], "nor does it want another dial");
}

#[test]
fn pings_and_closes_want_answers_while_anybody_can_hear_them() {
    let ping = [0x89, 2, b'h', b'i'];
    let close = [0x88, 2, 0x03, 0xe8];
    let answer = [0x8a, 0x82, 0, 0, 0, 0, b'h', b'i'];
    let mut answered = judge();
    open(&mut answered, ms(0), 1);
    answered.read(ms(1), 1, &ping);
    answered.wrote(ms(9_000), 1, &answer, &mut Vec::new());
    answered.look(ms(60_000), View::default());
    assert_eq!(broken(&answered), []);

    for frame in [&ping[..], &close] {
        let mut silent = judge();
        open(&mut silent, ms(0), 1);
        silent.read(ms(1), 1, frame);
        silent.look(ms(10_002), View::default());
        assert_eq!(broken(&silent), [Rule::R7]);
        let mut gone = judge();
        open(&mut gone, ms(0), 1);
        gone.read(ms(1), 1, frame);
        gone.read_end(ms(2), 1, true);
        gone.dropped(ms(3), 1);
        gone.dial(ms(500), 2);
        gone.look(ms(60_000), View::default());
        assert_eq!(broken(&gone), [], "nobody can hear an answer");
    }

    let mut rude = judge();
    open(&mut rude, ms(0), 1);
    rude.read(ms(1), 1, &close);
    rude.dropped(ms(2), 1);
    assert_eq!(broken(&rude), [Rule::R7]);
}

#[test]
fn once_faults_are_over_something_must_come() {
    let mut blind = Bounded::new(Bounds::default(), Some(ms(5_000)));
    open(&mut blind, ms(0), 1);
    blind.look(ms(245_000), View::default());
    assert_eq!(broken(&blind), [Rule::R11]);
    let mut back = Bounded::new(Bounds::default(), Some(ms(5_000)));
    open(&mut back, ms(0), 1);
    back.read(ms(5_000), 1, &[0x81, 1, b'x']);
    back.look(ms(245_000), View::default());
    assert_eq!(broken(&back), []);
}

#[test]
fn what_never_dials_is_told_at_the_end() {
    let found = judge().finish(ms(1));
    assert_eq!(found.violations[0].rule, Rule::R2);

    let mut stopped_at_once = judge();
    stopped_at_once.shutdown(ms(0));
    stopped_at_once.stopped(ms(0), true);
    assert_eq!(stopped_at_once.finish(ms(9)).violations, []);
}

/// A mirror that shows this.
struct Shows(Value);

impl Mirror for Shows {
    fn json(&self) -> Value {
        self.0.clone()
    }
}

#[test]
fn a_message_in_one_piece_with_an_odd_answer_is_one_that_may_show() {
    // A 101 with an extension that nobody asked for, or a control byte in its head: some clients
    // accept it, others refuse.
    let answer = String::from_utf8_lossy(ANSWER);
    let extended = answer.replace(
        "Upgrade: websocket",
        "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: websocket",
    );
    let spoiled = answer.replace("HTTP/1.1 101 S", "HTTP/1.1 101 \u{13}");
    assert_ne!(spoiled, answer);
    for (odd, shown) in [extended, spoiled]
        .iter()
        .flat_map(|odd| [(odd, json!(["x"])), (odd, json!([]))])
    {
        let with_message = [odd.as_bytes(), &[0x81, 1, b'x']].concat();
        let model = Fold::new(json!([]), |mirror, message| {
            mirror.as_array_mut().is_some_and(|all| {
                all.push(json!(message));
                true
            })
        });
        let mut judge = judge().model(Some(model));
        judge.dial(ms(0), 1);
        judge.wrote(ms(0), 1, REQUEST, &mut Vec::new());
        judge.read(ms(1), 1, &with_message);
        let mirror = Shows(shown.clone());
        let view = View {
            mirror: Some(&mirror),
            record: None,
        };
        judge.look(ms(1), view);
        if shown == json!([]) {
            judge.dropped(ms(2), 1);
            judge.dial(ms(500), 2);
            judge.look(ms(600), view);
        }
        assert_eq!(broken(&judge), [], "{odd} {shown}");
    }
}

#[test]
fn a_message_of_bytes_need_not_show_where_text_alone_is_read_and_text_must() {
    let pushes = || {
        Fold::new(json!([]), |mirror, message| {
            mirror.as_array_mut().is_some_and(|all| {
                all.push(json!(message));
                true
            })
        })
    };
    let bytes: &[u8] = &[0x82, 1, b'x'];
    let text: &[u8] = &[0x81, 1, b'x'];
    for (model, message, expected) in [
        (pushes(), bytes, vec![Rule::R9]),
        (pushes().text_alone(), bytes, vec![]),
        (pushes().text_alone(), text, vec![Rule::R9]),
    ] {
        let mut judge = judge().model(Some(model));
        open(&mut judge, ms(0), 1);
        judge.read(ms(1), 1, message);
        let mirror = Shows(json!([]));
        let view = View {
            mirror: Some(&mirror),
            record: None,
        };
        for at in [1, 200] {
            judge.look(ms(at), view);
        }
        assert_eq!(broken(&judge), expected, "{message:?}");
    }
}
