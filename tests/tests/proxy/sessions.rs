//! Single sessions, and their tapes line by line.

use wstape_tape::Micros;

use crate::world::{Say, TOKEN, Visit, masked, parsed, played, recorded, tape};

const END: Micros = Micros::from_ms(3_000);

/// Returns the tape of a session without its header and its first and last steps.
fn lines(steps: &[&str], visits: &[Visit]) -> Vec<String> {
    let (before, text) = recorded(&tape(steps), visits, END);
    assert!(!text.contains(TOKEN), "{text}");
    let after = played(&parsed(&text), visits, END);
    assert_eq!(before, after, "{text}");
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines[1], r#"{"at_ms":0,"answers":"held"}"#);
    assert_eq!(
        lines.last().expect("lines"),
        r#"{"at_ms":3000.001,"end":true}"#
    );
    lines[2..lines.len() - 1].to_vec()
}

fn visit(at_ms: u64, says: Vec<(u64, Say)>) -> Visit {
    Visit {
        at: Micros::from_ms(at_ms),
        says: says
            .into_iter()
            .map(|(at_ms, say)| (Micros::from_ms(at_ms), say))
            .collect(),
    }
}

/// Leaves out what every handshake records.
fn brief(lines: Vec<String>) -> Vec<String> {
    let is_handshake = |line: &String| line.contains(r#""kind":"open""#) || line.contains("accept");
    lines
        .into_iter()
        .filter(|line| !is_handshake(line))
        .collect()
}

#[test]
fn a_handshake_is_kept_without_its_secrets() {
    let found = lines(&[], &[visit(5, Vec::new())]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with(
        r#"{"at_ms":5,"conn":1,"received":{"kind":"open","path":"/ws","headers":{"host":"engine","authorization":"Bearer redacted-"#
    ));
    assert!(!found[0].contains("sec-websocket-key"));
    assert!(
        found[1].starts_with(r#"{"at_ms":5,"conn":1,"accept":{"#),
        "{found:?}"
    );
    assert!(!found[1].contains("sec-websocket-accept"));
}

#[test]
fn both_directions_of_several_connections_are_told_apart() {
    let visits = [
        visit(1, vec![(30, Say::Bytes(masked(0x81, b"hello")))]),
        visit(2, vec![(40, Say::Bytes(masked(0x89, b"p")))]),
    ];
    let steps = [
        r#"{"at_ms":10,"emit":{"event":"to all"}}"#,
        r#"{"at_ms":20,"conn":2,"text":"to one"}"#,
    ];
    assert_eq!(
        brief(lines(&steps, &visits)),
        [
            r#"{"at_ms":10,"conn":1,"emit":{"event":"to all"}}"#,
            r#"{"at_ms":10,"conn":2,"emit":{"event":"to all"}}"#,
            r#"{"at_ms":20,"conn":2,"text":"to one"}"#,
            r#"{"at_ms":30,"conn":1,"received":{"kind":"text","text":"hello"}}"#,
            r#"{"at_ms":40,"conn":2,"received":{"kind":"ping","text":"p"}}"#,
        ]
    );
}

#[test]
fn each_way_to_end_is_told_and_carried_over() {
    let visits = [
        visit(1, Vec::new()),
        visit(2, Vec::new()),
        visit(3, vec![(30, Say::Fin)]),
        visit(4, vec![(40, Say::Reset)]),
        visit(5, vec![(60, Say::Bytes(masked(0x88, b"\x03\xe8")))]),
    ];
    let steps = [
        r#"{"at_ms":10,"conn":1,"drop":"fin"}"#,
        r#"{"at_ms":20,"conn":2,"drop":"reset"}"#,
        r#"{"at_ms":50,"conn":5,"close":{"code":1001,"reason":"bye"}}"#,
    ];
    let found = brief(lines(&steps, &visits));
    for line in [
        r#"{"at_ms":10,"conn":1,"drop":"fin"}"#,
        r#"{"at_ms":20,"conn":2,"drop":"reset"}"#,
        r#"{"at_ms":30,"conn":3,"received":{"kind":"fin"}}"#,
        r#"{"at_ms":40,"conn":4,"received":{"kind":"reset"}}"#,
        r#"{"at_ms":50,"conn":5,"close":{"code":1001,"reason":"bye"}}"#,
        r#"{"at_ms":60,"conn":5,"received":{"kind":"close","code":1000}}"#,
        r#"{"at_ms":60,"conn":5,"drop":"fin"}"#,
    ] {
        assert!(found.contains(&line.to_owned()), "{line}: {found:#?}");
    }
}

#[test]
fn refusals_and_answers_that_are_no_http_are_kept() {
    let visits = [1, 101, 201, 301].map(|at_ms| visit(at_ms, Vec::new()));
    let steps = [
        r#"{"at_ms":0,"refuse":{"status":503,"headers":{"retry-after":"2"}},"times":1}"#,
        r#"{"at_ms":100,"garbage":{"text":"SSH-2.0-x","then":"reset"},"times":1}"#,
        r#"{"at_ms":200,"garbage":{"text":"HTTP/1.1 101 Sw","then":"fin"},"times":1}"#,
    ];
    let found = brief(lines(&steps, &visits));
    assert!(
        found[0].starts_with(
            r#"{"at_ms":1,"conn":1,"refuse":{"status":503,"headers":{"retry-after":"2""#
        )
    );
    for line in [
        r#"{"at_ms":101,"conn":2,"garbage":"SSH-2.0-x"}"#,
        r#"{"at_ms":101,"conn":2,"drop":"reset"}"#,
        r#"{"at_ms":201,"conn":3,"garbage":{"text":"HTTP/1.1 101 Sw","then":"fin"}}"#,
    ] {
        assert!(found.contains(&line.to_owned()), "{line}: {found:#?}");
    }
}

#[test]
fn an_engine_that_cannot_be_reached_is_a_reset_and_says_why() {
    let visits = [visit(5, Vec::new()), visit(50, Vec::new())];
    let steps = [r#"{"at_ms":0,"down":true}"#, r#"{"at_ms":20,"down":false}"#];
    let found = brief(lines(&steps, &visits));
    assert_eq!(
        found,
        [
            r#"{"at_ms":5,"mark":"connection 1: reset, because the engine could not be reached: connection refused"}"#,
            r#"{"at_ms":5,"conn":1,"drop":"reset"}"#,
        ]
    );
}

#[test]
fn a_frame_that_an_end_cuts_is_bytes() {
    let steps = [
        r#"{"at_ms":10,"conn":1,"bytes":"gQpoYWxm"}"#,
        r#"{"at_ms":20,"conn":1,"drop":"fin"}"#,
    ];
    // That it is cut is only known once it is, so the replay has it later.
    let (_, text) = recorded(&tape(&steps), &[visit(1, Vec::new())], END);
    let found = brief(text.lines().map(str::to_owned).collect());
    let line = r#"{"at_ms":20,"conn":1,"bytes":"gQpoYWxm"}"#;
    assert!(found.contains(&line.to_owned()), "{found:#?}");
}
