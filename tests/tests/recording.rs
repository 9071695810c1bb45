//! Recorded, then replayed: what the tap writes plays unedited, and gives the mirror that the
//! session itself would give. It runs on real sockets and waits for conditions, never for time.

use std::time::Duration;

use tokio::sync::oneshot;
use wstape::OurSubscriber;
use wstape_harness::Scenario;
use wstape_mock_engine::{Engine, FrameKind, JournalKind};
use wstape_recorder::{Output, Redactor, Rules, Tap};
use wstape_tape::{Action, End, Refusal, Tape};

/// The longest that the session may take; it takes two backoff delays.
const BOUND: Duration = Duration::from_secs(30);

/// An order of members, spaces and number forms that no serialiser would choose.
const RISK: &str = r#"{"event":"risk", "ts":"2026-01-01T00:00:01Z","data":{ "halted":true,"account_value":1.50e2 }}"#;
const REGIME: &str =
    r#"{"event":"regime","data":{"regime":"TREND_LONG"},"ts":"2026-01-01T00:00:02"}"#;
const NO_JSON: &str = "{\"event\":\n\"risk\"";

#[test]
fn a_recorded_session_plays_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("session.jsonl");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let summary = runtime.block_on(async {
        let engine = Engine::builder()
            .token(Some("s3cret".to_owned()))
            .listen(([127, 0, 0, 1], 0).into())
            .await
            .expect("a free port");
        engine.start();
        let url = engine.url().replace("ws://", "ws://ada:pw@") + "?key=s3cret";
        let redactor = Redactor::new(Rules::default(), [7; 32]);
        let tap = Tap::new(&url, Some("s3cret".to_owned()), redactor).expect("a good url");
        let output = Output::create(&path, false).expect("a new file");
        let (stop, stopped) = oneshot::channel();
        let script = async {
            session(&engine).await;
            stop.send(()).expect("the tap still runs");
        };
        let recording = tap.run(output, async { stopped.await.expect("it is sent") });
        let both = async { tokio::join!(recording, script) };
        let (summary, ()) = tokio::time::timeout(BOUND, both).await.expect("in time");
        engine.shutdown().await;
        summary.expect("a recording")
    });
    let counts = summary.counts;
    assert_eq!(
        (counts.connections, counts.outages, counts.lost_frames),
        (3, 1, 0)
    );

    let text = std::fs::read_to_string(&path).expect("a tape");
    assert!(!text.contains("s3cret") && !text.contains("pw"), "{text}");
    assert!(
        text.contains(r#""refuse":{"status":503,"headers":{"x-shard":"7","set-cookie":"#),
        "{text}"
    );
    let tape = Tape::parse("session", &text).expect("a good tape");
    let sent: Vec<&[u8]> = tape
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Emit(json) => Some(&json[..]),
            Action::Text(text) => Some(text.as_bytes()),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [RISK, NO_JSON, REGIME].map(str::as_bytes));
    let ends = |wanted| {
        let is =
            |step: &&wstape_tape::Step| matches!(step.action, Action::Drop(end) if end == wanted);
        tape.steps.iter().filter(is).count()
    };
    assert_eq!((ends(End::Reset), ends(End::Fin)), (1, 0));

    let outcome = Scenario::new(tape).run(&OurSubscriber).expect("it plays");
    assert_eq!(
        outcome.events,
        [("regime".to_owned(), 1), ("risk".to_owned(), 1)].into()
    );
    let whys: Vec<&str> = outcome.reconnects.iter().map(|r| r.why.as_str()).collect();
    assert_eq!(
        whys,
        [
            "reset by the peer",
            "handshake refused with status 503",
            "closed by the peer with 1001"
        ]
    );
    let mirror = outcome.mirror.expect("ours shows one");
    assert_eq!(mirror["risk"]["value"]["account_value"], 150.0);
    assert_eq!(mirror["regime"]["value"]["regime"], "TREND_LONG");
    assert_eq!(mirror["connection"]["undecodable"], 1);
    assert_eq!(mirror["connection"]["ws_connected"], true);
}

#[test]
fn a_tape_that_the_token_reaches_is_found_out() {
    const TOKEN: &str = "correct-horse-battery";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("session.jsonl");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let recorded = runtime.block_on(async {
        let engine = Engine::builder()
            .token(Some(TOKEN.to_owned()))
            .listen(([127, 0, 0, 1], 0).into())
            .await
            .expect("a free port");
        engine.start();
        let redactor = Redactor::new(Rules::default(), [7; 32]);
        let tap = Tap::new(&engine.url(), Some(TOKEN.to_owned()), redactor).expect("a good url");
        let output = Output::create(&path, false).expect("a new file");
        let (stop, stopped) = oneshot::channel();
        let script = async {
            engine.wait_for_connections(1).await.unwrap();
            engine.emit_json(format!(r#"{{"event":"hello","data":{{"you":"{TOKEN}"}}}}"#));
            answered(&engine, "1").await;
            stop.send(()).expect("the tap still runs");
        };
        let recording = tap.run(output, async { stopped.await.expect("it is sent") });
        let both = async { tokio::join!(recording, script) };
        let (recorded, ()) = tokio::time::timeout(BOUND, both).await.expect("in time");
        engine.shutdown().await;
        recorded
    });
    let said = recorded.expect_err("the tape is not safe").to_string();
    assert!(
        said.contains("session.jsonl.unsafe:2: the bearer token in the value of "),
        "{said}"
    );
    assert!(!said.contains(TOKEN) && !path.exists(), "{said}");
}

/// Plays three connections: one reset, one closed after a refused attempt, one open to the end.
async fn session(engine: &Engine) {
    engine.wait_for_connections(1).await.unwrap();
    engine.emit_json(RISK);
    engine.text(NO_JSON);
    answered(engine, "1").await;
    let headers = [("x-shard", "7"), ("set-cookie", "session=s3cret")];
    let refusal = Refusal {
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..Refusal::new(503)
    };
    engine.refuse_with(refusal, Some(1));
    engine.drop_connections(End::Reset);
    engine.wait_for_connections(2).await.unwrap();
    engine.emit_json(REGIME);
    answered(engine, "2").await;
    engine.close(1001, "going away");
    engine.wait_for_connections(3).await.unwrap();
    answered(engine, "3").await;
}

/// Pings, and waits for the Pong: everything sent before has arrived by then.
async fn answered(engine: &Engine, payload: &str) {
    engine.ping(payload.to_owned());
    let wait = engine.journal();
    wait.wait_for(|entries| {
        entries.iter().any(|entry| {
            matches!(&entry.kind, JournalKind::Received(frame)
                if frame.kind == FrameKind::Pong && frame.text() == Some(payload))
        })
    })
    .await;
}
