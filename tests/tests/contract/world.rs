//! An engine in memory, a subscriber, and one virtual clock for both.

use std::sync::Arc;

use engine_client::{
    EndReason, EngineState, JitterMode, Observed, ReconnectConfig, SubscriberBuilder, WsSubscriber,
};
use parking_lot::Mutex;
use wstape::ClientClock;
use wstape_mock_engine::{Clock, Engine, JournalKind, MemoryNet};
use wstape_tape::{Micros, Tape};

use crate::transports::BoundedDialer;

/// Turns given to all other tasks before the state at an instant is looked at.
const TURNS_TO_SETTLE: usize = 64;

/// The default backoff without jitter: 500 ms, doubling, to 30 s.
pub(crate) fn steady() -> ReconnectConfig {
    ReconnectConfig {
        jitter: JitterMode::None,
        ..ReconnectConfig::default()
    }
}

/// Milliseconds from the tape's beginning, or between two moments.
pub(crate) const fn ms(ms: u64) -> Micros {
    Micros::from_ms(ms)
}

/// Returns several times in milliseconds.
pub(crate) fn all_ms<const N: usize>(all: [u64; N]) -> Vec<Micros> {
    all.map(ms).to_vec()
}

/// An engine that plays a tape, and what its subscriber reported about itself.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) net: MemoryNet,
    pub(crate) clock: Clock,
    ends: Arc<Mutex<Vec<(Micros, EndReason)>>>,
}

/// Runs `test` in virtual time with an engine that plays these steps from now on.
pub(crate) fn play<const N: usize>(steps: [&str; N], test: impl AsyncFnOnce(World)) {
    let lines: String = std::iter::once(r#"{"tape":1}"#)
        .chain(steps)
        .flat_map(|line| [line, "\n"])
        .collect();
    let tape = Tape::parse("test", &lines).unwrap_or_else(|error| panic!("{}", error.report()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (engine, net) = Engine::builder().layer(tape).in_memory().unwrap();
        engine.start();
        let world = World {
            clock: engine.clock(),
            engine,
            net,
            ends: Arc::default(),
        };
        // What holds at 0 takes effect before the first dial.
        world.settle().await;
        test(world).await;
    });
}

impl World {
    /// Returns a builder for a subscriber without jitter, watched by this world.
    pub(crate) fn builder(&self) -> SubscriberBuilder {
        self.builder_for(&self.engine.url())
    }

    /// Does the same for another URL; the dialer still leads to the engine.
    pub(crate) fn builder_for(&self, url: &str) -> SubscriberBuilder {
        let ends = Arc::clone(&self.ends);
        WsSubscriber::builder(url)
            .reconnect(steady())
            .clock(self.subject_clock())
            .dialer(BoundedDialer::new(self.net.clone()))
            .observer(move |at, seen: Observed<'_>| {
                if let Observed::End(reason) = seen {
                    ends.lock().push((Micros::from(at), reason));
                }
            })
    }

    /// Returns the engine's clock, in the form that subscribers take.
    pub(crate) fn subject_clock(&self) -> Arc<ClientClock> {
        Arc::new(ClientClock::new(self.clock.clone()))
    }

    /// Starts the subscriber that [`builder`](Self::builder) makes.
    pub(crate) fn spawn(&self) -> WsSubscriber {
        self.builder().spawn(EngineState::shared()).unwrap()
    }

    /// Waits until `at`, and until all that happens at that very instant has happened.
    pub(crate) async fn until(&self, at: Micros) {
        self.clock.sleep_until(at).await;
        self.settle().await;
    }

    /// Lets everything happen that is due now.
    pub(crate) async fn settle(&self) {
        for _ in 0..TURNS_TO_SETTLE {
            tokio::task::yield_now().await;
        }
    }

    /// Returns when dials reached the engine, including those that its port refused.
    pub(crate) fn dials(&self) -> Vec<Micros> {
        let entries = self.engine.journal().entries();
        let dial =
            |kind: &JournalKind| matches!(kind, JournalKind::Accepted | JournalKind::DialRefused);
        let dials = entries.iter().filter(|entry| dial(&entry.kind));
        dials.map(|entry| entry.at).collect()
    }

    /// Returns when the subscriber's connections and attempts ended, and why.
    pub(crate) fn ends(&self) -> Vec<(Micros, EndReason)> {
        self.ends.lock().clone()
    }

    /// Returns the times from each end to the next dial, for a world with one subscriber.
    pub(crate) fn gaps(&self) -> Vec<Micros> {
        let ends = self.ends();
        let dials = self.dials();
        let pairs = ends.iter().zip(&dials[1..]);
        pairs
            .map(|((end, _), dial)| Micros(dial.0 - end.0))
            .collect()
    }

    /// Returns the frames that the engine has received, each with its time.
    pub(crate) fn received(&self) -> Vec<String> {
        let entries = self.engine.journal().entries();
        let frames = entries
            .iter()
            .filter(|entry| matches!(entry.kind, JournalKind::Received(_)));
        frames
            .map(|entry| format!("{} {}", entry.at, entry.kind))
            .collect()
    }

    /// Whether the journal has a line that contains `text`.
    pub(crate) fn journalled(&self, text: &str) -> bool {
        self.engine
            .journal()
            .lines()
            .iter()
            .any(|line| line.contains(text))
    }
}
