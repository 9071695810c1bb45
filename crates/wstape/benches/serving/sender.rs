//! A bare tungstenite sender, with nothing around it: it feeds frames to one client.

use std::process::Command;

use futures_util::SinkExt as _;
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::{EVENT, EVENTS, server};

/// The argument that makes this binary the sender.
pub(crate) const SENDER: &str = "--sender";

/// Returns the command for this binary as the sender, on that core.
pub(crate) fn command(core: &str) -> Command {
    let program = std::env::current_exe().expect("this binary");
    let mut command = server::on_core(core, program.into());
    command.arg(SENDER);
    command
}

/// Accepts one client, feeds it all events, and waits until it has gone.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        println!(
            "listening on ws://{}",
            listener.local_addr().expect("it listens")
        );
        let (stream, _) = listener.accept().await.expect("a client");
        stream.set_nodelay(true).expect("a socket");
        let mut socket = accept_async(stream).await.expect("a handshake");
        let event = Utf8Bytes::from_static(EVENT);
        for _ in 0..EVENTS {
            if socket.feed(Message::Text(event.clone())).await.is_err() {
                return;
            }
        }
        let _ = socket.flush().await;
        // The client ends the connection.
        while let Some(Ok(_)) = futures_util::StreamExt::next(&mut socket).await {}
    });
}
