//! The workspace's own subscriber, put under test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use engine_client::{
    EngineState, JitterMode, Observed, ReconnectConfig, WsSubscriber, exp_backoff_cap,
};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use wstape_harness::{Running, Settings, Stage, Stopping, Subject};

/// What the count of events calls those a slow receiver missed.
const MISSED: &str = "(missed by a slow receiver)";

/// `engine_client::WsSubscriber`, jitter off.
#[derive(Debug, Clone, Copy, Default)]
pub struct OurSubscriber;

impl Subject for OurSubscriber {
    fn describe(&self, s: &Settings) -> String {
        let mut description = format!(
            "engine-client, backoff {:?} ×{} to {:?}, ping {:?}, idle {:?}, connect {:?}",
            s.initial_backoff,
            s.multiplier,
            s.max_backoff,
            s.ping_interval,
            s.idle_timeout,
            s.connect_timeout
        );
        let usual = Settings::default();
        for (name, timeout, usual) in [
            ("message", s.message_timeout, usual.message_timeout),
            ("event", s.event_timeout, usual.event_timeout),
        ] {
            if timeout != usual {
                // Writing to a string does not fail.
                let _ = write!(description, ", {name} {timeout:?}");
            }
        }
        description
    }

    fn start(&self, stage: Stage) -> Result<Box<dyn Running>, String> {
        let Stage {
            url,
            settings,
            clock,
            dialer,
            notebook,
        } = stage;
        let backoff = ReconnectConfig {
            jitter: JitterMode::None,
            ..settings.reconnect()
        };
        let mut lost = None;
        let observer = move |_at: Duration, seen: Observed<'_>| match seen {
            Observed::Dial => notebook.dial(),
            Observed::Connected { .. } => notebook.connected(),
            Observed::End(reason) => lost = Some(reason.to_string()),
            Observed::Retry { delay, attempt } => {
                let cap = exp_backoff_cap(
                    backoff.initial_backoff,
                    backoff.max_backoff,
                    backoff.multiplier,
                    attempt,
                );
                notebook.ended(lost.take().unwrap_or_default(), delay, cap);
            }
            _ => {}
        };
        let mut builder = WsSubscriber::builder(&url)
            .reconnect(backoff)
            .ping_interval(settings.ping_interval)
            .idle_timeout(settings.idle_timeout)
            .message_timeout(settings.message_timeout)
            .event_timeout(settings.event_timeout)
            .connect_timeout(settings.connect_timeout)
            .max_message_bytes(settings.max_message_bytes)
            .clock(clock)
            .dialer(dialer)
            .observer(observer);
        if let Some(token) = settings.token {
            builder = builder.token(token);
        }
        let mut receiver = builder.events();
        let subscriber = builder
            .spawn(EngineState::shared())
            .map_err(|error| error.to_string())?;
        let counts: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
        let tally = Arc::clone(&counts);
        let counter = tokio::spawn(async move {
            loop {
                let (kind, n) = match receiver.recv().await {
                    Ok(event) => (event.kind().to_owned(), 1),
                    Err(RecvError::Lagged(n)) => (MISSED.to_owned(), n),
                    Err(RecvError::Closed) => return,
                };
                *tally.lock().entry(kind).or_default() += n;
            }
        });
        Ok(Box::new(Ours {
            subscriber,
            counts,
            counter,
        }))
    }
}

struct Ours {
    subscriber: WsSubscriber,
    counts: Arc<Mutex<BTreeMap<String, u64>>>,
    counter: JoinHandle<()>,
}

impl Running for Ours {
    fn mirror(&self) -> Option<Value> {
        serde_json::to_value(&*self.subscriber.state().read()).ok()
    }

    fn events(&self) -> BTreeMap<String, u64> {
        self.counts.lock().clone()
    }

    fn stop(self: Box<Self>) -> Stopping {
        Box::pin(async move {
            // A panic of the subscriber's task is a defect of the subscriber: let it be seen.
            if let Err(error) = self.subscriber.shutdown().await {
                panic!("{error}");
            }
            self.counter.await.expect("counting events does not panic");
        })
    }
}
