#!/usr/bin/env bash
# crates.io tokio-retry 0.3.0, retry 2.1.0, backon 1.6.0 (needs cargo)
#
# Three crates, one goal: delays that begin at 500 ms and grow. retry and backon double the delay. tokio-retry's
# ExponentialBackoff::from_millis(500) takes 500 as the base of the power: the second delay is four minutes, the third a
# day and a half. To double from 500 ms, write from_millis(2).factor(250).
#
# Seen, in milliseconds:
#   tokio-retry, from_millis(500): 500 250000 125000000
#   tokio-retry, from_millis(2).factor(250): 500 1000 2000
#   retry, from_millis(500): 500 1000 2000
#   backon, with_min_delay(500 ms): 500 1000 2000
#
# A test with a single refused dial passes; a client after a longer outage seems dead.
set -euo pipefail
command -v cargo >/dev/null || { echo "cargo is missing" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > expected <<'EOF'
tokio-retry, from_millis(500): 500 250000 125000000
tokio-retry, from_millis(2).factor(250): 500 1000 2000
retry, from_millis(500): 500 1000 2000
backon, with_min_delay(500 ms): 500 1000 2000
EOF

mkdir src
cat > Cargo.toml <<'EOF'
[package]
name = "delays"
version = "0.0.0"
edition = "2021"

[dependencies]
tokio-retry = "=0.3.0"
retry = { version = "=2.1.0", default-features = false }
backon = { version = "=1.6.0", default-features = false }
EOF

cat > src/main.rs <<'EOF'
use backon::BackoffBuilder;
use std::time::Duration;

fn show(what: &str, delays: impl Iterator<Item = Duration>) {
    let delays: Vec<String> = delays.take(3).map(|d| d.as_millis().to_string()).collect();
    println!("{what}: {}", delays.join(" "));
}

fn main() {
    use tokio_retry::strategy::ExponentialBackoff;
    show("tokio-retry, from_millis(500)", ExponentialBackoff::from_millis(500));
    show("tokio-retry, from_millis(2).factor(250)", ExponentialBackoff::from_millis(2).factor(250));
    show("retry, from_millis(500)", retry::delay::Exponential::from_millis(500));
    let backon = backon::ExponentialBuilder::default().with_min_delay(Duration::from_millis(500)).build();
    show("backon, with_min_delay(500 ms)", backon);
}
EOF

CARGO_TARGET_DIR=target timeout -k 5 110 cargo run --quiet | tee seen
diff expected seen && echo "as described"
