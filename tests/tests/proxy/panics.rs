//! A relay that panics: it is reported and counted, and the tape is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine_client::DialError;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wstape::ClientClock;
use wstape_mock_engine::Clock;
use wstape_recorder::{Output, Proxy, Reach, Redactor, Rules};
use wstape_tape::{Micros, Step};

use crate::world::{
    EngineLeg, Net, Page, UPSTREAM, Way, door, engine, in_memory, parsed, tape, upgrade_request,
};

const END: Micros = Micros::from_ms(1_000);

/// A way to the engine that has a bug: its second dial panics.
struct Buggy {
    net: Net,
    dials: AtomicU64,
}

impl Reach for Buggy {
    type Leg = EngineLeg;

    async fn dial(&self) -> Result<EngineLeg, DialError> {
        let dials = self.dials.fetch_add(1, Ordering::Relaxed) + 1;
        assert_ne!(dials, 2, "a bug that this test planted");
        self.net.dial().await
    }
}

#[test]
fn a_connection_whose_relay_panics_is_cut_marked_and_counted_and_the_others_go_on() {
    let steps = [r#"{"at_ms":500,"emit":{"event":"later"}}"#];
    let (summary, text, said) = in_memory(async {
        let tape = tape(&steps);
        let clock = Clock::virtual_at(tape.header.wall_at_zero());
        let (engine, net) = engine(tape, &clock);
        let (door, doorstep) = door(&clock);
        let page = Page::default();
        let said = Arc::new(Mutex::new(Vec::new()));
        let remarks = Arc::clone(&said);
        let proxy = Proxy::new(UPSTREAM, Redactor::new(Rules::default(), [7; 32]))
            .expect("a good url")
            .clock(Arc::new(ClientClock::new(clock.clone())))
            .remarks(move |remark| remarks.lock().push(remark.to_owned()));
        let reach = Buggy {
            net: Net(net),
            dials: AtomicU64::new(0),
        };
        let until = clock.sleep_until(END);
        let recording = proxy.run(doorstep, reach, Output::sink("page", page.clone()), until);
        let clients = async {
            let way = Way::Proxied(door);
            let mut streams = Vec::new();
            for _ in 0..3 {
                let mut stream = way.dial().await.expect("a proxy");
                let request = upgrade_request();
                stream.write_all(request.as_bytes()).await.expect("a proxy");
                streams.push(stream);
            }
            let mut cut = Vec::new();
            let _ = streams[1].read_to_end(&mut cut).await;
            assert!(cut.is_empty(), "nothing reached the engine");
            clock.sleep_until(END).await;
        };
        let (summary, ()) = tokio::join!(recording, clients);
        engine.shutdown().await;
        (
            summary.expect("a recording"),
            page.text(),
            Arc::clone(&said),
        )
    });
    assert_eq!(summary.counts.failed_connections, 1);
    let again = parsed(&text);
    assert_eq!(again.steps.last().map(Step::key), Some("end"));
    let sentence = "connection 2: cut, because the proxy itself failed, which is a bug";
    assert!(text.contains(sentence), "{text}");
    assert_eq!(*said.lock(), [sentence]);
    assert_eq!(text.matches(r#""emit":{"event":"later"}"#).count(), 2);
}
