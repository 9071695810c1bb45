//! The HTTP side: who is let in, and what GETs answer.

use wstape_mock_engine::{Engine, JournalKind};

use crate::world::{Arm, World, in_memory, over_tcp, upgrade_request};

/// The whole answer to a request, without the bodies' length of time.
async fn ask(world: &World, request: &[u8]) -> (String, Vec<u8>) {
    let mut client = world.dial().await.unwrap();
    client.send(request).await;
    let head = client.head().await.unwrap();
    let len = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |len| len.parse().unwrap());
    (head, client.exactly(len).await)
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap()
}

#[test]
fn a_request_that_is_no_upgrade_is_told_what_is_wrong() {
    let table: &[(&str, &str, &str)] = &[
        ("Connection: Upgrade", "Connection: keep-alive", "426"),
        ("Upgrade: websocket", "Upgrade: h2c", "426"),
        (
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Version: 8",
            "426",
        ),
        ("Sec-WebSocket-Version: 13", "X-Nothing: here", "426"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", "400"),
        ("Sec-WebSocket-Key", "X-Key", "400"),
        ("GET /ws", "POST /ws", "405"),
        ("GET /ws", "GET /ws/", "101"),
        (
            "Connection: Upgrade",
            "connection: Keep-Alive, upgrade",
            "101",
        ),
        ("GET /ws", "GET /ws?token=x", "101"),
    ];
    in_memory(async {
        for (from, to, expected) in table {
            let request = String::from_utf8(upgrade_request(""))
                .unwrap()
                .replace(from, to);
            let world = World::bare().await;
            let (head, _) = ask(&world, request.as_bytes()).await;
            assert_eq!(status(&head), *expected, "{to}: {head}");
            if *expected == "426" {
                assert!(
                    head.contains("sec-websocket-version: 13\r\n")
                        && head.contains("upgrade: websocket\r\n"),
                    "{head}"
                );
            }
        }
    });
}

#[test]
fn an_upgrade_by_http_1_0_is_refused_and_told_why() {
    in_memory(async {
        let request = String::from_utf8(upgrade_request("")).unwrap();
        let world = World::bare().await;
        let old = request.replace("HTTP/1.1", "HTTP/1.0");
        let (head, body) = ask(&world, old.as_bytes()).await;
        assert_eq!(status(&head), "426", "{head}");
        let why = "a WebSocket's handshake is HTTP/1.1 or newer (RFC 6455, 4.1), not HTTP/1.0";
        assert_eq!(String::from_utf8(body).unwrap(), format!("{why}\n"));
        let journal = world.engine.journal().entries();
        let is_told =
            |kind: &JournalKind| matches!(kind, JournalKind::Note(text) if text.contains(why));
        assert!(
            journal.iter().any(|entry| is_told(&entry.kind)),
            "{journal:?}"
        );
    });
}

#[test]
fn the_accept_key_is_the_one_of_the_rfcs_example() {
    in_memory(async {
        let world = World::bare().await;
        let (head, _) = ask(&world, &upgrade_request("")).await;
        assert!(
            head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            "{head}"
        );
    });
}

#[test]
fn a_token_is_demanded_exactly() {
    let table = [
        ("", "401"),
        ("Authorization: Bearer hunter2\r\n", "101"),
        ("authorization: bearer hunter2\r\n", "101"),
        ("Authorization: Bearer hunter\r\n", "401"),
        ("Authorization: Bearer hunter22\r\n", "401"),
        ("Authorization: Basic hunter2\r\n", "401"),
        ("Authorization: B\r\n", "401"),
    ];
    in_memory(async {
        for (header, expected) in table {
            let world = World::build(
                Arm::Virtual,
                Engine::builder().token(Some("hunter2".into())),
            )
            .await;
            let (head, _) = ask(&world, &upgrade_request(header)).await;
            assert_eq!(status(&head), expected, "{header}");
            let lines = world.lines().join("\n") + &format!("{:?}", world.engine);
            assert!(!lines.contains("hunter2"), "the token shows: {lines}");
        }
    });
}

#[test]
fn an_upgrade_is_answered_as_the_tape_says() {
    let lines: &[&str] = &[
        r#"{"on_connect":1,"accept":{"status":302,"headers":{"Location":"ws://elsewhere/ws"}}}"#,
        r#"{"on_connect":2,"accept":{"headers":{"Sec-WebSocket-Protocol":"chat","Sec-WebSocket-Accept":""}}}"#,
    ];
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let (head, _) = ask(&world, &upgrade_request("")).await;
        assert!(
            status(&head) == "302" && head.contains("location: ws://elsewhere/ws\r\n"),
            "{head}"
        );
        let (head, _) = ask(&world, &upgrade_request("")).await;
        assert!(
            status(&head) == "101" && head.contains("sec-websocket-protocol: chat\r\n"),
            "{head}"
        );
        assert!(!head.contains("sec-websocket-accept"), "{head}");
        let (head, _) = ask(&world, &upgrade_request("")).await;
        assert!(head.contains("sec-websocket-accept"), "{head}");
    });
}

