//! The loop as it became under test: it waits before it dials again, longer each time, and it
//! notices a link that has gone silent.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rand::RngExt;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::Prices;

/// The cap of the first delay.
const INITIAL_BACKOFF: Duration = Duration::from_millis(500);
/// The highest cap of a delay.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// How long a dial and its handshake may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which a Ping asks whether the engine is still there.
const PING_AFTER: Duration = Duration::from_secs(15);
/// Silence after which the connection is lost.
const LOST_AFTER: Duration = Duration::from_secs(30);

/// What jitter does to each delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Takes off a random share of it, up to half: clients that lost their connections together
    /// must not come back together.
    Half,
    /// Leaves it as it is, so that a test gives the same times on every run.
    Off,
}

/// Follows the feed for ever.
pub async fn follow(url: String, prices: Prices, jitter: Jitter) {
    let mut cap = INITIAL_BACKOFF;
    loop {
        if heard_anything(&url, &prices).await {
            cap = INITIAL_BACKOFF;
        }
        let share = match jitter {
            Jitter::Half => rand::rng().random_range(0.5..=1.0),
            Jitter::Off => 1.0,
        };
        sleep(cap.mul_f64(share)).await;
        cap = (cap * 2).min(MAX_BACKOFF);
    }
}

/// Reads one connection until it ends; returns whether a frame came on it.
async fn heard_anything(url: &str, prices: &Prices) -> bool {
    let connecting = timeout(CONNECT_TIMEOUT, wstape_dial::connect_async(url));
    let Ok(Ok((mut socket, _))) = connecting.await else {
        return false;
    };
    let mut heard = false;
    let mut last_frame = Instant::now();
    let mut asked = false;
    loop {
        let wait = if asked { LOST_AFTER } else { PING_AFTER };
        match tokio::time::timeout_at(last_frame + wait, socket.next()).await {
            Ok(Some(Ok(message))) => {
                (heard, asked, last_frame) = (true, false, Instant::now());
                // A Ping or a Close may hold what looks like a price, but is not one.
                let is_message = message.is_text() || message.is_binary();
                if let (true, Ok(text)) = (is_message, message.to_text()) {
                    prices.fold(text);
                }
            }
            Ok(Some(Err(_)) | None) => return heard,
            Err(_) if asked => return heard,
            Err(_) => {
                asked = true;
                // A link that accepts no more Pings is lost at the same time as one that is silent.
                let ping = socket.send(Message::Ping(Bytes::new()));
                let _ = tokio::time::timeout_at(last_frame + LOST_AFTER, ping).await;
            }
        }
    }
}
