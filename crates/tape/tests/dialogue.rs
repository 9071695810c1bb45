//! Steps of dialogues: what is read, and what is refused, and where.

use wstape_tape::{
    Action, After, MAX_DIALOGUE_STEPS, MAX_PATTERN_BYTES, Match, MessageKind, Micros, Step, Tape,
    TapeErrorKind as Kind, Trigger, WhichScene, Whose,
};

const HEADER: &str = r#"{"tape":1,"needs":["connections","dialogue"]}"#;

fn tape(lines: &[&str]) -> Result<Tape, wstape_tape::TapeError> {
    let text: String = std::iter::once(&HEADER)
        .chain(lines)
        .flat_map(|line| [line, "\n"])
        .collect();
    Tape::parse("t.jsonl", &text)
}

/// What a report says of a tape with these lines: its sentence, what the carets are under, and the
/// kind.
fn flaw(lines: &[&str]) -> (String, String, Kind) {
    let error = tape(lines).expect_err(&format!("{lines:?}"));
    let report = error.report();
    let mut rows = report.lines().skip(2);
    let (text, carets) = (rows.next().unwrap(), rows.next().unwrap());
    let under: String = text
        .chars()
        .zip(carets.chars())
        .filter(|(_, caret)| *caret == '^')
        .map(|(c, _)| c)
        .collect();
    (error.message().to_owned(), under, error.kind())
}

/// Checks the sentence and the place of each flaw.
fn demand(cases: &[(&[&str], &str, &str)]) {
    for (lines, sentence, under) in cases {
        let (found, carets, _) = flaw(lines);
        assert_eq!(
            (found.as_str(), carets.as_str()),
            (*sentence, *under),
            "{lines:?}"
        );
    }
}

