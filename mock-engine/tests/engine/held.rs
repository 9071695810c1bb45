//! Held answers: tapes that know their connections one by one.

use wstape_mock_engine::{Engine, HELD_CLOSE_WAIT, Speed, StartAt};
use wstape_tape::Micros;

use crate::world::{Arm, Client, World, in_memory, masked, over_tcp, tape, upgrade_request};

pub(crate) const HELD: &str = r#"{"at_ms":0,"answers":"held"}"#;

/// What a client that dials at `at_ms` sees, and the journal.
async fn seen_from(world: &World, at_ms: u64) -> (Vec<String>, Vec<String>) {
    world
        .engine
        .clock()
        .sleep_until(Micros::from_ms(at_ms))
        .await;
    let seen = world.observe().await;
    (seen, world.lines())
}

/// A client that has sent its handshake but not read the answer.
async fn asking(world: &World) -> Client {
    let mut client = world.dial().await.unwrap();
    client.send(&upgrade_request("")).await;
    client
}

#[test]
fn a_handshake_waits_for_what_names_its_connection() {
    for (step, expected, line) in [
        (
            r#""accept":{}"#,
            &["101", "0.090000 eof"][..],
            "0.030000 #1 upgraded",
        ),
        (
            r#""refuse":{"status":503,"headers":{"retry-after":"2"}}"#,
            &["503 retry-after: 2"],
            "0.030000 #1 refused 503",
        ),
        (
            r#""accept":{"status":200}"#,
            &["200"],
            "0.030000 #1 refused 200",
        ),
        (
            r#""garbage":{"text":"SSH-2.0","then":"fin"}"#,
            &["SSH-2.0", "eof"],
            "0.030000 #1 garbage, 7 bytes",
        ),
        (r#""drop":"reset""#, &["reset"], "0.030000 #1 reset"),
        (r#""drop":"fin""#, &["eof"], "0.030000 #1 fin"),
    ] {
        let step = format!(r#"{{"at_ms":30,"conn":1,{step}}}"#);
        let lines: &[&str] = &[
            HELD,
            r#"{"at_ms":10,"conn":2,"accept":{}}"#,
            r#"{"at_ms":20,"refuse":{"status":500}}"#,
            &step,
            r#"{"at_ms":90,"conn":1,"drop":"fin"}"#,
        ];
        let (seen, journal) = in_memory(async {
            let world = World::playing(Arm::Virtual, &[lines]).await;
            seen_from(&world, 5).await
        });
        assert_eq!(seen, expected, "{step}");
        assert!(
            journal.contains(&"0.005000 #1 held".to_owned()),
            "{journal:?}"
        );
        assert!(journal.contains(&line.to_owned()), "{step}: {journal:?}");
    }
}

#[test]
fn a_client_that_dials_late_gets_the_same_in_order() {
    let lines: &[&str] = &[
        HELD,
        r#"{"at_ms":10,"conn":1,"received":{"kind":"open","path":"/ws"}}"#,
        r#"{"at_ms":10,"conn":1,"accept":{}}"#,
        r#"{"at_ms":20,"conn":1,"text":"a"}"#,
        r#"{"at_ms":20,"conn":1,"ping":"p"}"#,
        r#"{"at_ms":30,"conn":1,"frame":{"fin":false,"opcode":1,"payload":"b"}}"#,
        r#"{"at_ms":40,"conn":1,"drop":"reset"}"#,
        r#"{"at_ms":50,"conn":2,"refuse":{"status":503}}"#,
        r#"{"at_ms":60,"conn":3,"garbage":"SSH-2.0"}"#,
        r#"{"at_ms":61,"conn":3,"bytes":"LTE="}"#,
        r#"{"at_ms":62,"conn":3,"drop":"fin"}"#,
        r#"{"at_ms":70,"conn":4,"drop":"fin"}"#,
        r#"{"at_ms":80,"conn":5,"accept":{}}"#,
        r#"{"at_ms":81,"conn":5,"text":"c"}"#,
        r#"{"at_ms":700,"conn":5,"text":"d"}"#,
        r#"{"at_ms":900,"conn":5,"drop":"fin"}"#,
    ];
    let test = async |arm| {
        let world = World::playing(arm, &[lines]).await;
        // The first dials when all that it and the next four got is over, but for the last steps.
        let now = Micros::from_ms(200);
        world.engine.clock().sleep_until(now).await;
        let mut first = world.connect().await;
        let (bytes, _) = first.all().await;
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        // A reset may overtake what it follows.
        assert!(
            b"\x81\x01a\x89\x01p\x01\x01b".starts_with(&bytes),
            "{}",
            text(&bytes)
        );
        assert_eq!(world.observe().await, ["503"]);
        let mut third = asking(&world).await;
        assert_eq!(text(&third.all().await.0), "SSH-2.0-1");
        assert_eq!(asking(&world).await.all().await.0, b"");
        let mut fifth = world.connect().await;
        assert_eq!(
            fifth.all().await,
            (b"\x81\x01c\x81\x01d".to_vec(), "eof".to_owned())
        );
        let journal: Vec<String> = world
            .lines()
            .into_iter()
            .filter_map(|line| Some(line.split_once(' ')?.1.to_owned()))
            .filter(|line| !line.contains("accept") && !line.contains("garbage none"))
            .collect();
        let expected = [
            "answers held",
            "#2 refuse 503",
            "#3 garbage",
            "#1 upgraded",
            "#1 → text",
            "#1 → ping",
            "#1 → frame",
            "#1 reset",
            "#2 refused 503",
            "#3 garbage, 7 bytes",
            "#3 → bytes",
            "#3 fin",
            "#4 fin",
            "#5 upgraded",
            "#5 → text",
            "#5 → text",
            "#5 fin",
        ];
        assert_eq!(journal, expected);
        world.engine.shutdown().await;
    };
    in_memory(test(Arm::Virtual));
    over_tcp(test(Arm::Tcp));
}

#[test]
fn what_comes_while_the_handshake_is_under_way_waits_for_the_101() {
    let lines: &[&str] = &[
        HELD,
        r#"{"at_ms":0,"latency_ms":20,"direction":"from_client"}"#,
        r#"{"at_ms":5,"conn":1,"accept":{"headers":{"x-from":"tape"}}}"#,
        r#"{"at_ms":10,"conn":1,"text":"a"}"#,
        r#"{"at_ms":15,"conn":1,"close":{"code":1001}}"#,
        r#"{"at_ms":16,"conn":1,"text":"after the close"}"#,
        r#"{"at_ms":17,"conn":1,"drop":"fin"}"#,
        r#"{"at_ms":900,"end":true}"#,
    ];
    let (seen, journal) = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        seen_from(&world, 0).await
    });
    assert_eq!(
        seen,
        [
            "101",
            "0.020000 \\x81\\x01a\\x88\\x02\\x03\\xe9",
            "0.020000 eof"
        ]
    );
    assert_eq!(
        journal[journal.len() - 5..],
        [
            "0.020000 #1 upgraded",
            "0.020000 #1 → text",
            "0.020000 #1 → close 1001",
            "0.020000 #1 lost text",
            "0.020000 #1 fin",
        ]
    );
}

#[test]
fn broadcasts_and_other_tapes_wait_for_nobody() {
    let base: &[&str] = &[
        HELD,
        r#"{"at_ms":10,"text":"to all"}"#,
        r#"{"at_ms":60,"conn":1,"accept":{}}"#,
        r#"{"at_ms":90,"conn":1,"drop":"fin"}"#,
    ];
    let overlay: &[&str] = &[
        r#"{"at_ms":20,"conn":1,"text":"lost"}"#,
        r#"{"at_ms":40,"conn":1,"drop":"reset"}"#,
        r#"{"at_ms":50,"refuse":{"status":500},"times":1}"#,
        r#"{"at_ms":55,"hang":true,"times":1}"#,
    ];
    let (seen, journal) = in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, overlay]).await;
        let first = world.observe().await;
        // Waits when the overlay's refusal comes.
        let second = world.observe().await;
        let hung = seen_from(&world, 56).await.0;
        let (mut seen, journal) = seen_from(&world, 70).await;
        seen.splice(0..0, [first, second, hung].concat());
        (seen, journal)
    });
    // The tape's own drop ends the place that the one that was hung had come to.
    assert_eq!(seen[..3], ["reset", "500", "eof"]);
    for line in [
        "0.010000 lost text",
        "0.020000 #1 lost text",
        "0.040000 #1 reset",
        "0.050000 #2 refused 500",
        "0.056000 #3 hung",
    ] {
        assert!(journal.contains(&line.to_owned()), "{line}: {journal:?}");
    }
}

