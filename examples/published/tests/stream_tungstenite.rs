//! stream-tungstenite, as its README starts it and shuts it down, with its default backoff.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use stream_tungstenite::prelude::*;

/// How long its own shutdown may take.
const MAX_SHUTDOWN: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let subject = wstape::subject(|stage| async move {
        let client = WebSocketClient::builder(stage.url.as_str())
            .receive_timeout(Duration::from_secs(30))
            .build();
        let client = Arc::new(client);
        let mut runs = tokio::spawn({
            let client = Arc::clone(&client);
            async move { client.run().await }
        });
        tokio::select! {
            // It returns an error if it gives up.
            ended = &mut runs => ended.expect("no panic").expect("it runs on"),
            () = stage.shutdown() => client.shutdown_graceful(MAX_SHUTDOWN).await.expect("it stops"),
        }
    });
    wstape::main(
        &subject
            .named("stream-tungstenite 0.6.1")
            .logs_of("stream_tungstenite"),
    )
}
