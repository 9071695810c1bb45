//! The mended loop under test: every tape of `fixtures/` is a test, and
//! `cargo test --test stream -- chaos` plays bad sessions at it for a minute.

use std::process::ExitCode;

use price_feed::mended::Jitter;
use price_feed::{Prices, mended};

fn main() -> ExitCode {
    wstape::main(
        &wstape::subject(|stage| mended::follow(stage.url, Prices::default(), Jitter::Off)).named("price-feed"),
    )
}
