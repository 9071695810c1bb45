//! crates.io zero-engine-client, at its defaults.

use std::env;
use std::error::Error;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::signal::unix::{SignalKind, signal};
use zero_engine_client::{EngineState, WsSubscriber};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (url, token) = (env::var("ENGINE_URL")?, env::var("ENGINE_TOKEN").ok());
    let mut term = signal(SignalKind::terminate())?;
    let state = Arc::new(RwLock::new(EngineState::new()));
    let subscriber = WsSubscriber::spawn(&url, token, state)?;
    let mut events = subscriber.events();
    loop {
        tokio::select! {
            event = events.recv() => println!("{event:?}"),
            _ = term.recv() => break,
        }
    }
    subscriber.shutdown().await?;
    Ok(())
}
