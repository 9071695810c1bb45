//! The journal: its lines, its file, its bounds.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use wstape_mock_engine::{
    Attempts, Engine, Entry, JournalHeader, JournalKind, JournalLine, JournalReader, JournalTime,
    Redact, Retention, Said, StartAt,
};
use wstape_tape::Micros;

use crate::world::{Arm, World, in_memory, masked, over_tcp, tape};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<Vec<u8>>>>);

impl Write for Shared {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(buf.to_vec());
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_entry_is_written_to_the_file_as_one_line_of_json_at_once() {
    let file = Shared::default();
    in_memory(async {
        let tape = tape(&[
            r#"{"on_connect":2,"refuse":{"status":503}}"#,
            r#"{"at_ms":1.5,"emit":{"event":"risk"}}"#,
            r#"{"at_ms":2,"emit":{"ts":null,"event":"ri\u0073k"}}"#,
            r#"{"at_ms":3,"drop":"reset"}"#,
        ]);
        let world = World::build(
            Arm::Virtual,
            Engine::builder()
                .layer(tape)
                .journal_to(Box::new(file.clone())),
        )
        .await;
        world.engine.start();
        let mut client = world.connect().await;
        client
            .send(
                &[
                    masked(9, b"p"),
                    masked(2, b"\xff"),
                    masked(1, "é".as_bytes()),
                ]
                .concat(),
            )
            .await;
        world.observe().await;
        client.all().await;
        world.engine.note(None, "a remark");
        world.engine.journal().flush().unwrap();
    });
    let lines: Vec<String> = file
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|line| String::from_utf8(line.clone()).unwrap())
        .collect();
    let request = |conn| {
        format!(
            "{{\"at_ms\":0,\"conn\":{conn},\"kind\":\"request\",\"method\":\"GET\",\"path\":\"/ws\",\
             \"headers\":{{\"host\":\"mock-engine\",\"connection\":\"Upgrade\",\"upgrade\":\"websocket\",\
             \"sec-websocket-version\":\"13\",\"sec-websocket-key\":\"dGhlIHNhbXBsZSBub25jZQ==\"}}}}"
        )
    };
    let (first, second) = (request(1), request(2));
    let expected = [
        r#"{"at_ms":0,"waited_ms":0,"kind":"began"}"#,
        r#"{"at_ms":0,"conn":1,"kind":"accepted"}"#,
        &first,
        r#"{"at_ms":0,"conn":1,"kind":"upgraded"}"#,
        r#"{"at_ms":0,"conn":1,"kind":"received","frame":"ping","text":"p"}"#,
        r#"{"at_ms":0,"conn":1,"kind":"sent","what":"pong","to":1}"#,
        r#"{"at_ms":0,"conn":1,"kind":"received","frame":"binary","binary":"/w=="}"#,
        r#"{"at_ms":0,"conn":1,"kind":"received","frame":"text","text":"é"}"#,
        r#"{"at_ms":0,"conn":2,"kind":"accepted"}"#,
        r#"{"at_ms":0,"conn":2,"kind":"state","text":"refuse 503"}"#,
        &second,
        r#"{"at_ms":0,"conn":2,"kind":"refused","status":503}"#,
        r#"{"at_ms":1.5,"kind":"sent","what":"risk","to":1}"#,
        r#"{"at_ms":2,"kind":"sent","what":"risk","to":1}"#,
        r#"{"at_ms":3,"conn":1,"kind":"dropped","end":"reset"}"#,
        r#"{"at_ms":3,"kind":"note","text":"a remark"}"#,
    ];
    let mut lines = lines
        .iter()
        .map(|line| line.trim_end_matches('\n'))
        .collect::<Vec<_>>();
    let header: JournalHeader = serde_json::from_str(lines.remove(0)).unwrap();
    assert_eq!((header.journal, &*header.url), (1, "ws://mock-engine/ws"));
    // Which of the two connections the runtime serves first at one instant is its own affair.
    let mut expected = expected.to_vec();
    lines.sort_by_key(|line| line.contains(r#""conn":2"#));
    expected.sort_by_key(|line| line.contains(r#""conn":2"#));
    assert_eq!(lines, expected);
}

#[test]
fn a_bounded_journal_keeps_the_newest_entries_and_counts_all() {
    in_memory(async {
        let world = World::build(
            Arm::Virtual,
            Engine::builder().retention(Retention::Last(2)),
        )
        .await;
        for n in 0..5 {
            world.engine.note(None, format!("{n}"));
        }
        assert_eq!(world.lines(), ["0.000000 3", "0.000000 4"]);
        assert_eq!(world.engine.journal().len(), 5);
    });
}

#[test]
fn a_journal_that_cannot_be_written_says_so_when_it_is_flushed() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("disk full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    in_memory(async {
        let world = World::build(Arm::Virtual, Engine::builder().journal_to(Box::new(Full))).await;
        world.engine.dial_refused();
        assert_eq!(
            world.engine.journal().flush().unwrap_err().to_string(),
            "disk full"
        );
        assert_eq!(world.lines(), ["0.000000 dial refused"], "the run goes on");
    });
}

#[test]
fn waiting_for_connections_counts_those_that_ended_too() {
    in_memory(async {
        let world = World::bare().await;
        let waiter = world.engine.clone();
        let waiting = tokio::spawn(async move { waiter.wait_for_connections(2).await });
        drop(world.connect().await);
        assert!(!waiting.is_finished());
        let _second = world.connect().await;
        waiting.await.unwrap().unwrap();
    });
}

#[test]
fn a_broadcast_is_one_entry_with_its_number_of_receivers() {
    in_memory(async {
        let world = World::bare().await;
        let _clients = [world.connect().await, world.connect().await];
        world.engine.emit_json(r#"{"event":"heartbeat"}"#);
        assert_eq!(world.lines().last().unwrap(), "0.000000 → heartbeat to 2");
    });
}

/// A file that takes nothing until it is told to.
struct Stuck {
    go: std::sync::mpsc::Receiver<()>,
    going: bool,
    file: Shared,
}

/// Longest that a stuck file waits; a test that needs it has failed.
const STUCK_BOUND: std::time::Duration = std::time::Duration::from_secs(5);

impl Write for Stuck {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.going {
            self.go
                .recv_timeout(STUCK_BOUND)
                .map_err(|_| io::Error::other("never told to go on"))?;
            self.going = true;
        }
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn stuck() -> (std::sync::mpsc::Sender<()>, Shared, Stuck) {
    let (tell, go) = std::sync::mpsc::channel();
    let file = Shared::default();
    let stuck = Stuck {
        go,
        going: false,
        file: file.clone(),
    };
    (tell, file, stuck)
}

#[test]
fn a_disk_that_takes_nothing_stalls_no_client() {
    in_memory(async {
        let (tell, file, stuck) = stuck();
        let builder = Engine::builder().journal_to(Box::new(stuck));
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        let mut client = world.connect().await;
        world.engine.text("hello");
        assert_eq!(client.exactly(7).await, b"\x81\x05hello");
        tell.send(()).unwrap();
        world.engine.journal().flush().unwrap();
        let lines = file.lines();
        assert_eq!(lines.len(), 5, "began, accepted, request, upgraded, sent");
    });
}

#[test]
fn what_a_slow_disk_makes_the_journal_leave_out_is_counted_at_its_place() {
    in_memory(async {
        let (tell, file, stuck) = stuck();
        let builder = Engine::builder().journal_to(Box::new(stuck));
        let world = World::build(Arm::Virtual, builder).await;
        let long = "x".repeat(1 << 10);
        for _ in 0..40_000 {
            world.engine.note(None, &*long);
        }
        tell.send(()).unwrap();
        world.engine.journal().flush().unwrap();
        world.engine.note(None, "behind");
        world.engine.journal().flush().unwrap();
        let lines = file.lines();
        let texts: Vec<String> = lines.iter().map(|line| line.said.to_string()).collect();
        let written = texts.iter().filter(|text| **text == long).count();
        let lost = 40_000 - written;
        assert!(lost > 0);
        assert!(matches!(lines[written].said, Said::Missing { entries } if entries == lost as u64));
        assert_eq!(texts[written + 1..], ["behind"]);
    });
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().concat()).unwrap()
    }

    /// What a reader makes of the file.
    fn lines(&self) -> Vec<JournalLine> {
        let text = self.text();
        let reader = JournalReader::new("journal", text.as_bytes()).unwrap();
        reader.collect::<Result<_, _>>().unwrap()
    }
}

#[test]
fn a_minute_of_a_spinning_client_stays_under_a_mebibyte_and_everything_is_counted() {
    let file = Shared::default();
    let dials: u64 = 60_000 / 5;
    in_memory(async {
        let builder = Engine::builder().retention(Retention::Last(8));
        let builder = builder.journal_to(Box::new(file.clone()));
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        for n in 1..=dials {
            let mut client = world.connect().await;
            client.send(&masked(1, b"subscribe")).await;
            drop(client);
            let until = Micros::from_ms(n * 5);
            world.engine.clock().sleep_until(until).await;
        }
        world.engine.journal().flush().unwrap();
    });
    let bytes = file.text().len();
    assert!(bytes < 1 << 20, "{bytes}");
    let lines = file.lines();
    let attempts = Attempts::of(lines.iter().cloned().map(Ok::<_, ()>)).unwrap();
    assert_eq!(attempts.dials(), dials);
    assert_eq!(attempts.upgraded(), dials);
    assert_eq!(attempts.received(), dials);
}

#[test]
fn dials_of_a_port_that_resets_them_are_counted_and_then_it_listens() {
    for arm in [Arm::Virtual, Arm::Tcp] {
        let test = async {
            let world = World::build(arm, Engine::builder()).await;
            world.engine.start();
            let mut open = world.connect().await;
            world.engine.reset_dials(2);
            assert_eq!(open.all().await.1, "reset");
            for _ in 0..2 {
                assert_eq!(world.observe().await, ["reset"]);
            }
            drop(world.connect().await);
            let journal = world.engine.journal();
            let left = |entries: &[Entry]| {
                entries
                    .iter()
                    .any(|entry| matches!(entry.kind, JournalKind::ClientClosed))
            };
            journal.wait_for(left).await;
            let kinds: Vec<&str> = journal
                .entries()
                .iter()
                .filter(|entry| entry.kind.is_told())
                .map(|entry| entry.kind.name())
                .collect();
            let expected = [
                "accepted",
                "upgraded",
                "down",
                "dropped",
                "dial_reset",
                "dial_reset",
                "up",
                "accepted",
                "upgraded",
                "client_closed",
            ];
            assert_eq!(kinds, expected, "{arm:?}");
        };
        match arm {
            Arm::Virtual => in_memory(test),
            Arm::Tcp => over_tcp(test),
        }
    }
}

#[test]
fn what_a_partition_held_back_is_said_when_it_ends() {
    let released = |world: &World| -> Vec<(usize, usize)> {
        let entries = world.engine.journal().entries();
        let released = entries.iter().filter_map(|entry| match entry.kind {
            JournalKind::Released {
                to_client,
                from_client,
            } => Some((to_client, from_client)),
            _ => None,
        });
        released.collect()
    };
    in_memory(async {
        let tape = tape(&[
            r#"{"at_ms":1000,"partition":"both"}"#,
            r#"{"at_ms":2000,"text":"held"}"#,
            r#"{"at_ms":3000,"partition":"none"}"#,
            r#"{"at_ms":4000,"partition":"to_client"}"#,
            r#"{"at_ms":4500,"text":"gone"}"#,
            r#"{"at_ms":5000,"drop":"reset"}"#,
            r#"{"at_ms":6000,"partition":"none"}"#,
        ]);
        let world = World::build(Arm::Virtual, Engine::builder().layer(tape)).await;
        world.engine.start();
        let mut client = world.connect().await;
        let clock = world.engine.clock();
        clock.sleep_until(Micros::from_ms(1500)).await;
        client.send(&masked(9, b"are you there")).await;
        clock.sleep_until(Micros::from_ms(3500)).await;
        assert_eq!(
            released(&world),
            [(6, 19)],
            "a frame of 6 bytes, and a Ping of 19"
        );
        clock.sleep_until(Micros::from_ms(7000)).await;
        assert_eq!(released(&world), [(6, 19), (6, 0)], "lost with the reset");
    });
}

#[test]
fn times_count_from_the_tapes_zero_and_what_came_before_says_how_long_it_waited() {
    let file = Shared::default();
    in_memory(async {
        let builder = Engine::builder()
            .layer(tape(&[r#"{"at_ms":250,"mark":"here"}"#]))
            .start_at(StartAt::FirstConnection)
            .journal_to(Box::new(file.clone()));
        let world = World::build(Arm::Virtual, builder).await;
        let clock = world.engine.clock();
        clock.sleep_until(Micros::from_ms(1000)).await;
        world.engine.note(None, "before");
        clock.sleep_until(Micros::from_ms(3000)).await;
        let _client = world.connect().await;
        clock.sleep_until(Micros::from_ms(4000)).await;
        world.engine.journal().flush().unwrap();
    });
    let lines = file.lines();
    let at = |name: &str| {
        let named = lines
            .iter()
            .find(|line| matches!(&line.said, Said::Once { kind, .. } if kind.name() == name));
        named.unwrap_or_else(|| panic!("{name} in {lines:?}")).at
    };
    assert_eq!(at("note"), JournalTime::Before(Micros::from_ms(1000)));
    assert_eq!(at("began"), JournalTime::Before(Micros::from_ms(3000)));
    assert_eq!(at("accepted"), JournalTime::At(Micros::ZERO));
    assert_eq!(at("mark"), JournalTime::At(Micros::from_ms(250)));
}

#[test]
fn secrets_are_out_of_the_lines_and_still_in_the_entries() {
    struct Stars;
    impl Redact for Stars {
        fn redact(&mut self, entry: &mut Entry) {
            if let JournalKind::Requested(head) = &mut entry.kind {
                head.target = head.target.replace("hunter2", "*");
            }
        }
    }
    let file = Shared::default();
    in_memory(async {
        let builder = Engine::builder()
            .redact(Box::new(Stars))
            .journal_to(Box::new(file.clone()));
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        let mut client = world.dial().await.unwrap();
        client
            .send(b"GET /ws?token=hunter2 HTTP/1.1\r\nHost: h\r\n\r\n")
            .await;
        client.head().await.unwrap();
        world.engine.journal().flush().unwrap();
        let entries = world.engine.journal().entries();
        let raw = entries.iter().any(|entry| {
            matches!(&entry.kind, JournalKind::Requested(head) if head.target.contains("hunter2"))
        });
        assert!(raw);
    });
    assert!(file.text().contains("/ws?token=*"), "{}", file.text());
    assert!(!file.text().contains("hunter2"));
}
