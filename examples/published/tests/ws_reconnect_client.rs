//! ws-reconnect-client, as its documentation starts it: `listen` reconnects by itself.

use std::process::ExitCode;

use ws_reconnect_client::{WebSocketClient, WsConnectionConfig};

fn main() -> ExitCode {
    let subject = wstape::subject(|stage| async move {
        // As many attempts as it allows: a bad hour must not end it.
        let config = WsConnectionConfig::new(stage.url.as_str()).with_retries(usize::MAX);
        let client = WebSocketClient::<serde_json::Value>::new(config);
        let listens = client.listen(None::<()>, |_| Ok(()));
        if let Err(error) = listens.await {
            panic!("it gave up: {error}");
        }
    });
    wstape::main(
        &subject
            .named("ws-reconnect-client 0.1.0")
            .logs_of("ws_reconnect_client"),
    )
}
