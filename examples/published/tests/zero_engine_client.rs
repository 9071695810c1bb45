//! zero-engine-client, spawned with its own defaults and shut down by its own handle.

use std::process::ExitCode;
use std::sync::Arc;

use parking_lot::RwLock;
use zero_engine_client::{EngineState, WsSubscriber};

fn main() -> ExitCode {
    let subject = wstape::subject(|stage| async move {
        let state = Arc::new(RwLock::new(EngineState::default()));
        let subscriber = WsSubscriber::spawn(&stage.url, None, state).expect("it starts");
        stage.shutdown().await;
        subscriber.shutdown().await.expect("it stops");
    });
    wstape::main(
        &subject
            .named("zero-engine-client 0.1.2")
            .logs_of("zero_engine_client"),
    )
}
