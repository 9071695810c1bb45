//! The workspace's own subscriber, judged by chaos.

use std::sync::Arc;

use engine_client::{EngineState, WsSubscriber};
use wstape_chaos::{Judged, Mirror, Opening, Started};

use super::scenario::OurSubscriber;

impl Judged for OurSubscriber {
    fn name(&self) -> String {
        "engine-client".to_owned()
    }

    fn start(&self, opening: Opening) -> Result<Started, String> {
        let Opening {
            url,
            settings,
            clock,
            dialer,
        } = opening;
        let mut builder = WsSubscriber::builder(&url)
            .reconnect(settings.reconnect())
            .ping_interval(settings.ping_interval)
            .idle_timeout(settings.idle_timeout)
            .message_timeout(settings.message_timeout)
            .event_timeout(settings.event_timeout)
            .connect_timeout(settings.connect_timeout)
            .max_message_bytes(settings.max_message_bytes)
            .events_capacity(settings.events_capacity)
            .jitter_seed(settings.jitter_seed)
            .clock(clock)
            .dialer(dialer);
        if let Some(token) = settings.token {
            builder = builder.token(token);
        }
        let receiver = builder.events();
        let subscriber = builder
            .spawn(EngineState::shared())
            .map_err(|error| error.to_string())?;
        Ok(Started {
            view: Arc::new(Mirror::new(subscriber.state())),
            handle: Box::new(subscriber),
            receiver: Box::new(receiver),
        })
    }
}
