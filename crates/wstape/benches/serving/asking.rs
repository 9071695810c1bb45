//! Clients that ask and wait for their replies.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::server::{Did, Server};

/// The most bytes read at once.
const BUFFER_BYTES: usize = 16 << 10;

/// A client with some requests waiting.
struct Client {
    stream: TcpStream,
    /// The number of its next request, and of the next reply.
    asks: u32,
    awaits: u32,
    /// What was read but is not yet a whole window.
    read: Vec<u8>,
}

/// Appends the frame of a request, masked with zeros.
fn request(number: u32, into: &mut Vec<u8>) {
    let text = format!(r#"{{"id":{number},"method":"ping"}}"#);
    let length = u8::try_from(text.len()).expect("a short request");
    into.extend([0x81, 0x80 | length, 0, 0, 0, 0]);
    into.extend(text.as_bytes());
}

/// Appends the frame of its reply.
fn reply(number: u32, into: &mut Vec<u8>) {
    let text = format!(r#"{{"id":{number},"result":"pong"}}"#);
    let length = u8::try_from(text.len()).expect("a short reply");
    into.extend([0x81, length]);
    into.extend(text.as_bytes());
}

impl Client {
    /// Sends a window of requests in one write.
    fn ask(&mut self, window: usize) {
        let mut frames = Vec::new();
        for _ in 0..window {
            request(self.asks, &mut frames);
            self.asks += 1;
        }
        self.stream.write_all(&frames).expect("a server that reads");
    }

    /// Waits for the replies to a window of requests, which must be exactly those.
    fn hear(&mut self, window: usize) {
        let mut expected = Vec::new();
        for _ in 0..window {
            reply(self.awaits, &mut expected);
            self.awaits += 1;
        }
        let mut buffer = [0; BUFFER_BYTES];
        while self.read.len() < expected.len() {
            let read = self.stream.read(&mut buffer).expect("a reply in time");
            assert!(read > 0, "the server ended a connection");
            self.read.extend(&buffer[..read]);
        }
        assert!(self.read == expected, "the reply has its request's number");
        self.read.clear();
    }
}

/// Asks for this many replies, on several connections, each of which has `window` requests waiting.
pub(crate) fn ask(server: &Server, connections: usize, window: usize, replies: usize) -> Did {
    let mut clients: Vec<Client> = (1..)
        .map(|nth: u32| Client {
            stream: server.dial(),
            asks: nth * 1_000_000,
            awaits: nth * 1_000_000,
            read: Vec::new(),
        })
        .take(connections)
        .collect();
    server.measure(|| {
        let rounds = replies / (connections * window);
        for client in &mut clients {
            client.ask(window);
        }
        // While one client waits for its replies, all others have requests waiting at the server.
        for round in 1..=rounds {
            for client in &mut clients {
                client.hear(window);
                if round < rounds {
                    client.ask(window);
                }
            }
        }
        rounds * connections * window
    })
}