#[test]
fn a_down_of_another_tape_resets_who_waits() {
    let base: &[&str] = &[HELD, r#"{"at_ms":60,"conn":1,"accept":{}}"#];
    let overlay: &[&str] = &[r#"{"at_ms":20,"down":true,"for_ms":10}"#];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, overlay]).await;
        let mut seen = world.observe().await;
        seen.extend(world.observe().await);
        seen.extend(seen_from(&world, 35).await.0);
        seen
    });
    assert_eq!(seen, ["reset", "ConnectionRefused", "101", "silence"]);
}

#[test]
fn a_get_of_another_path_is_no_handshake_and_does_not_wait() {
    let lines: &[&str] = &[HELD, r#"{"at_ms":0,"http":{"path":"/risk","body":"{}"}}"#];
    let head = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let mut client = world.dial().await.unwrap();
        client.send(b"GET /risk HTTP/1.1\r\nhost: x\r\n\r\n").await;
        client.head().await
    });
    assert!(head.unwrap().starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_client_that_gives_up_is_journalled_and_what_waited_for_it_is_lost() {
    let lines: &[&str] = &[
        HELD,
        r#"{"at_ms":1,"conn":1,"text":"a"}"#,
        r#"{"at_ms":30,"conn":1,"text":"b"}"#,
        r#"{"at_ms":40,"conn":1,"drop":"fin"}"#,
    ];
    let journal = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let client = asking(&world).await;
        world.engine.clock().sleep_until(Micros::from_ms(20)).await;
        drop(client);
        world.engine.finished().await.unwrap();
        world.lines()
    });
    assert_eq!(
        journal,
        [
            "0.000000 answers held",
            "0.000000 #1 accepted",
            "0.000000 #1 held",
            "0.020000 #1 client fin",
            "0.020000 #1 lost text",
            "0.030000 #1 lost text",
        ]
    );
}

