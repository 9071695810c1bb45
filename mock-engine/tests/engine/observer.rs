//! What an observer of a real engine's traffic is told.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use wstape_mock_engine::{ConnectionObserver, Engine, Observer, Upstream};
use wstape_tape::End;

use crate::upstream::Between;
use crate::world::{in_memory, masked, tape, upgrade_request};

/// Keeps everything it is told.
#[derive(Debug, Default, Clone)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Observer for Told {
    fn connection(&self) -> Box<dyn ConnectionObserver> {
        self.0.lock().push("connection".to_owned());
        Box::new(self.clone())
    }
}

impl ConnectionObserver for Told {
    fn client_sent(&mut self, bytes: &Bytes) {
        self.0.lock().push(format!("> {}", bytes.len()));
    }

    fn engine_sent(&mut self, bytes: &Bytes) {
        self.0.lock().push(format!("< {}", bytes.len()));
    }

    fn client_ended(&mut self, end: End) {
        self.0.lock().push(format!("> {}", end.word()));
    }

    fn engine_ended(&mut self, end: End) {
        self.0.lock().push(format!("< {}", end.word()));
    }

    fn unreachable(&mut self, why: &str) {
        self.0.lock().push(why.to_owned());
    }
}

#[test]
fn an_observer_is_told_what_was_said_and_how_it_ended_and_nothing_that_was_laid_over() {
    in_memory(async {
        let told = Told::default();
        let observer = Arc::new(told.clone());
        let overlay = &[
            r#"{"on_connect":"each","after_frames":0,"text":"not of the engine"}"#,
            r#"{"at_ms":1000,"drop":"reset"}"#,
        ];
        let overlays = Engine::builder().layer(tape(overlay));
        let real = &[r#"{"on_message":{"text":"hi"},"text":"ho"}"#];
        let with = |upstream: Upstream| upstream.observer(observer);
        let between = Between::build(real, overlays, with).await;
        let mut client = between.world.connect().await;
        client.send(&masked(1, b"hi")).await;
        client.all().await;
        between.real_says("#1 client reset").await;
        let told = told.0.lock().clone();
        let request = format!("> {}", upgrade_request("").len());
        assert_eq!((told[0].as_str(), &told[1]), ("connection", &request));
        let answer = told[2..told.len() - 3]
            .iter()
            .filter(|line| line.starts_with("< "));
        assert!(answer.count() > 0, "{told:?}");
        assert_eq!(told[told.len() - 3..], ["> 8", "< 4", "< reset"]);
    });
}
