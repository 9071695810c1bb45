//! The loop that one writes first: connect, read until it ends, connect again.

use futures_util::StreamExt;

use crate::Prices;

/// Follows the feed for ever.
pub async fn follow(url: String, prices: Prices) {
    loop {
        let Ok((mut socket, _)) = wstape_dial::connect_async(&url).await else {
            continue;
        };
        while let Some(Ok(message)) = socket.next().await {
            if let Ok(text) = message.to_text() {
                prices.fold(text);
            }
        }
    }
}
