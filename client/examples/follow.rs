//! Prints each event of an engine until it is told to end by SIGTERM: the smallest program around a
//! subscriber. It is also what [the referee](../../docs/referee.md) judges this crate by.
//!
//! ```sh
//! ENGINE_URL=ws://127.0.0.1:8765/ws cargo run --package engine-client --example follow
//! ```
//!
//! `ENGINE_TOKEN` is the bearer token, if there is one. Each argument is a text message that every
//! connection begins with, as a subscription is.

use std::env;
use std::error::Error;

use engine_client::{EngineState, WsSubscriber};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut builder = WsSubscriber::builder(&env::var("ENGINE_URL")?);
    if let Ok(token) = env::var("ENGINE_TOKEN") {
        builder = builder.token(token);
    }
    for subscription in env::args().skip(1) {
        builder = builder.send(subscription);
    }
    let mut events = builder.events();
    let mut term = signal(SignalKind::terminate())?;
    let subscriber = builder.spawn(EngineState::shared())?;
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => println!("{event:?}"),
                Err(RecvError::Lagged(missed)) => println!("missed {missed} events"),
                Err(RecvError::Closed) => break,
            },
            _ = term.recv() => break,
        }
    }
    subscriber.shutdown().await?;
    Ok(())
}
