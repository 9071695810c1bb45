#!/usr/bin/env bash
# crates.io tokio-tungstenite 0.30.0, tokio-websockets 0.13.3, yawc 0.5.0, sockudo-ws 3.1.0, soketto 0.8.1 (needs cargo)
#
# A feed is lost in three ways: the connection ends without a Close, as a killed server leaves it; it ends within a
# message; or it is reset. A program has read one message, and asks what comes next.
# - tokio-tungstenite gives an error, then None.
# - tokio-websockets and sockudo-ws give only None at an end without a Close, just as they do after a Close. With
#   sockudo-ws half a message is not an error either.
# - yawc's stream yields frames, not Results: at the end it gives only None. Errors come from its next_frame.
# - soketto, which is not a stream, returns Closed in the first two cases. It leaves the message's full length in the
#   buffer, with zeros where nothing arrived.
# So a loop that dials again only at an error comes back from every loss with two of the five.
#
# Seen:
#   without a Close: tokio-tungstenite error, tokio-websockets None, yawc None, sockudo-ws None, soketto Closed
#   within a message: tokio-tungstenite error, tokio-websockets error, yawc None, sockudo-ws None, soketto Closed, 9 bytes of which 2 came
#   reset: tokio-tungstenite error, tokio-websockets error, yawc None, sockudo-ws error, soketto error
set -euo pipefail
command -v cargo >/dev/null || { echo "cargo is missing" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > expected <<'EOF'
without a Close: tokio-tungstenite error, tokio-websockets None, yawc None, sockudo-ws None, soketto Closed
within a message: tokio-tungstenite error, tokio-websockets error, yawc None, sockudo-ws None, soketto Closed, 9 bytes of which 2 came
reset: tokio-tungstenite error, tokio-websockets error, yawc None, sockudo-ws error, soketto error
EOF

mkdir src
cat > Cargo.toml <<'EOF'
[package]
name = "losses"
version = "0.0.0"
edition = "2021"

[dependencies]
futures-util = { version = "=0.3.34", default-features = false }
sockudo-ws = { version = "=3.1.0", default-features = false, features = ["tokio-runtime"] }
soketto = { version = "=0.8.1", default-features = false }
tokio = { version = "=1.54.1", features = ["rt", "macros", "net", "io-util", "time"] }
tokio-tungstenite = "=0.30.0"
tokio-util = { version = "0.7", features = ["compat"] }
tokio-websockets = { version = "=0.13.3", features = ["client", "ring", "getrandom"] }
yawc = { version = "=0.5.0", default-features = false }

[profile.dev]
debug = false
EOF

cat > src/main.rs <<'EOF'
use futures_util::StreamExt;
use std::{io::Write, net::SocketAddr, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::compat::TokioAsyncReadCompatExt;

const LOSSES: [&str; 3] = ["without a Close", "within a message", "reset"];
const CRATES: [&str; 5] = ["tokio-tungstenite", "tokio-websockets", "yawc", "sockudo-ws", "soketto"];

/// A feed of one connection and one message, `one`, that is lost.
async fn feed(listener: TcpListener, loss: &str) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(socket.read_u8().await.unwrap());
    }
    let request = String::from_utf8(request).unwrap();
    let mut headers = request.lines().filter_map(|line| line.split_once(": "));
    let (_, key) = headers.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    socket.write_all(answer.as_bytes()).await.unwrap();
    socket.write_all(b"\x81\x03one").await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    match loss {
        "within a message" => socket.write_all(b"\x81\x09tw").await.unwrap(),
        "reset" => socket.set_zero_linger().unwrap(),
        _ => {}
    }
}

/// The kinds of what a stream gives: `message`, `error`, or the name of what ends it.
fn kind<T, E>(item: Option<Result<T, E>>) -> &'static str {
    match item {
        Some(Ok(_)) => "message",
        Some(Err(_)) => "error",
        None => "None",
    }
}

macro_rules! end_of {
    ($stream:ident, $kind:expr) => {{
        let first = $kind($stream.next().await);
        assert_eq!(first, "message");
        $kind($stream.next().await).to_string()
    }};
}

/// What the crate tells behind the message.
async fn end(name: &str, address: SocketAddr) -> String {
    let url = format!("ws://{address}/");
    let dial = || TcpStream::connect(address);
    match name {
        "tokio-tungstenite" => {
            let (mut stream, _) = tokio_tungstenite::client_async(url, dial().await.unwrap()).await.unwrap();
            end_of!(stream, kind)
        }
        "tokio-websockets" => {
            let builder = tokio_websockets::ClientBuilder::new().uri(&url).unwrap();
            let (mut stream, _) = builder.connect_on(dial().await.unwrap()).await.unwrap();
            end_of!(stream, kind)
        }
        "yawc" => {
            let mut stream = yawc::WebSocket::connect(url.parse().unwrap()).await.unwrap();
            end_of!(stream, |item: Option<yawc::Frame>| kind(item.map(Ok::<_, ()>)))
        }
        "sockudo-ws" => {
            let client = sockudo_ws::client::WebSocketClient::<sockudo_ws::Http1>::new(sockudo_ws::Config::default());
            let (mut stream, _) = client.connect(dial().await.unwrap(), "localhost", "/", None).await.unwrap();
            end_of!(stream, kind)
        }
        _ => {
            let mut client = soketto::handshake::Client::new(dial().await.unwrap().compat(), "localhost", "/");
            client.handshake().await.unwrap();
            let (_sender, mut receiver) = client.into_builder().finish();
            let mut message = Vec::new();
            receiver.receive(&mut message).await.unwrap();
            message.clear();
            let error = receiver.receive(&mut message).await.unwrap_err();
            let told = if matches!(error, soketto::connection::Error::Closed) { "Closed" } else { "error" };
            let came = message.iter().filter(|byte| **byte != 0).count();
            match message.len() {
                0 => told.to_string(),
                length => format!("{told}, {length} bytes of which {came} came"),
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for loss in LOSSES {
        let mut told = Vec::new();
        for name in CRATES {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (_, end) = tokio::join!(feed(listener, loss), end(name, address));
            told.push(format!("{name} {end}"));
        }
        println!("{loss}: {}", told.join(", "));
        std::io::stdout().flush().unwrap();
    }
}
EOF

CARGO_TARGET_DIR=target timeout -k 5 280 cargo build --quiet
timeout -k 5 60 target/debug/losses | tee seen
diff expected seen && echo "as described"
