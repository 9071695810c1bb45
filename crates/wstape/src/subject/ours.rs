//! The workspace's own subscriber, put under test.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use engine_client::{
    EngineState, JitterMode, Observed, ReconnectConfig, SubscriberBuilder, WsSubscriber,
    exp_backoff_cap,
};
use wstape_harness::{
    Handle, Notebook, Receiver, Running, Settings, Stage, Stopping, Subject, Terms, Time,
};

use super::adapter::{ClientClock, ClientDialer};
use super::receiver::Events;
use super::shown::Shown;

/// The workspace's own subscriber, `engine_client::WsSubscriber`.
#[derive(Debug, Clone, Copy, Default)]
pub struct OurSubscriber;

impl Subject for OurSubscriber {
    fn name(&self) -> String {
        "engine-client".to_owned()
    }

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

    fn time(&self) -> Time {
        Time::Fine
    }

    fn terms(&self) -> Terms {
        Terms::Settings
    }

    fn start(&self, stage: Stage) -> Result<Running, String> {
        let Stage {
            url,
            settings,
            clock,
            dialer,
            notebook,
            display: _,
            shutdown: _,
        } = stage;
        let backoff = reconnect(&settings);
        let mut builder = WsSubscriber::builder(&url)
            .reconnect(backoff)
            .ping_interval(settings.ping_interval)
            .idle_timeout(settings.idle_timeout)
            .message_timeout(settings.message_timeout)
            .event_timeout(settings.event_timeout)
            .connect_timeout(settings.connect_timeout)
            .max_message_bytes(settings.max_message_bytes)
            .events_capacity(settings.events_capacity)
            .jitter_seed(settings.jitter_seed)
            .clock(Arc::new(ClientClock::from(clock)))
            .dialer(Arc::new(ClientDialer::from(dialer)));
        if let Some(token) = settings.token {
            builder = builder.token(token);
        }
        if notebook.is_read() {
            builder = noted(builder, backoff, notebook);
        }
        let receiver = builder.events();
        let subscriber = builder
            .spawn(EngineState::shared())
            .map_err(|error| error.to_string())?;
        let shown = Arc::new(Shown::new(subscriber.state()));
        Ok(Running {
            mirror: Some(Arc::clone(&shown) as _),
            record: Some(shown),
            receiver: Some(Box::new(Events(receiver))),
            handle: Some(Box::new(OurHandle(subscriber))),
        })
    }
}

/// The backoff in the client's terms.
fn reconnect(settings: &Settings) -> ReconnectConfig {
    ReconnectConfig {
        initial_backoff: settings.initial_backoff,
        max_backoff: settings.max_backoff,
        multiplier: settings.multiplier,
        jitter: match settings.jitter {
            wstape_oracle::JitterMode::None => JitterMode::None,
            wstape_oracle::JitterMode::Full => JitterMode::Full,
        },
    }
}

/// Makes the subscriber write what it observes into `notebook`.
fn noted(
    builder: SubscriberBuilder,
    backoff: ReconnectConfig,
    notebook: Notebook,
) -> SubscriberBuilder {
    let mut lost = None;
    builder.observer(move |_at: Duration, seen: Observed<'_>| match seen {
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
    })
}

struct OurHandle(WsSubscriber);

impl Handle for OurHandle {
    fn receiver(&self) -> Option<Box<dyn Receiver>> {
        Some(Box::new(Events(self.0.events())))
    }

    fn shutdown(self: Box<Self>) -> Stopping {
        Box::pin(async move { self.0.shutdown().await.map_err(|error| error.to_string()) })
    }
}