#[test]
fn answers_are_the_engines_again_once_auto_or_after_their_length() {
    for (held, auto) in [
        (HELD, r#"{"at_ms":30,"answers":"auto"}"#),
        (
            r#"{"at_ms":0,"answers":"held","for_ms":30}"#,
            r#"{"at_ms":30,"mark":"x"}"#,
        ),
    ] {
        let lines: &[&str] = &[
            held,
            r#"{"at_ms":10,"conn":2,"text":"held for the second"}"#,
            auto,
            r#"{"at_ms":40,"conn":1,"drop":"fin"}"#,
            r#"{"at_ms":99,"conn":2,"drop":"fin"}"#,
        ];
        let seen = in_memory(async {
            let world = World::playing(Arm::Virtual, &[lines]).await;
            let mut seen = world.observe().await;
            seen.extend(
                world
                    .lines()
                    .into_iter()
                    .filter(|line| line.contains("upgraded")),
            );
            seen.extend(world.observe().await);
            seen
        });
        assert_eq!(
            seen,
            [
                "101",
                "0.040000 eof",
                "0.030000 #1 upgraded",
                "101",
                "0.040000 \\x81\\x13held for the second",
                "0.099000 eof"
            ],
            "{auto}"
        );
    }
}

#[test]
fn who_dials_after_the_tape_is_over_is_answered_and_who_waited_waits_on() {
    let lines: &[&str] = &[HELD, r#"{"at_ms":50,"end":true}"#];
    let (waited, came) = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let mut early = asking(&world).await;
        world.engine.finished().await.unwrap();
        let came = seen_from(&world, 60).await.0;
        (early.all().await, came)
    });
    assert_eq!(waited, (Vec::new(), "silence".to_owned()));
    assert_eq!(came, ["101", "silence"]);
}