#[test]
fn a_get_answers_what_the_tape_has_at_that_moment() {
    let lines: &[&str] = &[
        r#"{"at_ms":0,"http":{"path":"/status","body":{"equity": 1.50}}}"#,
        r#"{"at_ms":10,"http":{"path":"/status","status":503,"headers":{"Retry-After":"1"},"body":"busy"}}"#,
    ];
    in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let get = b"GET /status?x=1 HTTP/1.1\r\nHost: h\r\n\r\n";
        let (head, body) = ask(&world, get).await;
        assert_eq!(
            (status(&head), &body[..]),
            ("200", &br#"{"equity": 1.50}"#[..])
        );
        assert!(
            head.contains("content-type: application/json\r\n"),
            "{head}"
        );
        world
            .engine
            .clock()
            .sleep_until(wstape_tape::Micros::from_ms(10))
            .await;
        let (head, body) = ask(&world, get).await;
        assert_eq!((status(&head), &body[..]), ("503", &b"busy"[..]));
        assert!(head.contains("retry-after: 1\r\n"), "{head}");
        let (head, _) = ask(&world, b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n").await;
        assert_eq!(status(&head), "404");
        let answered: Vec<String> = world
            .lines()
            .into_iter()
            .filter(|line| line.contains("GET"))
            .collect();
        let expected = [
            "0.000000 #1 GET /status 200",
            "0.010000 #2 GET /status 503",
            "0.010000 #3 GET /nothing 404",
        ];
        assert_eq!(answered, expected);
    });
}

