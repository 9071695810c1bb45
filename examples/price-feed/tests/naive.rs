//! The naive loop under test. `cargo test --test naive -- chaos` shows what is wrong with it.

use std::process::ExitCode;

use price_feed::{Prices, naive};

fn main() -> ExitCode {
    wstape::main(
        &wstape::subject(|stage| naive::follow(stage.url, Prices::default()))
            .named("price-feed, naive"),
    )
}