#[test]
fn each_feature_of_a_dialogue_is_named_in_the_header() {
    for (line, under) in [
        (
            r#"{"on_message":{"text":"a"},"text":"b"}"#,
            r#"{"text":"a"}"#,
        ),
        (r#"{"on_silence_ms":5,"text":"b"}"#, "5"),
        (r#"{"scene":"s","text":"b"}"#, "\"s\""),
        (r#"{"on_connect":{"from":2},"text":"b"}"#, r#"{"from":2}"#),
        (r#"{"at_ms":1,"path":"/a","text":"b"}"#, "\"/a\""),
        (r#"{"at_ms":1,"json":[1]}"#, "[1]"),
        (r#"{"at_ms":1,"mute":false}"#, "false"),
    ] {
        let error = Tape::parse("t", &format!("{{\"tape\":1}}\n{line}\n")).unwrap_err();
        assert_eq!(
            error.message(),
            "a tape with this has \"needs\":[\"dialogue\"] in its header"
        );
        let column = usize::try_from(error.column()).unwrap() - 1;
        assert_eq!(line.find(under), Some(column), "{line}");
        assert!(tape(&[line]).is_ok(), "{line}");
    }
}

#[test]
fn what_a_step_of_a_dialogue_cannot_mean_is_refused() {
    demand(&[
        (
            &[r#"{"on_message":{},"http":{"path":"/a","body":{}}}"#],
            "\"http\" is for the whole engine: give it an \"at_ms\"",
            "\"http\"",
        ),
        (
            &[r#"{"on_message":{},"end":true}"#],
            "\"end\" is for the whole engine: give it an \"at_ms\"",
            "\"end\"",
        ),
        (
            &[r#"{"on_message":{},"refuse":{"status":503}}"#],
            "\"refuse\" has no effect on a connection that already got its 101",
            "\"refuse\"",
        ),
        (
            &[r#"{"on_silence_ms":0,"ping":""}"#],
            "\"on_silence_ms\" must be milliseconds, more than 0, found 0",
            "0",
        ),
        (
            &[r#"{"on_silence_ms":5,"after_ms":1,"ping":""}"#],
            "\"after_ms\" does not go with \"on_silence_ms\"",
            "\"after_ms\"",
        ),
        (
            &[r#"{"on_message":{},"after_frames":1,"ping":""}"#],
            "\"after_frames\" goes with \"on_connect\" only",
            "\"after_frames\"",
        ),
        (
            &[r#"{"on_message":{},"every_ms":10,"ping":""}"#],
            "\"every_ms\" goes with \"scene\" only",
            "\"every_ms\"",
        ),
        (
            &[r#"{"scene":"s","every_ms":0.5,"ping":""}"#],
            "\"every_ms\" must be milliseconds, 1 at least, found 0.5",
            "0.5",
        ),
        (
            &[r#"{"scene":"s","instead":true,"ping":""}"#],
            "\"instead\" goes with \"on_message\" only",
            "\"instead\"",
        ),
        (
            &[r#"{"on_connect":{"from":3,"to":2},"ping":""}"#],
            "\"to\" must be a whole number from 3 to 18446744073709551615, found 2",
            "2",
        ),
        (
            &[r#"{"on_message":{},"at_ms":1,"ping":""}"#],
            "either \"at_ms\" or \"on_message\", not both",
            "\"on_message\"",
        ),
        (
            &[r#"{"at_ms":1,"path":"/a","down":true}"#],
            "\"path\" selects connections, but \"down\" is for all",
            "\"path\"",
        ),
        (
            &[r#"{"at_ms":1,"path":"a?b","ping":""}"#],
            "\"path\" must be a path that starts with \"/\", without a query or spaces; \
             only its end may be \"*\", found \"a?b\"",
            "\"a?b\"",
        ),
        (
            &[r#"{"at_ms":1,"late":"s"}"#],
            "\"late\" says how late, as in {\"scene\":\"trades\",\"by_ms\":500}",
            "\"s\"",
        ),
        (
            &[r#"{"at_ms":1,"stop":""}"#],
            "\"stop\" must be a name, found \"\"",
            "\"\"",
        ),
    ]);
}

#[test]
fn times_on_one_numbered_connection_is_refused_for_it_does_nothing() {
    let sentence = "\"times\" is for several connections, but the step names one, which has one \
                    handshake";
    demand(&[
        (
            &[r#"{"on_connect":1,"refuse":{"status":503},"times":7}"#],
            sentence,
            "\"times\"",
        ),
        (
            &[r#"{"at_ms":1,"conn":2,"hang":true,"times":2}"#],
            sentence,
            "\"times\"",
        ),
    ]);
    for line in [
        r#"{"at_ms":1,"hang":true,"times":2}"#,
        r#"{"on_message":{},"conn":1,"text":"a","times":2}"#,
    ] {
        assert!(tape(&[line]).is_ok(), "{line}");
    }
}

#[test]
fn a_wrong_pattern_is_shown_where_it_is_wrong() {
    demand(&[
        (
            &[r#"{"on_message":{"regex":"é\u0041(b"},"text":""}"#],
            "\"regex\" is not valid: unclosed group",
            "(",
        ),
        (
            &[r#"{"on_message":{"regex":"a{9999}{9999}"},"text":""}"#],
            "\"regex\" is not valid: it takes more than 1 MiB when compiled",
            r#""a{9999}{9999}""#,
        ),
        (
            &[r#"{"on_message":{"jsonpath":"$.a["},"text":""}"#],
            "\"jsonpath\" is not valid: not a JSONPath (RFC 9535) from here on",
            "[",
        ),
        (
            &[r#"{"on_message":{"kind":"pang"},"text":""}"#],
            "\"kind\" must be \"text\", \"binary\", \"ping\", \"pong\" or \"close\", found \"pang\"",
            "\"pang\"",
        ),
        (
            &[r#"{"on_message":{"unmatched":false},"text":""}"#],
            "\"unmatched\" must be true, found false",
            "false",
        ),
    ]);
    let long = format!(
        r#"{{"on_message":{{"regex":"{}"}},"text":""}}"#,
        "a".repeat(MAX_PATTERN_BYTES + 1)
    );
    assert_eq!(
        flaw(&[&long]).0,
        "\"regex\" is not valid: a pattern has at most 4 KiB"
    );
    let deep = format!(
        r#"{{"on_message":{{"jsonpath":"$[?{}@.a{}]"}},"text":""}}"#,
        "(".repeat(1_000),
        ")".repeat(1_000)
    );
    assert_eq!(
        flaw(&[&deep]).0,
        "\"jsonpath\" is not valid: more than 8 nested brackets and parentheses"
    );
}

#[test]
fn a_reference_to_nothing_is_shown_where_it_stands() {
    demand(&[
        (
            &[r#"{"at_ms":1,"text":"é ${/id}"}"#],
            "there is no message to look into; that goes with \"on_message\"",
            "${/id}",
        ),
        (
            &[r#"{"on_message":{},"json":{"${/key}":["a","${nwo}"]}}"#],
            "\"nwo\" is neither a word nor a named group of the step's \"regex\" \
             (did you mean \"now\"?)",
            "${nwo}",
        ),
        (
            &[r#"{"on_message":{"regex":"(?<user>.)"},"text":"${user} ${usr}"}"#],
            "\"usr\" is neither a word nor a named group of the step's \"regex\" \
             (did you mean \"user\"?)",
            "${usr}",
        ),
        (
            &[r#"{"on_message":{"json":{"op":"sub"}},"json":{"ack":"${id}"}}"#],
            "\"id\" is neither a word nor a named group of the step's \"regex\" \
             (a member of a JSON message is ${/id})",
            "${id}",
        ),
        (
            &[r#"{"on_message":{},"close":{"code":1000,"reason":"a ${now"}}"#],
            "a reference must end with \"}\"; for a literal ${ write $${",
            "${now",
        ),
        (
            &[r#"{"on_message":{},"text":"${a b}"}"#],
            "${a b} refers to nothing; to send it literally, write $${a b}",
            "${a b}",
        ),
        (
            &[r#"{"on_message":{},"text":"${/a~2}"}"#],
            "in a JSON pointer \"~\" is written ~0, and \"/\" ~1",
            "${/a~2}",
        ),
        (
            &[r#"{"at_ms":1,"refuse":{"status":503,"headers":{"x":["1","${count}"]}}}"#],
            "the step happens once; \"${count}\" goes with \"on_message\", \"on_silence_ms\" \
             and \"scene\"",
            "${count}",
        ),
        (
            &[r#"{"at_ms":1,"text":"in ${date:5000000000}"}"#],
            "${date:…} takes whole seconds from 0 to 4294967295",
            "${date:5000000000}",
        ),
        (
            &[r#"{"on_silence_ms":5,"text":"${/id}"}"#],
            "there is no message to look into; that goes with \"on_message\"",
            "${/id}",
        ),
    ]);
}

#[test]
fn references_stand_in_the_strings_of_a_tape_that_needs_dialogues_and_nowhere_else() {
    for line in [
        r#"{"scene":"s","text":"${whatever} ${/a} ${count}"}"#,
        r#"{"on_connect":"each","accept":{"headers":{"set-cookie":"t=${now_ms}; ${query:a b}"}}}"#,
        r#"{"at_ms":1,"json":{"${nothing}":"$${nothing} $ $$"}}"#,
        r#"{"at_ms":1,"refuse":{"status":503,"headers":{"retry-after":"${date:30}","date":"${date}"}}}"#,
        r#"{"at_ms":1,"mark":"${nothing}"}"#,
        r#"{"at_ms":1,"note":"${nothing}","ping":"${conn}"}"#,
        r#"{"at_ms":1,"http":{"path":"/a","body":{"url":"${url:main}"}}}"#,
    ] {
        assert!(tape(&[line]).is_ok(), "{line}: {:?}", tape(&[line]));
    }
    let without = "{\"tape\":1}\n{\"at_ms\":1,\"text\":\"${nothing}\"}\n";
    assert!(Tape::parse("t", without).is_ok());
}

#[test]
fn dialogues_stand_before_the_first_time_and_not_in_a_tape_that_holds_its_answers() {
    let held = "a tape with held answers can't have \"on_message\", \"on_silence_ms\", \"scene\" \
                or \"path\"; put those in an overlay";
    demand(&[
        (
            &[
                r#"{"at_ms":1,"text":"a"}"#,
                r#"{"on_message":{},"text":"b"}"#,
            ],
            "\"on_message\" steps come before the first \"at_ms\"",
            "{}",
        ),
        (
            &[
                r#"{"scene":"s","text":"b"}"#,
                r#"{"at_ms":1,"answers":"held"}"#,
            ],
            held,
            "\"held\"",
        ),
        (
            &[
                r#"{"at_ms":0,"answers":"held"}"#,
                r#"{"at_ms":1,"path":"/a","text":"b"}"#,
            ],
            held,
            "\"/a\"",
        ),
    ]);
}

#[test]
fn a_tape_with_too_many_steps_of_dialogues_is_refused() {
    let line = r#"{"on_message":{},"text":"b"}"#;
    let most = vec![line; MAX_DIALOGUE_STEPS];
    assert!(tape(&most).is_ok());
    let (sentence, _, kind) = flaw(&[&most[..], &[line]].concat());
    assert_eq!(kind, Kind::Limit);
    assert_eq!(
        sentence,
        "more than 4096 steps of \"on_message\", \"on_silence_ms\" and \"scene\""
    );
}

#[test]
fn a_dialogue_made_in_rust_is_the_line_that_one_would_write() {
    let login = Match::new().regex("^login (?<user>.+)$").unwrap().nth(2);
    let answer = Action::Text("hello, ${user}".into());
    let feed = Action::Json(r#"{"seq":"${count}"}"#.into());
    for (step, line) in [
        (
            Step::on_message(login, answer)
                .after(Micros::from_ms(5))
                .at_path("/a*")
                .times(1),
            r#"{"on_message":{"regex":"^login (?<user>.+)$","nth":2},"after_ms":5,"path":"/a*","text":"hello, ${user}","times":1}"#,
        ),
        (
            Step::on_message(Match::new().kind(MessageKind::Close), Action::Close(None))
                .on(Whose::Range {
                    from: 2,
                    to: Some(3),
                })
                .instead(),
            r#"{"on_message":{"kind":"close"},"instead":true,"conn":{"from":2,"to":3},"close":{}}"#,
        ),
        (
            Step::on_silence(Micros::from_ms(30), Action::Stop(WhichScene::Any(1))).on(4),
            r#"{"on_silence_ms":30,"conn":4,"stop":{"any":1}}"#,
        ),
        (
            Step::scene("feed", Some(Micros::from_ms(1_000)), feed).after(Micros::from_ms(7)),
            r#"{"scene":"feed","after_ms":7,"every_ms":1000,"json":{"seq":"${count}"}}"#,
        ),
        (
            Step::on_connect(Whose::Each, After::Frames(0), Action::Mute(None)),
            r#"{"on_connect":"each","after_frames":0,"mute":false}"#,
        ),
    ] {
        assert_eq!(step.to_line(), line);
        assert_eq!(Step::parse("t", 1, line).unwrap(), step);
        assert!(!matches!(step.trigger, Trigger::At(_)));
    }
}
