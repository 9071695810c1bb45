//! A second subscriber under test, different on purpose: a scenario asks so little of a subscriber
//! that thirty lines of bare tungstenite are enough.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine_client::Target;
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;
use wstape::OurSubscriber;
use wstape_harness::{Arrival, Hearing, Outcome, Receiver, Running, Scenario, Stage, Subject};
use wstape_oracle::{Heard, Mirror};
use wstape_tape::Micros;

/// How long it waits before each dial but the first, whatever happened.
const RETRY: Duration = Duration::from_secs(1);

/// Shows the raw `data` that came last for each event, and reports nothing about itself.
struct Bare;

/// The last `data` of each event.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<BTreeMap<String, Value>>>);

impl Subject for Bare {
    fn name(&self) -> String {
        "bare tungstenite, retry 1s".to_owned()
    }

    fn start(&self, stage: Stage) -> Result<Running, String> {
        let target = Target::parse(&stage.url).map_err(|error| error.to_string())?;
        let seen = Seen::default();
        let (told, events) = unbounded_channel();
        tokio::spawn(run(stage, target, seen.clone(), told));
        Ok(Running {
            mirror: Some(Arc::new(seen)),
            receiver: Some(Box::new(Events(events))),
            ..Running::default()
        })
    }
}

impl Mirror for Seen {
    fn json(&self) -> Value {
        serde_json::to_value(&*self.0.lock()).unwrap()
    }
}

struct Events(UnboundedReceiver<String>);

impl Receiver for Events {
    fn hear(&mut self) -> Option<Heard> {
        None
    }

    fn next(&mut self) -> Hearing<'_> {
        Box::pin(async {
            match self.0.recv().await {
                Some(event) => Arrival::Event(event.into()),
                None => Arrival::Closed,
            }
        })
    }
}

async fn run(stage: Stage, target: Target, seen: Seen, told: UnboundedSender<String>) {
    loop {
        if let Ok(stream) = stage.dialer.dial(target.host(), target.port()).await
            && let Ok((mut socket, _)) =
                tokio_tungstenite::client_async(stage.url.as_str(), stream).await
        {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Text(text) = message {
                    seen.take(&text, &told);
                }
            }
        }
        let next = stage.clock.now() + RETRY;
        stage.clock.sleep_until(next).await;
    }
}

impl Seen {
    fn take(&self, text: &str, told: &UnboundedSender<String>) {
        let Ok(mut message) = serde_json::from_str::<Value>(text) else {
            return;
        };
        let Some(event) = message["event"].as_str().map(ToOwned::to_owned) else {
            return;
        };
        // A send fails if nobody counts, which is no error here.
        let _ = told.send(event.clone());
        self.0.lock().insert(event, message["data"].take());
    }
}

fn both(tape: &str) -> (Outcome, Outcome) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let scenario = Scenario::from_path(fixtures.join(tape));
    let ours = scenario.run(&OurSubscriber).unwrap();
    (ours, scenario.run(&Bare).unwrap())
}

/// Returns the engine's half of a timeline: every line that the subscriber did not report itself.
fn engines_half(outcome: &Outcome) -> Vec<String> {
    let lines = outcome.timeline.lines().iter();
    lines
        .filter(|line| !line.text.starts_with("client "))
        .map(|line| format!("{} {:?} {}", line.at, line.conn, line.text))
        .collect()
}

/// When the engine was dialled.
fn dials(outcome: &Outcome) -> Vec<Micros> {
    let lines = outcome.timeline.lines().iter();
    lines
        .filter(|line| line.text == "accepted" || line.text == "dial refused")
        .map(|line| line.at)
        .collect()
}

#[test]
fn a_session_without_a_fault_looks_the_same_to_the_engine_whoever_listens() {
    let (ours, bare) = both("recordings/trading-session.jsonl");
    assert!(!engines_half(&bare).is_empty());
    assert_eq!(dials(&bare), dials(&ours));
    assert_eq!(bare.duration, ours.duration);
    // Our subscriber pings if the engine falls silent; the bare one never does.
    let without_pings = |outcome: &Outcome| {
        let mut lines = engines_half(outcome);
        lines.retain(|line| !line.contains("ping") && !line.contains("pong"));
        lines
    };
    assert_eq!(without_pings(&bare), without_pings(&ours));
}

#[test]
fn each_subscriber_shows_the_mirror_that_it_keeps() {
    let (ours, bare) = both("recordings/trading-session.jsonl");
    let (ours_mirror, bare_mirror) = (ours.mirror.unwrap(), bare.mirror.unwrap());
    assert!(ours_mirror["connection"].is_object());
    assert!(bare_mirror.get("connection").is_none());
    assert_eq!(
        bare_mirror["regime"]["regime"],
        ours_mirror["regime"]["value"]["regime"]
    );
    // Both count the same events: one by the names on the wire, ours by the typed events.
    assert_eq!(bare.events["heartbeat"], ours.events["heartbeat"]);
    let all = |events: &BTreeMap<String, u64>| events.values().sum::<u64>();
    assert_eq!(all(&bare.events), all(&ours.events));
}

#[test]
fn a_restart_shows_where_another_backoff_departs_from_ours() {
    let (ours, bare) = both("tapes/l2-restart.jsonl");
    let at = |ms: &[u64]| ms.iter().map(|ms| Micros::from_ms(*ms)).collect::<Vec<_>>();
    // Both connections are closed at 3 s; the engine is gone from 3.05 s to 7.05 s.
    assert_eq!(dials(&ours), at(&[0, 3500, 4500, 6500, 10_500]));
    assert_eq!(dials(&bare), at(&[0, 4000, 5000, 6000, 7000, 8000]));
    let gaps: Vec<_> = ours
        .reconnects
        .iter()
        .filter_map(wstape_harness::Reconnect::gap)
        .collect();
    assert_eq!(gaps, at(&[500, 1000, 2000, 4000]));
    assert_eq!(bare.reconnects, [], "it tells nothing of itself");
    assert!(bare.to_string().contains("bare tungstenite"));
}
