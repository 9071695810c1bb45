//! Clients that ping, with different payloads each time: what a tape of that plays to them.

use wstape_tape::{Micros, Step};

use crate::world::{Saw, Say, Visit, masked, parsed, played, recorded, tape};

/// When clients ping: every 20 s, as some libraries do by default.
const PINGS_AT_S: [u64; 4] = [20, 40, 60, 80];
const END: Micros = Micros::from_ms(90_000);

/// Returns a client that dials at once, then pings this many milliseconds late, with payloads that
/// begin with a letter of its own.
fn client(letter: char, late_ms: u64) -> Visit {
    let ping = |second: u64| {
        let payload = format!("{letter}{second}");
        let say = Say::Bytes(masked(0x89, payload.as_bytes()));
        (Micros::from_ms(second * 1_000 + late_ms), say)
    };
    Visit {
        at: Micros::from_ms(10),
        says: PINGS_AT_S.into_iter().map(ping).collect(),
    }
}

/// Returns the payloads of the Pongs that came.
fn pongs(saw: &Saw) -> Vec<String> {
    let bytes = saw.all_bytes();
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == 0x8a);
    let payload = |at: usize| &bytes[at + 2..at + 2 + usize::from(bytes[at + 1])];
    starts
        .map(|(at, _)| String::from_utf8_lossy(payload(at)).into_owned())
        .collect()
}

/// Returns what a client gets from the engine that plays these steps, what a similar client gets
/// from the tape recorded of that, and that tape's steps without its handshakes.
fn recorded_and_played(steps: &[&str], late_ms: u64) -> (Vec<String>, Vec<String>, Vec<String>) {
    let (before, text) = recorded(&tape(steps), &[client('a', 0)], END);
    let after = played(&parsed(&text), &[client('b', late_ms)], END);
    let lines = parsed(&text).steps.iter().map(Step::to_canonical).collect();
    (pongs(&before[0]), pongs(&after[0]), lines)
}

#[test]
fn the_client_that_was_recorded_has_its_pings_answered_by_the_tape() {
    let (before, after, lines) = recorded_and_played(&[], 0);
    assert_eq!(before, ["a20", "a40", "a60", "a80"]);
    assert_eq!(after, ["b20", "b40", "b60", "b80"]);
    let about = |line: &&String| line.contains("pong");
    assert_eq!(lines.iter().find(about), None);
}

#[test]
fn pings_that_went_unanswered_do_so_again_and_no_others() {
    let steps = [
        r#"{"at_ms":30000,"pongs":"withheld"}"#,
        r#"{"at_ms":40500,"emit":{"event":"still here"}}"#,
        r#"{"at_ms":70000,"pongs":"auto"}"#,
    ];
    for late_ms in [0, 300] {
        let (before, after, lines) = recorded_and_played(&steps, late_ms);
        assert_eq!(before, ["a20", "a80"]);
        assert_eq!(after, ["b20", "b80"]);
        let said: Vec<_> = lines.iter().filter(|line| line.contains("pongs")).collect();
        assert_eq!(
            said,
            [
                r#"{"at_ms":39000,"conn":1,"pongs":"withheld"}"#,
                r#"{"at_ms":79000,"conn":1,"pongs":"auto"}"#
            ]
        );
    }
}

#[test]
fn a_ping_is_on_the_tape_soon_after_though_nothing_follows_it() {
    let steps = [r#"{"at_ms":0,"pongs":"withheld"}"#];
    let ping = Visit {
        at: Micros::from_ms(10),
        says: vec![(Micros::from_ms(20_000), Say::Bytes(masked(0x89, b"a")))],
    };
    let (_, text) = recorded(&tape(&steps), &[ping], END);
    assert!(
        text.contains(r#"{"at_ms":19000,"conn":1,"pongs":"withheld"}"#),
        "{text}"
    );
}

#[test]
fn a_tape_of_old_whose_pongs_are_steps_still_plays() {
    let steps = [
        r#"{"at_ms":0,"pongs":"withheld"}"#,
        r#"{"at_ms":0,"answers":"held"}"#,
        r#"{"at_ms":10,"conn":1,"accept":{}}"#,
        r#"{"at_ms":20001,"conn":1,"pong":"b20"}"#,
    ];
    let saw = played(&tape(&steps), &[client('b', 0)], END);
    assert_eq!(pongs(&saw[0]), ["b20"]);
}
