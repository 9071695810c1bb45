//! A wall clock that is set during a recording, by NTP or by a person: the tape's times go on as
//! before, and so do those in its messages.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use engine_client::{Clock as ClientsClock, Sleep, Target};
use wstape::{ClientClock, ClientDialer};
use wstape_harness::MemoryDialer;
use wstape_mock_engine::{Clock, Engine, MemoryNet};
use wstape_recorder::{Output, Poll, ProxyRecording, Redactor, Rules, Tap};
use wstape_tape::{End, Micros, Tape};

use crate::page::{Page, in_memory};

const ENGINE: &str = r#"{"tape":1,"epoch":"2026-01-01T00:00:00Z"}
{"at_ms":0,"http":{"path":"/v2/status","body":{"market":{"regime":"A"}}}}
{"at_ms":1000,"text":"one"}
{"at_ms":4500,"http":{"path":"/v2/status","body":{"market":{"regime":"B"}}}}
{"at_ms":5000,"text":"two"}
{"at_ms":6500,"http":{"path":"/v2/status","body":{"market":{"regime":"C"}}}}
{"at_ms":7000,"text":"three"}
{"at_ms":9000,"end":true}
"#;

/// When the wall clock is set, and how long the recording lasts.
const SET_AT: Duration = Duration::from_secs(3);
const RECORDED: Micros = Micros::from_ms(8_000);

/// A clock whose wall time is set once.
#[derive(Debug)]
struct Set {
    clock: ClientClock,
    by: TimeDelta,
}

impl ClientsClock for Set {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn wall(&self) -> DateTime<Utc> {
        let by = if self.now() < SET_AT {
            TimeDelta::zero()
        } else {
            self.by
        };
        self.clock.wall() + by
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        self.clock.sleep_until(deadline)
    }
}

/// What a recorder is given.
struct Stage {
    clock: Arc<dyn ClientsClock>,
    time: Clock,
    net: MemoryNet,
    page: Page,
}

impl Stage {
    fn dialer(&self) -> Arc<ClientDialer> {
        let dialer = MemoryDialer::new(self.net.clone(), self.time.clone());
        Arc::new(ClientDialer::new(dialer))
    }

    fn output(&self) -> Output {
        Output::sink("a page", self.page.clone())
    }
}

fn redactor() -> Redactor {
    Redactor::new(Rules::default(), [7; 32])
}

/// Returns what `record` writes if the wall clock is set by this many hours.
fn recorded<F: Future<Output = ()>>(hours: i64, record: impl FnOnce(Stage) -> F) -> String {
    in_memory(async {
        let tape = Tape::parse("engine", ENGINE).expect("a good tape");
        let time = Clock::virtual_at(tape.header.wall_at_zero());
        let builder = Engine::builder().clock(time.clone()).layer(tape);
        let (engine, net) = builder.in_memory().expect("an engine");
        engine.start();
        let clock = Set {
            clock: ClientClock::new(time.clone()),
            by: TimeDelta::hours(hours),
        };
        let page = Page::default();
        record(Stage {
            clock: Arc::new(clock),
            time,
            net,
            page: page.clone(),
        })
        .await;
        engine.shutdown().await;
        page.text()
    })
}

/// Records with a wall clock that is left alone, one that is set back and one that is set forward:
/// the tapes are the same, and hold this many steps.
fn same_whenever_it_is_set<F: Future<Output = ()>>(steps: usize, record: impl Fn(Stage) -> F) {
    let steady = recorded(0, &record);
    let tape = Tape::parse("steady", &steady).expect("a good tape");
    assert_eq!(tape.steps.len(), steps, "{steady}");
    for hours in [-1, 1] {
        assert_eq!(recorded(hours, &record), steady, "set by {hours} h");
    }
}

#[test]
fn a_tap_does_not_see_that_the_wall_clock_was_set() {
    same_whenever_it_is_set(4, async |stage: Stage| {
        let tap = Tap::new("ws://engine.example/ws", None, redactor()).expect("a good url");
        let tap = tap.clock(Arc::clone(&stage.clock)).dialer(stage.dialer());
        let until = stage.time.sleep_until(RECORDED);
        tap.run(stage.output(), until).await.expect("a recording");
    });
}

#[test]
fn what_a_poll_stamps_goes_on_by_the_tapes_own_time_when_the_wall_clock_is_set() {
    let poll = async |stage: Stage| {
        let every = Duration::from_secs(1);
        let poll = Poll::new("http://engine.example", every, None, redactor());
        let poll = poll.expect("a good url").clock(Arc::clone(&stage.clock));
        let until = stage.time.sleep_until(RECORDED);
        let polled = poll.dialer(stage.dialer()).run(stage.output(), until);
        polled.await.expect("a recording");
    };
    same_whenever_it_is_set(10, poll);
    let set_back = recorded(-1, poll);
    let stamps: Vec<&str> = set_back.split(r#""ts":""#).skip(1).collect();
    let seconds: Vec<&str> = stamps.iter().map(|stamp| &stamp[..19]).collect();
    assert_eq!(
        seconds,
        [
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:05",
            "2026-01-01T00:00:07"
        ]
    );
}

#[test]
fn a_recording_of_what_passes_does_not_see_that_the_wall_clock_was_set() {
    const ASKED: &[u8] = b"GET /ws HTTP/1.1\r\nHost: engine.example\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const ANSWERED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    same_whenever_it_is_set(8, async |stage: Stage| {
        let target = Target::parse("ws://engine.example/ws").expect("a good url");
        let clock = Arc::clone(&stage.clock);
        let begun = ProxyRecording::begin(&target, stage.output(), redactor(), clock, |_| ());
        let recording = begun.expect("a page has room");
        let mut connection = recording.connections().connection();
        connection.client_sent(&Bytes::from_static(ASKED));
        connection.engine_sent(&Bytes::from_static(ANSWERED));
        for (ms, frame) in [(1_000, b"\x81\x01a"), (5_000, b"\x81\x01b")] {
            stage.time.sleep_until(Micros::from_ms(ms)).await;
            connection.engine_sent(&Bytes::from_static(frame));
        }
        connection.engine_ended(End::Fin);
        connection.client_ended(End::Fin);
        drop(connection);
        stage.time.sleep_until(RECORDED).await;
        recording.finish().await.expect("a recording");
    });
}