#[test]
fn a_clients_close_is_answered_by_the_tape_or_in_time_by_the_engine() {
    let wait = 100 + HELD_CLOSE_WAIT.0 / 1_000;
    let by_engine = format!("{} eof", Micros::from_ms(wait));
    let echo = format!("{} \\x88\\x02\\x0f\\xa0", Micros::from_ms(wait));
    let late_fin = by_engine.clone();
    for (steps, expected) in [
        // The tape's own answer and end.
        (
            &[
                r#"{"at_ms":150,"conn":1,"text":"x"}"#,
                r#"{"at_ms":200,"conn":1,"close":{"code":1000}}"#,
                r#"{"at_ms":300,"conn":1,"drop":"fin"}"#,
            ][..],
            &[
                "0.150000 \\x81\\x01x",
                "0.200000 \\x88\\x02\\x03\\xe8",
                "0.300000 eof",
            ][..],
        ),
        (
            &[r#"{"at_ms":130,"conn":1,"drop":"reset"}"#],
            &["0.130000 reset"],
        ),
        // An answer without an end.
        (
            &[
                r#"{"at_ms":200,"conn":1,"close":{"code":1000}}"#,
                r#"{"at_ms":9000,"end":true}"#,
            ],
            &["0.200000 \\x88\\x02\\x03\\xe8", &late_fin],
        ),
        // None at all.
        (&[r#"{"at_ms":9000,"end":true}"#], &[&echo, &by_engine]),
        // The engine's Close came first, and the end is the tape's.
        (
            &[
                r#"{"at_ms":50,"conn":1,"close":{"code":1001}}"#,
                r#"{"at_ms":120,"conn":1,"drop":"fin"}"#,
            ],
            &["0.100000 \\x88\\x02\\x03\\xe9", "0.120000 eof"],
        ),
    ] {
        let lines = [&[HELD, r#"{"at_ms":0,"conn":1,"accept":{}}"#], steps].concat();
        let seen = in_memory(async {
            let world = World::playing(Arm::Virtual, &[&lines]).await;
            let mut client = world.connect().await;
            let until = Micros::from_ms(100);
            world.engine.clock().sleep_until(until).await;
            client.send(&masked(8, b"\x0f\xa0")).await;
            // No longer answered.
            client.send(&masked(9, b"ping")).await;
            client.send(&masked(8, b"\x0f\xa0")).await;
            client.reads().await
        });
        assert_eq!(seen, expected, "{steps:?}");
    }
}

#[test]
fn as_fast_as_it_goes_a_held_tape_plays_to_who_comes() {
    let lines: &[&str] = &[
        r#"{"at_ms":0,"answers":"held"}"#,
        r#"{"at_ms":1000,"conn":1,"accept":{}}"#,
        r#"{"at_ms":2000,"conn":1,"text":"a"}"#,
        r#"{"at_ms":3000,"conn":1,"drop":"fin"}"#,
        r#"{"at_ms":4000,"conn":2,"accept":{}}"#,
        r#"{"at_ms":5000,"conn":2,"text":"b"}"#,
        r#"{"at_ms":6000,"conn":2,"drop":"fin"}"#,
    ];
    let test = async |arm| {
        let builder = Engine::builder()
            .layer(tape(lines))
            .speed(Speed::Max)
            .start_at(StartAt::FirstConnection);
        let world = World::build(arm, builder).await;
        for frame in [b"\x81\x01a", b"\x81\x01b"] {
            let got = world.connect().await.all().await;
            assert_eq!(got, (frame.to_vec(), "eof".to_owned()));
        }
        world.engine.shutdown().await;
    };
    in_memory(test(Arm::Virtual));
    over_tcp(test(Arm::Tcp));
}

#[test]
fn a_looped_tape_counts_each_rounds_connections_anew() {
    let lines: &[&str] = &[
        r#"{"at_ms":0,"answers":"held"}"#,
        r#"{"at_ms":10,"conn":1,"accept":{}}"#,
        r#"{"at_ms":20,"conn":1,"text":"a"}"#,
        r#"{"at_ms":30,"conn":1,"drop":"fin"}"#,
        r#"{"at_ms":50,"conn":2,"refuse":{"status":503}}"#,
        r#"{"at_ms":60,"conn":3,"text":"nobody comes for this"}"#,
        r#"{"at_ms":100,"mark":"round"}"#,
    ];
    for speed in [Speed::default(), Speed::Max] {
        let (seen, journal) = in_memory(async {
            let builder = Engine::builder()
                .layer(tape(lines))
                .looped(true)
                .start_at(StartAt::FirstConnection)
                .speed(speed);
            let world = World::build(Arm::Virtual, builder).await;
            let mut seen = Vec::new();
            for _ in 0..5 {
                seen.push(world.observe().await);
            }
            (seen, world.lines())
        });
        let words: Vec<String> = seen
            .iter()
            .map(|lines| {
                lines
                    .iter()
                    .map(|line| line.rsplit(' ').next().unwrap_or_default())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        let whole = "101 \\x81\\x01a eof";
        assert_eq!(words, [whole, "503", whole, "503", whole], "{speed:?}");
        assert!(
            journal.iter().any(|line| line.ends_with("#3 lost text")),
            "{journal:?}"
        );
    }
}
