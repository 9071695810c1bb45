//! An upgraded connection: Pings, Closes, what clients do wrong, and how it ends.

use wstape_tape::{Micros, Pongs};

use crate::world::{Arm, World, in_memory, masked, over_tcp, told};

#[test]
fn a_ping_is_answered_with_its_payload_unless_pongs_are_withheld_or_late() {
    for (pongs, expected) in [
        (Pongs::Auto, &["0.000000 \\x8a\\x01p", "1.000000 eof"][..]),
        (Pongs::Withheld, &["1.000000 eof"]),
        (
            Pongs::Delayed(Micros::from_ms(40)),
            &["0.040000 \\x8a\\x01p", "1.000000 eof"],
        ),
    ] {
        let seen = in_memory(async {
            let world = World::playing(Arm::Virtual, &[&[r#"{"at_ms":1000,"drop":"fin"}"#]]).await;
            let mut client = world.connect().await;
            world.engine.pongs(pongs);
            client.send(&masked(9, b"p")).await;
            client.reads().await
        });
        assert_eq!(seen, expected, "{pongs:?}");
    }
}

#[test]
fn a_close_is_answered_with_its_code_and_the_transport_ends_at_once() {
    let test = async |arm| {
        let world = World::playing(arm, &[]).await;
        let mut client = world.connect().await;
        client.send(&masked(8, b"\x0f\xa0bye")).await;
        let got = client.all().await;
        assert_eq!(got, (b"\x88\x02\x0f\xa0".to_vec(), "eof".to_owned()));
        let lines: Vec<String> = world
            .lines()
            .iter()
            .map(|line| {
                line.split_once('#')
                    .map_or(line.clone(), |(_, rest)| rest.to_owned())
            })
            .collect();
        assert_eq!(
            lines,
            [
                "1 accepted",
                "1 upgraded",
                "1 ← close 4000 \"bye\"",
                "1 → close 4000"
            ]
        );
        world.engine.shutdown().await;
    };
    in_memory(test(Arm::Virtual));
    over_tcp(test(Arm::Tcp));
}

#[test]
fn an_answer_to_the_engines_close_ends_the_transport_before_the_wait_is_over() {
    let seen = in_memory(async {
        let world = World::bare().await;
        let mut client = world.connect().await;
        world.engine.close(1001, "");
        world.engine.text("not any more");
        assert_eq!(client.exactly(4).await, b"\x88\x02\x03\xe9");
        client.send(&masked(8, b"\x03\xe9")).await;
        let mut seen = client.reads().await;
        seen.extend(world.lines());
        seen
    });
    let expected = [
        "0.000000 eof",
        "0.000000 #1 accepted",
        "0.000000 #1 upgraded",
        "0.000000 → close 1001",
        "0.000000 lost text",
        "0.000000 #1 ← close 1001",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn what_breaks_the_protocol_is_answered_with_a_close_and_journalled() {
    for (bytes, code, why) in [
        (&b"\x81\x01x"[..], 1002_u16, "unmasked frame from a client"),
        (b"\x83\x80\0\0\0\0", 1002, "reserved opcode"),
        (b"\x81\x81\0\0\0\0\xff", 1007, "text that is not UTF-8"),
        (
            b"\x82\xff\0\0\0\0\x7f\0\0\0\0\0\0\0",
            1009,
            "frame over a megabyte",
        ),
    ] {
        let (got, last) = in_memory(async {
            let world = World::bare().await;
            let mut client = world.connect().await;
            client.send(bytes).await;
            let got = client.all().await;
            (got, world.lines())
        });
        assert_eq!(
            got,
            (
                [&[0x88, 2], &code.to_be_bytes()[..]].concat(),
                "eof".to_owned()
            ),
            "{why}"
        );
        assert_eq!(last[2], format!("0.000000 #1 protocol error: {why}"));
    }
}

#[test]
fn a_step_can_wait_for_what_the_client_sends() {
    let lines: &[&str] = &[
        r#"{"on_connect":1,"after_received":2,"drop":"reset"}"#,
        r#"{"on_connect":1,"after_received":1,"text":"one"}"#,
    ];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let mut client = world.connect().await;
        client
            .send(&[masked(1, b"a"), masked(9, b"")].concat())
            .await;
        client.reads().await
    });
    assert_eq!(
        seen,
        ["0.000000 \\x81\\x03one", "0.000000 reset"],
        "the second frame's step comes before its Pong"
    );
}

#[test]
fn a_step_that_sends_waits_for_the_101_and_one_that_drops_does_not() {
    let lines: &[&str] = &[
        r#"{"on_connect":1,"after_ms":5,"text":"early"}"#,
        r#"{"on_connect":1,"after_ms":30,"text":"later"}"#,
        r#"{"on_connect":1,"after_ms":50,"drop":"fin"}"#,
        r#"{"on_connect":2,"after_ms":15,"drop":"fin"}"#,
        r#"{"at_ms":0,"latency_ms":20,"direction":"from_client"}"#,
    ];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        [world.observe().await, world.observe().await].map(|lines| lines.join(", "))
    });
    assert_eq!(
        seen,
        [
            "101, 0.020000 \\x81\\x05early, 0.030000 \\x81\\x05later, 0.050000 eof",
            "eof"
        ]
    );
}

#[test]
fn how_a_client_leaves_is_journalled() {
    let lines = in_memory(async {
        let world = World::bare().await;
        drop(world.connect().await);
        drop(world.dial().await.unwrap());
        world
            .engine
            .journal()
            .wait_for(|entries| told(entries) == 5)
            .await;
        world.lines()
    });
    let expected = [
        "0.000000 #1 accepted",
        "0.000000 #1 upgraded",
        "0.000000 #2 accepted",
        "0.000000 #1 client fin",
        "0.000000 #2 client fin",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_clients_reset_is_journalled_in_memory_and_on_tcp() {
    in_memory(async {
        let (engine, net) = wstape_mock_engine::Engine::builder().in_memory().unwrap();
        net.connect().await.unwrap().reset();
        engine
            .journal()
            .wait_for(|entries| told(entries) == 2)
            .await;
        assert!(engine.journal().lines()[1].ends_with("client reset"));
    });
    over_tcp(async {
        let world = World::playing(Arm::Tcp, &[]).await;
        let stream = tokio::net::TcpStream::connect(world.engine.local_addr().unwrap())
            .await
            .unwrap();
        stream.set_zero_linger().unwrap();
        drop(stream);
        world
            .engine
            .journal()
            .wait_for(|entries| told(entries) == 2)
            .await;
        assert!(world.lines()[1].ends_with("client reset"));
        world.engine.shutdown().await;
    });
}

#[test]
fn a_hung_client_that_gives_up_is_noticed() {
    let lines = in_memory(async {
        let world = World::playing(Arm::Virtual, &[&[r#"{"at_ms":0,"hang":true}"#]]).await;
        let client = world.dial().await.unwrap();
        world
            .engine
            .clock()
            .sleep_until(Micros::from_ms(10_000))
            .await;
        drop(client);
        world
            .engine
            .journal()
            .wait_for(|entries| told(entries) == 4)
            .await;
        world.lines()
    });
    assert_eq!(
        lines,
        [
            "0.000000 hang",
            "0.000000 #1 accepted",
            "0.000000 #1 hung",
            "10.000000 #1 client fin"
        ]
    );
}

#[test]
fn a_client_behind_a_partition_is_not_seen_leaving_until_it_heals() {
    let lines = in_memory(async {
        let world = World::bare().await;
        let client = world.connect().await;
        world.engine.partition(wstape_tape::Partition::Both);
        drop(client);
        world.engine.clock().sleep_until(Micros::from_ms(5)).await;
        world.engine.text("into the dark");
        world.engine.heal();
        world
            .engine
            .journal()
            .wait_for(|entries| told(entries) == 6)
            .await;
        world.lines()
    });
    assert_eq!(
        lines[2..],
        [
            "0.000000 partition both",
            "0.005000 → text",
            "0.005000 partition none",
            "0.005000 #1 client fin"
        ]
    );
}

#[test]
fn shutdown_ends_every_connection_with_a_fin_and_takes_no_more() {
    let test = async |arm| {
        let world = World::playing(arm, &[]).await;
        let mut open = world.connect().await;
        world.engine.hang(true);
        let mut hung = world.dial().await.unwrap();
        world
            .engine
            .journal()
            .wait_for(|entries| {
                entries
                    .last()
                    .is_some_and(|last| last.kind.name() == "hung")
            })
            .await;
        world.engine.partition(wstape_tape::Partition::Both);
        world.engine.text("last words");
        let ((), open, hung) = tokio::join!(world.engine.shutdown(), open.all(), hung.all());
        assert_eq!(open, (b"\x81\x0alast words".to_vec(), "eof".to_owned()));
        assert_eq!(hung, (Vec::new(), "eof".to_owned()));
        let refused = world.dial().await.err().map(|error| error.kind());
        assert_eq!(refused, Some(std::io::ErrorKind::ConnectionRefused));
    };
    in_memory(test(Arm::Virtual));
    over_tcp(test(Arm::Tcp));
}

#[test]
fn an_engine_that_is_dropped_takes_its_connections_with_it() {
    in_memory(async {
        let world = World::bare().await;
        let mut client = world.connect().await;
        drop(world);
        assert_eq!(client.all().await.1, "eof");
    });
}

#[test]
fn a_port_that_went_down_is_kept_and_listens_again() {
    over_tcp(async {
        let world = World::playing(Arm::Tcp, &[]).await;
        let addr = world.engine.local_addr().unwrap();
        for _ in 0..3 {
            let mut client = world.connect().await;
            world.engine.down();
            assert_eq!(client.all().await.1, "reset");
            assert_eq!(world.observe().await, ["ConnectionRefused"]);
            let rival =
                socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            assert!(rival.bind(&addr.into()).is_err(), "the port is kept");
            world.engine.up();
        }
        world.connect().await;
        world.engine.shutdown().await;
    });
}

#[test]
fn a_dial_that_pends_is_taken_once_the_port_takes_dials_and_what_is_open_lives_on() {
    in_memory(async {
        let world = World::bare().await;
        let mut open = world.connect().await;
        world.engine.pend_dials();
        let clock = world.engine.clock();
        let up = async {
            clock.sleep_until(Micros::from_ms(3_000)).await;
            world.engine.up();
        };
        let (dialed, ()) = tokio::join!(world.dial(), up);
        assert!(dialed.is_ok(), "{:?}", dialed.err());
        assert_eq!(clock.now(), Micros::from_ms(3_000));
        let pends = |line: &&String| line.ends_with("dial pending");
        assert_eq!(
            world.lines().iter().filter(pends).count(),
            1,
            "{:?}",
            world.lines()
        );
        world.engine.shutdown().await;
        assert_eq!(open.all().await.1, "eof", "it was open all along");
    });
}

#[test]
fn a_dial_that_pends_is_refused_once_the_engine_is_gone() {
    in_memory(async {
        let world = World::bare().await;
        world.engine.pend_dials();
        let (dialed, ()) = tokio::join!(world.dial(), world.engine.shutdown());
        let why = dialed.map(drop).map_err(|error| error.kind());
        assert_eq!(why, Err(std::io::ErrorKind::ConnectionRefused));
    });
}
