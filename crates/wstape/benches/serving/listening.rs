//! A client that only listens.

use std::io::Read;

use crate::EVENT;
use crate::server::{Did, Server};

/// The most bytes read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Reads this many events.
pub(crate) fn listen(server: &Server, events: usize) -> Did {
    let length = u16::try_from(EVENT.len()).expect("a short event");
    let [high, low] = length.to_be_bytes();
    let frame = [&[0x81, 126, high, low], EVENT.as_bytes()].concat();
    let mut stream = server.dial();
    let mut buffer = vec![0; BUFFER_BYTES];
    server.measure(|| {
        let mut first: Vec<u8> = Vec::new();
        let mut left = frame.len() * events;
        while left > 0 {
            let read = stream.read(&mut buffer).expect("events in time");
            assert!(read > 0, "the server sends all of them");
            if first.len() < frame.len() {
                first.extend(&buffer[..read]);
                let compared = first.len().min(frame.len());
                assert!(first[..compared] == frame[..compared], "the event as it is");
            }
            left = left.saturating_sub(read);
        }
        events
    })
}
