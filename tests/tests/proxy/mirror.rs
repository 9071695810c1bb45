//! A subscriber behind the proxy, and one to which the proxy's tape is played.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine_client::{EngineState, JitterMode, ReconnectConfig, WsSubscriber};
use serde_json::Value;
use wstape::ClientClock;
use wstape::OurSubscriber;
use wstape_harness::Scenario;
use wstape_mock_engine::{Clock, Engine, Layer};
use wstape_tape::{Micros, Tape};

use crate::world::{Way, door, in_memory, parsed, record};

/// How much longer the recording lasts than the engine has something to do.
const GRACE: Micros = Micros::from_ms(1_000);

/// Returns the mirror of a subscriber behind a proxy in front of an engine that plays `layers`, and
/// the proxy's tape.
fn behind_a_proxy(layers: Vec<Tape>) -> (Value, String) {
    in_memory(async {
        let clock = Clock::virtual_at(layers[0].header.wall_at_zero());
        let builder = layers
            .into_iter()
            .fold(Engine::builder().clock(clock.clone()), |builder, tape| {
                builder.layer(Layer::from(tape))
            });
        let (engine, net) = builder.in_memory().expect("good tapes");
        engine.start();
        tokio::task::yield_now().await;
        let (door, doorstep) = door(&clock);
        let subscriber = WsSubscriber::builder(&engine.url())
            .reconnect(ReconnectConfig {
                jitter: JitterMode::None,
                ..ReconnectConfig::default()
            })
            .clock(Arc::new(ClientClock::new(clock.clone())))
            .dialer(Arc::new(Way::Proxied(door)))
            .spawn(EngineState::shared())
            .expect("it starts");
        let mut mirror = Value::Null;
        let until = async {
            let played = engine.finished().await.expect("it plays");
            let end = Micros(played.last_step_at.0 + GRACE.0);
            clock.sleep_until(end).await;
            let state = subscriber.state();
            mirror = serde_json::to_value(&*state.read()).expect("it serialises");
        };
        let (recorded, text) = record(&clock, doorstep, net, until).await;
        recorded.expect("a recording");
        subscriber.shutdown().await.expect("it stops");
        engine.shutdown().await;
        (mirror, text)
    })
}

fn folder(name: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures")
        .join(name);
    let entries = root.read_dir().expect("a folder");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

fn load(path: &Path) -> Tape {
    Tape::load(path).unwrap_or_else(|error| panic!("{}", error.report()))
}

#[test]
fn a_subscriber_driven_by_the_tape_has_the_mirror_of_the_one_behind_the_proxy() {
    let mut sessions = Vec::new();
    for recording in folder("recordings") {
        sessions.push((recording.clone(), None));
        for overlay in folder("overlays") {
            sessions.push((recording.clone(), Some(overlay)));
        }
    }
    for (recording, overlay) in sessions {
        let what = format!("{} under {overlay:?}", recording.display());
        let layers = std::iter::once(&recording).chain(&overlay);
        let layers = layers.map(|path| load(path)).collect();
        let (before, text) = behind_a_proxy(layers);
        let outcome = Scenario::new(parsed(&text)).run(&OurSubscriber);
        let after = outcome.expect("it plays").mirror.expect("ours shows one");
        assert_eq!(before, after, "{what}");
        assert!(
            before["connection"]["total_attempts"].as_u64() > Some(0),
            "{what}"
        );
    }
}
