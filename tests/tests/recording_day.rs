//! A day of recording, in virtual time: memory does not grow. It runs in a process of its own and
//! counts every allocation.

use std::alloc::System;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cap::Cap;
use chrono::DateTime;
use tokio::sync::oneshot;
use wstape::{ClientClock, ClientDialer};
use wstape_harness::MemoryDialer;
use wstape_mock_engine::{Clock, Engine, Retention};
use wstape_recorder::{Fsync, Output, Redactor, Rules, Sink, Tap};
use wstape_tape::{End, Micros};

#[global_allocator]
static LIVE: Cap<System> = Cap::new(System, usize::MAX);

/// How long the recording lasts.
const HOURS: u64 = 24;
/// The seconds from one event to the next.
const EVENT_EVERY_S: u64 = 10;
/// Bytes of data in each event, different each time: keeping one in two hundred would show.
const EVENT_BYTES: usize = 500;
/// Hours after which all buffers have grown to what they need.
const WARM_HOURS: usize = 2;
/// How much memory may differ from hour to hour: threads, wakers and timers of the moment.
const SLACK_BYTES: usize = 16 << 10;

/// A sink that counts, and keeps nothing.
#[derive(Debug, Clone, Default)]
struct Counting {
    bytes: Arc<AtomicU64>,
    syncs: Arc<AtomicU64>,
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.fetch_add(bytes.len() as u64, Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Counting {
    fn sync(&mut self) -> io::Result<()> {
        self.syncs.fetch_add(1, Relaxed);
        Ok(())
    }
}

#[test]
fn a_day_of_recording_takes_the_memory_of_an_hour() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let sink = Counting::default();
    let (summary, live) = runtime.block_on(async {
        let clock = Clock::virtual_at(DateTime::UNIX_EPOCH);
        let (engine, net) = Engine::builder()
            .clock(clock.clone())
            .retention(Retention::Last(100))
            .in_memory()
            .expect("an engine");
        engine.start();
        let redactor = Redactor::new(Rules::default(), [7; 32]);
        let tap = Tap::new(&engine.url(), None, redactor)
            .expect("a good url")
            .clock(Arc::new(ClientClock::new(clock.clone())))
            .dialer(Arc::new(ClientDialer::new(MemoryDialer::new(
                net,
                clock.clone(),
            ))));
        let output = Output::sink("counting", sink.clone()).fsync(Fsync::default());
        let (stop, stopped) = oneshot::channel();
        let day = async {
            let live = day(&engine, &clock).await;
            stop.send(()).expect("the tap still runs");
            live
        };
        let recording = tap.run(output, async { stopped.await.expect("it is sent") });
        let (summary, live) = tokio::join!(recording, day);
        (summary.expect("a recording"), live)
    });

    let counts = summary.counts;
    let sent = HOURS * 3_600 / EVENT_EVERY_S;
    // In each hour a few turns find nobody connected, or send no event.
    assert!(counts.frames > sent - 6 * HOURS, "{counts:?}");
    assert_eq!((counts.outages, counts.lost_frames), (HOURS, 0));
    assert_eq!(counts.connections, 2 * HOURS + 1);
    let bytes = sink.bytes.load(Relaxed);
    assert_eq!(bytes, counts.written_bytes);
    assert!(bytes > counts.frames * EVENT_BYTES as u64);
    assert!(
        sink.syncs.load(Relaxed) > sent / 2,
        "forced to the disk as it goes"
    );

    assert_eq!(live.len() as u64, HOURS);
    let warm = &live[WARM_HOURS..];
    let (least, most) = (warm.iter().min(), warm.iter().max());
    let grown = most.expect("an hour") - least.expect("an hour");
    assert!(grown < SLACK_BYTES, "{grown} bytes between hours: {live:?}");
}

/// Plays a day of events; each hour has a reset and a time in which the port is down. Returns how
/// many bytes were in use after each hour.
async fn day(engine: &Engine, clock: &Clock) -> Vec<usize> {
    let mut live = Vec::with_capacity(usize::try_from(HOURS).expect("few"));
    let at = |seconds: u64| Micros::from(Duration::from_secs(seconds));
    for second in (0..HOURS * 3_600 / EVENT_EVERY_S).map(|n| n * EVENT_EVERY_S) {
        clock.sleep_until(at(second)).await;
        match second % 3_600 {
            1_000 => engine.drop_connections(End::Reset),
            2_000 => engine.down(),
            2_010 => engine.up(),
            _ => engine.emit_json(format!(
                r#"{{"event":"risk","data":{{"halted":false,"padding":"{second:0EVENT_BYTES$}"}}}}"#
            )),
        }
        if second % 3_600 == 3_600 - EVENT_EVERY_S {
            live.push(LIVE.allocated());
        }
    }
    live
}
