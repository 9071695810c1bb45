//! The mended loop under test: every tape of `fixtures/` is a test, and
//! `cargo test --test stream -- chaos` plays bad sessions at it for a minute.

mod only_listens;

use std::process::ExitCode;
use std::time::Duration;

use price_feed::mended::Jitter;
use price_feed::{Prices, mended};
use serde::Deserialize;
use serde_json::{Value, json};
use wstape::Backoff;

fn main() -> ExitCode {
    let subscriber = wstape::subject(|stage| {
        let prices = Prices::default();
        let shown = prices.clone();
        stage.show_mirror(move || json!(shown.newest()));
        mended::follow(stage.url, prices, Jitter::Off)
    })
    .named("price-feed")
    .backoff(Backoff::new(Duration::from_millis(500), Duration::from_secs(30)))
    .lost_within(Duration::from_secs(30))
    .deterministic()
    .model(json!({}), newest)
    .rule(only_listens::OnlyListens::default());
    wstape::main(&subscriber)
}

/// A message of the feed, read without the subscriber's code, so as not to repeat its mistakes.
#[derive(Deserialize)]
struct Quote {
    symbol: String,
    price: f64,
}

/// Folds a message into what the mirror must show: the newest price of each symbol. Any other
/// message changes nothing.
fn newest(mirror: &mut Value, message: &str) -> bool {
    let Ok(quote) = serde_json::from_str::<Quote>(message) else {
        return false;
    };
    mirror[quote.symbol] = json!(quote.price);
    true
}