#[test]
fn every_answer_is_dated_by_the_clock_that_was_handed_in() {
    in_memory(async {
        let world = World::playing(
            Arm::Virtual,
            &[&[r#"{"on_connect":2,"refuse":{"status":503}}"#]],
        )
        .await;
        world
            .engine
            .clock()
            .sleep_until(wstape_tape::Micros::from_ms(90_000))
            .await;
        for request in [
            &upgrade_request("")[..],
            &upgrade_request(""),
            b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
        ] {
            let (head, _) = ask(&world, request).await;
            assert!(
                head.contains("date: Thu, 01 Jan 2026 00:01:30 GMT\r\n"),
                "{head}"
            );
        }
    });
}

#[test]
fn frames_that_follow_the_101_at_once_are_not_lost() {
    let lines: &[&str] = &[r#"{"on_connect":1,"after_frames":0,"text":"at once"}"#];
    let test = async |arm| {
        let world = World::playing(arm, &[lines]).await;
        let mut client = world.connect().await;
        assert_eq!(client.exactly(9).await, b"\x81\x07at once");
        world.engine.shutdown().await;
    };
    in_memory(test(Arm::Virtual));
    over_tcp(test(Arm::Tcp));
}

#[test]
fn frames_that_the_client_sends_behind_its_request_are_not_lost() {
    in_memory(async {
        let world = World::bare().await;
        let mut client = world.dial().await.unwrap();
        client
            .send(&[upgrade_request(""), crate::world::masked(9, b"eager")].concat())
            .await;
        client.head().await.unwrap();
        assert_eq!(client.exactly(7).await, b"\x8a\x05eager");
    });
}

#[test]
fn a_status_that_ends_no_exchange_is_answered_as_500_and_the_journal_says_why() {
    in_memory(async {
        for code in [150, 99, 1000] {
            let world = World::bare().await;
            world.engine.refuse_next(1, code);
            assert_eq!(world.observe().await, ["500"]);
            let note = format!(
                "0.000000 #1 status {code} is not a final one (200 to 999): 500 sent instead"
            );
            let lines = world.lines();
            assert!(lines.contains(&note), "{lines:#?}");
            assert!(lines.contains(&"0.000000 #1 refused 500".to_owned()));
        }
    });
}

#[test]
fn an_answer_longer_than_a_link_carries_arrives_whole_at_a_client_that_reads() {
    in_memory(async {
        let world = World::bare().await;
        let len = wstape_mock_engine::link::TO_CLIENT_CAPACITY_BYTES + 1;
        world.engine.http(wstape_tape::HttpAnswer {
            path: "/long".to_owned(),
            method: None,
            status: 200,
            headers: Vec::new(),
            body: "x".repeat(len).into(),
        });
        let mut client = world.dial().await.unwrap();
        client
            .send(b"GET /long HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            .await;
        let head = client.head().await.unwrap();
        assert_eq!(status(&head), "200");
        assert_eq!(client.exactly(len).await.len(), len);
    });
}

/// Status, content type and body of an answer to this request.
async fn answered(world: &World, request: &str) -> (String, String, String) {
    let mut client = world.dial().await.unwrap();
    client.send(request.as_bytes()).await;
    let head = client.head().await.unwrap();
    let status = head.split(' ').nth(1).unwrap().to_owned();
    let mut lines = head.lines();
    let kind = lines.find_map(|line| line.strip_prefix("content-type: "));
    let (body, _) = client.all().await;
    (
        status,
        kind.unwrap_or_default().to_owned(),
        String::from_utf8(body).unwrap(),
    )
}

#[test]
fn each_method_of_a_path_has_its_own_answer_and_others_are_told_which_there_are() {
    in_memory(async {
        let lines = [
            r#"{"at_ms":0,"http":{"path":"/login","method":"POST","body":{"token":"t"}}}"#,
            r#"{"at_ms":0,"http":{"path":"/login","body":"who"}}"#,
        ];
        let world = World::playing(Arm::Virtual, &[&lines]).await;
        let ask = async |method: &str| {
            let request = format!(
                "{method} /login HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
            );
            let (status, _, body) = answered(&world, &request).await;
            (status, body)
        };
        assert_eq!(
            ask("POST").await,
            ("200".to_owned(), r#"{"token":"t"}"#.to_owned())
        );
        assert_eq!(ask("GET").await, ("200".to_owned(), "who".to_owned()));
        assert_eq!(ask("HEAD").await, ("200".to_owned(), String::new()));
        assert_eq!(
            ask("PUT").await,
            ("405".to_owned(), "GET, POST only\n".to_owned())
        );
        let lines = world.lines();
        assert!(
            lines.iter().any(|line| line.ends_with("POST /login 200")),
            "{lines:#?}"
        );
    });
}

#[test]
fn a_refusal_brings_its_body_as_what_it_is() {
    in_memory(async {
        let lines = [
            r#"{"on_connect":1,"refuse":{"status":429,"body":{"code":-1003}}}"#,
            r#"{"on_connect":2,"refuse":{"status":503,"body":"back soon"}}"#,
            r#"{"on_connect":3,"accept":{"status":404,"headers":{"content-type":"text/html"},"body":"<p>"}}"#,
        ];
        let world = World::playing(Arm::Virtual, &[&lines]).await;
        let request = String::from_utf8(upgrade_request("")).unwrap();
        for (status, kind, body) in [
            ("429", "application/json", r#"{"code":-1003}"#),
            ("503", "text/plain; charset=utf-8", "back soon"),
            ("404", "text/html", "<p>"),
        ] {
            let expected = (status.to_owned(), kind.to_owned(), body.to_owned());
            assert_eq!(answered(&world, &request).await, expected);
        }
    });
}
