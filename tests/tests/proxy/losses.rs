//! A disk that does not keep up: the traffic goes on, and the tape says what it lacks.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use wstape::ClientClock;
use wstape_mock_engine::Clock;
use wstape_recorder::{Output, Proxy, Redactor, Rules, Sink, Summary};
use wstape_tape::{Action, Header, Micros, RawFrame, Step, Tape};

use crate::world::{
    Net, Page, UPSTREAM, Visit, Way, door, engine, in_memory, parsed, played, upgrade_request,
};

/// The number of clients, each of which gets all messages: together more than may wait for a disk.
const CLIENTS: u64 = 3;
/// The messages that come while the disk stalls, and the size of each.
const BURST: usize = 600;
const MESSAGE_BYTES: usize = 64 << 10;
/// When they come, when some more come, and the end.
const AT: Micros = Micros::from_ms(100);
const LATER: Micros = Micros::from_ms(5_000);
const END: Micros = Micros::from_ms(9_000);
/// Where the disk stalls: the first line of the burst.
const STUMBLING_BLOCK: &[u8] = b"\"at_ms\":100,";

/// A disk that stalls until it is released.
struct Gate {
    page: Page,
    /// Blocks the disk until the other end is dropped.
    closed: Receiver<()>,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_block = |window: &[u8]| window == STUMBLING_BLOCK;
        if bytes.windows(STUMBLING_BLOCK.len()).any(is_block) {
            // Waits until the other end is gone; that is an error of the channel's, but not here.
            let _ = self.closed.recv();
        }
        self.page.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Gate {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns a tape with a burst to all clients, each message followed by one in fragments, and some
/// events later.
fn tape() -> Tape {
    let mut steps = Vec::new();
    let message = |n: usize| format!("{n:06}{}", "x".repeat(MESSAGE_BYTES - 6));
    for n in 0..BURST {
        steps.push(Step::at(AT, Action::Text(message(n))));
        for (fin, opcode) in [(false, 1), (false, 0), (true, 0)] {
            let frame = RawFrame {
                fin,
                rsv: 0,
                opcode,
                mask: None,
                payload: "part".into(),
                declared_len: None,
            };
            steps.push(Step::at(AT, Action::Frame(frame)));
        }
    }
    for n in 0..3 {
        let event = format!(r#"{{"event":"later","data":{n}}}"#);
        steps.push(Step::at(LATER, Action::Emit(event.into())));
    }
    Tape::new(Header::default(), steps)
}

/// Reads everything until the end, and releases the disk once the burst is there.
async fn client(clock: Clock, way: Way, burst: usize, closed: Sender<()>) -> usize {
    let mut closed = Some(closed);
    let mut stream = way.dial().await.expect("a proxy");
    let request = upgrade_request();
    stream.write_all(request.as_bytes()).await.expect("a proxy");
    let mut buffer = vec![0; 1 << 16];
    let mut have = 0;
    loop {
        let read = tokio::select! {
            read = stream.read(&mut buffer) => read,
            () = clock.sleep_until(END) => return have,
        };
        match read.expect("no reset") {
            0 => return have,
            len => have += len,
        }
        if have >= burst {
            drop(closed.take());
        }
    }
}

/// Records on a disk that stalls until all clients have the whole burst, or, if the traffic waits
/// for the disk, only until the burst begins.
fn recorded_by(tape: &Tape, lossless: bool) -> (Summary, usize, String) {
    in_memory(async {
        let clock = Clock::virtual_at(tape.header.wall_at_zero());
        let (engine, net) = engine(tape.clone(), &clock);
        let (door, doorstep) = door(&clock);
        let (close, closed) = channel();
        let page = Page::default();
        let gate = Gate {
            page: page.clone(),
            closed,
        };
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let way = Way::Proxied(door.clone());
            let burst = if lossless { 0 } else { BURST * MESSAGE_BYTES };
            clients.spawn(client(clock.clone(), way, burst, close.clone()));
        }
        drop(close);
        let redactor = Redactor::new(Rules::default(), [7; 32]);
        let proxy = Proxy::new(UPSTREAM, redactor)
            .expect("a good url")
            .lossless(lossless)
            .clock(Arc::new(ClientClock::new(clock.clone())));
        let until = clock.sleep_until(END);
        let recording = proxy.run(doorstep, Net(net), Output::sink("page", gate), until);
        let (summary, got) = tokio::join!(recording, clients.join_all());
        engine.shutdown().await;
        assert!(got.iter().all(|bytes| *bytes == got[0]), "{got:?}");
        (summary.expect("a recording"), got[0], page.text())
    })
}

#[test]
fn what_the_disk_is_too_slow_for_is_told_and_the_rest_plays() {
    let tape = tape();
    let (summary, got, text) = recorded_by(&tape, false);
    // All of the traffic came through.
    assert!(got > BURST * MESSAGE_BYTES);
    // The tape says how much it lacks and where, and goes on after that.
    let counts = summary.counts;
    assert!(counts.lost_frames > 100, "{counts:?}");
    let again = parsed(&text);
    let marks = again.steps.iter().filter_map(|step| match &step.action {
        Action::Mark(text) if text.starts_with("lost ") => Some(text),
        _ => None,
    });
    let marks: Vec<_> = marks.collect();
    assert!(!marks.is_empty());
    let kept = text.matches(r#""emit":{"event":"later""#).count();
    assert_eq!(kept as u64, 3 * CLIENTS, "{marks:?}");
    // What is left is whole messages, for a client that reads strictly.
    let visits = vec![Visit::default(); usize::try_from(CLIENTS).expect("few")];
    for saw in played(&again, &visits, END) {
        let bytes = saw.all_bytes();
        assert!(whole_messages(&bytes), "{:?}", saw.end);
        assert!(bytes.ends_with(br#"{"event":"later","data":2}"#));
    }
}

#[test]
fn a_lossless_proxy_slows_the_traffic_down_instead() {
    let tape = tape();
    let (summary, got, text) = recorded_by(&tape, true);
    assert!(got > BURST * MESSAGE_BYTES);
    assert_eq!(summary.counts.lost_bytes, 0);
    let texts = text.matches(r#""text":""#).count() as u64;
    let later = text.matches(r#""emit":{"event":"later""#).count() as u64;
    assert_eq!((texts, later), (BURST as u64 * CLIENTS, 3 * CLIENTS));
    assert!(!text.contains(r#""mark":"#));
}

/// Whether these are frames in which each message begins after the previous one has ended.
fn whole_messages(mut bytes: &[u8]) -> bool {
    let mut in_message = false;
    while let [first, second, rest @ ..] = bytes {
        let (len, rest) = match (second, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (127, [_, _, _, _, a, b, c, d, rest @ ..]) => {
                let len = u32::from_be_bytes([*a, *b, *c, *d]);
                (usize::try_from(len).expect("it fits"), rest)
            }
            (short, rest) => (usize::from(*short), rest),
        };
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        if (opcode == 0) != in_message || len > rest.len() {
            return false;
        }
        in_message = !fin;
        bytes = &rest[len..];
    }
    bytes.is_empty() && !in_message
}
