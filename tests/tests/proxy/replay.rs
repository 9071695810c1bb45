//! A random session, recorded and then replayed, equals the original.

use proptest::collection::vec;
use proptest::prelude::*;
use wstape_tape::{Action, CloseFrame, Conn, End, Header, Micros, RawFrame, Step, Tape};

use crate::world::{Saw, Say, TOKEN, Visit, masked, parsed, played, recorded};

/// The connections of a session.
const CONNECTIONS: u64 = 3;
/// When a session is over, including its last waits.
const END: Micros = Micros::from_ms(9_000);
/// How much later the late clients dial.
const LATER: Micros = Micros::from_ms(9_000);

/// What an engine sends.
#[derive(Debug, Clone)]
enum Sent {
    /// These steps, at one time.
    Steps(Vec<Action>),
    /// A message in fragments, with a Ping between each two, step by step.
    Fragments(u8, Vec<Vec<u8>>),
}

fn frame(fin: bool, rsv: u8, opcode: u8, payload: Vec<u8>) -> Action {
    Action::Frame(RawFrame {
        fin,
        rsv,
        opcode,
        mask: None,
        payload: payload.into(),
        declared_len: None,
    })
}

fn json() -> impl Strategy<Value = String> {
    ("[a-z]{1,8}", any::<i64>(), ".{0,20}").prop_map(|(event, number, text)| {
        let text = serde_json::to_string(&text).expect("a string");
        format!(r#"{{"event": "{event}","data":{{"n":{number}, "text" :{text}}} }}"#)
    })
}

fn message() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => json().prop_map(|json| Action::Emit(json.into())),
        2 => any::<String>().prop_map(Action::Text),
        1 => json().prop_map(|json| Action::Text(format!("{json}\n"))),
        2 => vec(any::<u8>(), 0..400).prop_map(|bytes| Action::Binary(bytes.into())),
        1 => vec(any::<u8>(), 0..125).prop_map(|bytes| Action::Ping(bytes.into())),
        1 => vec(any::<u8>(), 0..125).prop_map(|bytes| Action::Pong(bytes.into())),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let close = (any::<u16>(), ".{0,20}").prop_map(|(code, reason)| CloseFrame { code, reason });
    let end = prop_oneof![
        proptest::option::of(close).prop_map(Action::Close),
        Just(Action::Drop(End::Fin)),
        Just(Action::Drop(End::Reset)),
    ];
    // A Close among them would be a Close in the tape, and an engine that plays it ends a
    // connection that it has closed if nobody answers.
    let opcode = (0..16_u8).prop_filter("a Close", |opcode| *opcode != 8);
    let odd = (any::<bool>(), 0..8_u8, opcode, vec(any::<u8>(), 0..140))
        .prop_map(|(fin, rsv, opcode, payload)| frame(fin, rsv, opcode, payload));
    prop_oneof![
        12 => vec(message(), 1..4).prop_map(Sent::Steps),
        3 => (1..3_u8, vec(vec(any::<u8>(), 0..90), 2..5))
            .prop_map(|(opcode, parts)| Sent::Fragments(opcode, parts)),
        1 => odd.prop_map(|odd| Sent::Steps(vec![odd])),
        1 => vec(any::<u8>(), 1..40).prop_map(|bytes| Sent::Steps(vec![Action::Bytes(bytes.into())])),
        1 => end.prop_map(|end| Sent::Steps(vec![end])),
    ]
}

/// Returns an engine's side of a session: what it sends on which connection, each some time after
/// the one before.
fn tape() -> impl Strategy<Value = Tape> {
    vec((1..60_u64, 1..=CONNECTIONS, sent()), 1..40).prop_map(|all| {
        let mut tape = Tape::new(Header::default(), Vec::new());
        // All clients have dialled by then.
        let mut at = Micros::from_ms(100);
        let mut push = |at: Micros, conn, action| {
            let mut step = Step::at(at, action);
            step.conn = Conn::Nth(conn);
            tape.push(step);
        };
        for (gap, conn, sent) in all {
            at = Micros(at.0 + Micros::from_ms(gap).0);
            match sent {
                Sent::Steps(actions) => {
                    for action in actions {
                        push(at, conn, action);
                    }
                }
                Sent::Fragments(opcode, parts) => {
                    let last = parts.len() - 1;
                    for (n, part) in parts.into_iter().enumerate() {
                        let opcode = if n == 0 { opcode } else { 0 };
                        push(at, conn, frame(n == last, 0, opcode, part));
                        push(at, conn, Action::Ping("between".into()));
                        at = Micros(at.0 + 1_500);
                    }
                }
            }
        }
        tape
    })
}

