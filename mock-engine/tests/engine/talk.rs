//! A client that talks: what it says, what it hears, and when.

use wstape_tape::Micros;

use crate::world::{Arm, Client, World, in_memory, masked, upgrade_request};

pub(crate) const TEXT: u8 = 1;

pub(crate) const CLOSE: u8 = 8;

pub(crate) const PING: u8 = 9;

/// An upgrade on another path than the usual.
pub(crate) fn upgrade_of(target: &str) -> Vec<u8> {
    String::from_utf8(upgrade_request(""))
        .unwrap()
        .replace("/ws", target)
        .into_bytes()
}

impl World {
    pub(crate) async fn connect_at(&self, target: &str) -> Client {
        let mut client = self.dial().await.unwrap();
        client.send(&upgrade_of(target)).await;
        let head = client.head().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }

    pub(crate) async fn sleep_until(&self, ms: u64) {
        self.engine.clock().sleep_until(Micros::from_ms(ms)).await;
    }
}

impl Client {
    pub(crate) async fn say(&mut self, text: &str) {
        let frame = if text.len() < 126 {
            masked(TEXT, text.as_bytes())
        } else {
            let len = u16::try_from(text.len()).unwrap().to_be_bytes();
            [
                &[0x81, 0x80 | 0x7e, len[0], len[1], 0, 0, 0, 0],
                text.as_bytes(),
            ]
            .concat()
        };
        self.send(&frame).await;
    }

    /// The next frame: what it says, a control frame by its kind, and how it ended.
    pub(crate) async fn hear(&mut self) -> String {
        let head = self.exactly(2).await;
        let len = match head[1] {
            126 => {
                let len = self.exactly(2).await;
                usize::from(u16::from_be_bytes([len[0], len[1]]))
            }
            short => usize::from(short),
        };
        let payload = self.exactly(len).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match head[0] {
            0x81 => text(&payload),
            0x82 => format!("binary {}", payload.escape_ascii()),
            0x88 => match payload.get(..2) {
                Some(code) => {
                    let code = u16::from_be_bytes([code[0], code[1]]);
                    format!("close {code} {}", text(&payload[2..]))
                }
                None => "close".to_owned(),
            },
            0x89 => format!("ping {}", text(&payload)),
            0x8a => format!("pong {}", text(&payload)),
            first => format!("frame {first:x} {}", text(&payload)),
        }
    }

    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.say(text).await;
        self.hear().await
    }

    /// All that comes up to a time, each with its time in milliseconds; then what is silence is
    /// over.
    pub(crate) async fn hear_until(&mut self, world: &World, ms: u64) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let clock = world.engine.clock();
            tokio::select! {
                biased;
                frame = self.hear() => {
                    heard.push(format!("{} {frame}", clock.now().to_ms_text()));
                }
                () = clock.sleep_until(Micros::from_ms(ms)) => return heard,
            }
        }
    }
}

pub(crate) async fn playing(lines: &[&str]) -> World {
    World::playing(Arm::Virtual, &[lines]).await
}

/// What a client that says these things hears, each answer in turn.
pub(crate) fn answers(lines: &[&str], said: &[&str]) -> Vec<String> {
    in_memory(async {
        let world = playing(lines).await;
        let mut client = world.connect().await;
        let mut heard = Vec::new();
        for text in said {
            heard.push(client.ask(text).await);
        }
        heard
    })
}
