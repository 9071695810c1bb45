//! An engine with a control port, and a client of that port.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wstape_mock_engine::{Control, EngineBuilder};

use crate::world::{Arm, Client, World};

/// An engine with a control port.
pub(crate) struct Steered {
    pub(crate) world: World,
    pub(crate) control: Control,
}

impl Steered {
    pub(crate) async fn build(builder: EngineBuilder) -> Self {
        let builder = builder.followed(true).judging(true);
        let world = World::build(Arm::Tcp, builder).await;
        world.engine.start();
        let control = world.engine.control(loopback(), None, None).unwrap();
        Self { world, control }
    }

    /// A request and its answer: status and body.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let addr = self.control.addr();
        let host = format!("Host: {addr}\r\n");
        ask(addr, &host, method, path, body).await
    }

    /// As `ask`, of an answer that is JSON.
    pub(crate) async fn json(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, body) = self.ask(method, path, body).await;
        let value = serde_json::from_str(&body);
        (
            status,
            value.unwrap_or_else(|error| panic!("{path}: {error}: {body:?}")),
        )
    }

    pub(crate) async fn connect(&self) -> Client {
        self.world.connect().await
    }
}

pub(crate) fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// Sends a request of HTTP/1.0, whose answer ends with the connection, and reads it whole.
pub(crate) async fn ask(
    addr: SocketAddr,
    headers: &str,
    method: &str,
    path: &str,
    body: &str,
) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.0\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // One that is refused for its length is not read to its end.
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    parse(&answer)
}

pub(crate) fn parse(answer: &[u8]) -> (u16, String) {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.unwrap_or(0), body.to_owned())
}