fn say() -> impl Strategy<Value = Say> {
    prop_oneof![
        6 => "[ -~é]{0,30}".prop_map(|text| Say::Bytes(masked(0x81, text.as_bytes()))),
        3 => vec(any::<u8>(), 0..60).prop_map(|bytes| Say::Bytes(masked(0x89, &bytes))),
        2 => vec(any::<u8>(), 0..60).prop_map(|bytes| Say::Bytes(masked(0x82, &bytes))),
        1 => Just(Say::Bytes([masked(0x01, b"in "), masked(0x80, b"two")].concat())),
        1 => Just(Say::Bytes(masked(0x88, b"\x03\xe8bye"))),
        1 => Just(Say::Fin),
        1 => Just(Say::Reset),
    ]
}

/// Returns what the clients do; the first of them dials first.
fn clients() -> impl Strategy<Value = Vec<Visit>> {
    let one = vec((1..400_u64, say()), 0..6);
    vec(one, usize::try_from(CONNECTIONS).expect("few")).prop_map(|all| {
        let dialing = all.into_iter().zip(1..);
        let visits = dialing.map(|(says, number)| {
            let mut at = Micros::from_ms(110);
            let says = says.into_iter().map(|(gap, say)| {
                // Never at the time of an engine's step, because either could come first.
                at = Micros(at.0 + Micros::from_ms(gap).0 + 7);
                (at, say)
            });
            Visit {
                at: Micros::from_ms(10 * number),
                says: says.collect(),
            }
        });
        visits.collect()
    })
}

/// Whether all of the engine's bytes are frames. Other bytes are recorded only once it is known
/// that they are not.
fn all_frames(tape: &Tape) -> bool {
    !tape
        .steps
        .iter()
        .any(|step| matches!(step.action, Action::Bytes(_)))
}

/// Whether bytes that are not a frame have made a Close of what follows them: they may declare a
/// length that ends within another frame. For the tape such a Close is like one among the frames.
fn made_a_close(tape: &Tape, visits: &[Visit], recorded: &Tape) -> bool {
    let closes = |tape: &Tape| {
        let closes = |step: &&Step| matches!(step.action, Action::Close(_));
        tape.steps.iter().filter(closes).count()
    };
    let says = visits.iter().flat_map(|visit| &visit.says);
    // Each of these Closes is answered with one.
    let said = says.filter(|(_, say)| matches!(say, Say::Bytes(bytes) if bytes[0] == 0x88));
    !all_frames(tape) && closes(recorded) > closes(tape) + said.count()
}

/// Compares what a client saw, except for what may differ: a reset overtakes what was sent before
/// it, and what is not a frame may come too late for a client that has reset.
fn assert_same(visit: &Visit, before: &Saw, after: &Saw, times: bool) -> Result<(), TestCaseError> {
    prop_assert_eq!(&before.answer, &after.answer);
    let ends = |saw: &Saw| saw.end.map(|(at, how)| (times.then_some(at), how));
    prop_assert_eq!(ends(before), ends(after));
    let resets = visit.says.iter().any(|(_, say)| matches!(say, Say::Reset));
    let was_reset = before.end.is_some_and(|(_, how)| how == "reset");
    if was_reset || (resets && !times) {
        let (before, after) = (before.all_bytes(), after.all_bytes());
        prop_assert!(before.starts_with(&after), "{:?}\n{:?}", before, after);
    } else if times {
        prop_assert_eq!(&before.bytes, &after.bytes);
    } else {
        prop_assert_eq!(before.all_bytes(), after.all_bytes());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn recorded_then_replayed_equals_the_original(tape in tape(), visits in clients()) {
        let direct = played(&tape, &visits, END);
        let (before, text) = recorded(&tape, &visits, END);
        for (visit, (direct, proxied)) in visits.iter().zip(direct.iter().zip(&before)) {
            assert_same(visit, direct, proxied, true)?;
        }
        prop_assert!(!text.contains(TOKEN) && !text.contains("adalovelace") && !text.contains("passw0rd"));
        let again = parsed(&text);
        prop_assume!(!made_a_close(&tape, &visits, &again));
        // What is cut off by the recording's end is played at its end.
        let after = played(&again, &visits, Micros(END.0 + 1_000));
        for (visit, (before, after)) in visits.iter().zip(before.iter().zip(&after)) {
            assert_same(visit, before, after, all_frames(&tape))?;
        }
    }

    #[test]
    fn a_client_that_dials_later_gets_the_same(tape in tape()) {
        let visits: Vec<_> = (1..=CONNECTIONS)
            .map(|number| Visit { at: Micros::from_ms(10 * number), says: Vec::new() })
            .collect();
        let (before, text) = recorded(&tape, &visits, END);
        let mut again = parsed(&text);
        prop_assume!(!made_a_close(&tape, &visits, &again));
        // The recording's end is the engine's, but a late client must get everything all the same.
        again.steps.retain(|step| step.action != Action::End);
        let late: Vec<_> = visits
            .into_iter()
            .map(|visit| Visit { at: Micros(visit.at.0 + LATER.0), ..visit })
            .collect();
        let after = played(&again, &late, Micros(2 * END.0));
        for (visit, (before, after)) in late.iter().zip(before.iter().zip(&after)) {
            assert_same(visit, before, after, false)?;
        }
    }
}
