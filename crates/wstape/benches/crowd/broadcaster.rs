//! The least that it takes to send the same to everyone: a tokio task that writes one frame to one
//! socket after another.

use std::io;
use std::time::Duration;

use chrono::Utc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::accept_async;

use crate::plan::{Plan, event};

/// Connections that the kernel may keep waiting.
const MAX_BACKLOG: u32 = 4096;

/// Takes the plan's clients, sends them its turns, and stays until it is killed.
pub(crate) async fn run(plan: &Plan) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener = socket.listen(MAX_BACKLOG)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let (upgraded, mut clients) = mpsc::channel(plan.clients);
    let mut sockets = Vec::with_capacity(plan.clients);
    while sockets.len() < plan.clients {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                tokio::spawn(upgrade(stream, upgraded.clone()));
            }
            Some(stream) = clients.recv() => sockets.push(stream),
        }
    }
    let began = Instant::now();
    let mut number = 0;
    for &(at_ms, events) in plan.turns() {
        sleep_until(began + Duration::from_millis(at_ms)).await;
        for _ in 0..events {
            number += 1;
            broadcast(&mut sockets, number).await?;
        }
    }
    std::future::pending().await
}

async fn upgrade(stream: TcpStream, upgraded: mpsc::Sender<TcpStream>) {
    if let Ok(socket) = accept_async(stream).await {
        let _ = upgraded.send(socket.into_inner()).await;
    }
}

async fn broadcast(sockets: &mut [TcpStream], number: u64) -> io::Result<()> {
    let text = event(Utc::now(), number);
    let length = u16::try_from(text.len()).expect("a short event");
    let [high, low] = length.to_be_bytes();
    let frame = [&[0x81, 126, high, low], text.as_bytes()].concat();
    for socket in sockets {
        socket.write_all(&frame).await?;
    }
    Ok(())
}
