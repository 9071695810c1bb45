//! The subscriber's settings for a run, and what the engine asks of a handshake.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use wstape_tape::{Header, Micros};

/// The header key that holds a tape's settings.
pub const SETTINGS_KEY: &str = "x-subscriber";

/// What a backoff does to each delay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JitterMode {
    /// Nothing: the delay is the cap.
    #[default]
    None,
    /// A draw from zero to the cap.
    Full,
}

/// Settings of a run; SPEC's defaults with jitter off, unless the tape's header says otherwise.
///
/// ```
/// let tape = wstape_tape::Tape::parse(
///     "quick",
///     "{\"tape\":1,\"x-subscriber\":{\"initial_backoff_ms\":50,\"idle_timeout_ms\":2.5}}\n",
/// )?;
/// let settings = wstape_oracle::Settings::of(&tape.header).unwrap();
/// assert_eq!(settings.initial_backoff.as_millis(), 50);
/// assert_eq!(settings.idle_timeout.as_micros(), 2_500);
/// # Ok::<(), wstape_tape::TapeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Delay before the first retry.
    #[serde(rename = "initial_backoff_ms", deserialize_with = "millis")]
    pub initial_backoff: Duration,
    /// Largest delay.
    #[serde(rename = "max_backoff_ms", deserialize_with = "millis")]
    pub max_backoff: Duration,
    /// Growth of the delay from one retry to the next.
    pub multiplier: u32,
    /// Silence before a Ping.
    #[serde(rename = "ping_interval_ms", deserialize_with = "millis")]
    pub ping_interval: Duration,
    /// Silence that ends a connection.
    #[serde(rename = "idle_timeout_ms", deserialize_with = "millis")]
    pub idle_timeout: Duration,
    /// Time in which one message must be complete; zero sets no bound.
    #[serde(rename = "message_timeout_ms", deserialize_with = "millis")]
    pub message_timeout: Duration,
    /// Time without an event that ends a connection; zero, the default, sets no bound.
    #[serde(rename = "event_timeout_ms", deserialize_with = "millis")]
    pub event_timeout: Duration,
    /// Bound on dial and handshake together.
    #[serde(rename = "connect_timeout_ms", deserialize_with = "millis")]
    pub connect_timeout: Duration,
    /// Largest message the subscriber accepts, in bytes.
    pub max_message_bytes: usize,
    /// The subscriber's bearer token.
    pub token: Option<String>,
    /// The token that the engine demands.
    pub engine_token: Option<String>,
    /// What is done to each delay. Scenarios ignore this and play without jitter, because an
    /// outcome is one exact text.
    pub jitter: JitterMode,
    /// Seed of the jitter.
    pub jitter_seed: u64,
    /// How many events a receiver may fall behind.
    pub events_capacity: usize,
}

impl Default for Settings {
    /// SPEC's own, but without jitter.
    fn default() -> Self {
        Self {
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            multiplier: 2,
            ping_interval: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            message_timeout: Duration::from_mins(2),
            event_timeout: Duration::ZERO,
            connect_timeout: Duration::from_secs(10),
            max_message_bytes: 16 * 1024 * 1024,
            token: None,
            engine_token: None,
            jitter: JitterMode::None,
            jitter_seed: 0,
            events_capacity: 128,
        }
    }
}

impl Settings {
    /// The settings that a tape's header asks for.
    ///
    /// # Errors
    /// What is wrong with the header's `x-subscriber`, in words.
    pub fn of(header: &Header) -> Result<Self, String> {
        header
            .extensions
            .iter()
            .find(|(key, _)| key == SETTINGS_KEY)
            .map_or_else(
                || Ok(Self::default()),
                |(_, value)| {
                    serde_json::from_str(value.get())
                        .map_err(|error| format!("{SETTINGS_KEY:?} in the header: {error}"))
                },
            )
    }

    /// The settings as a header's `x-subscriber`: only those that differ from the default.
    ///
    /// # Panics
    /// Never: numbers and JSON strings are JSON.
    #[must_use]
    pub fn to_raw(&self) -> Box<RawValue> {
        let default = Self::default();
        let mut members = Vec::new();
        let ms = |duration: Duration| Micros::from(duration).to_ms_text();
        for (key, value, usual) in [
            (
                "initial_backoff_ms",
                self.initial_backoff,
                default.initial_backoff,
            ),
            ("max_backoff_ms", self.max_backoff, default.max_backoff),
            (
                "ping_interval_ms",
                self.ping_interval,
                default.ping_interval,
            ),
            ("idle_timeout_ms", self.idle_timeout, default.idle_timeout),
            (
                "message_timeout_ms",
                self.message_timeout,
                default.message_timeout,
            ),
            (
                "event_timeout_ms",
                self.event_timeout,
                default.event_timeout,
            ),
            (
                "connect_timeout_ms",
                self.connect_timeout,
                default.connect_timeout,
            ),
        ] {
            if value != usual {
                members.push(format!("\"{key}\":{}", ms(value)));
            }
        }
        if self.multiplier != default.multiplier {
            members.push(format!("\"multiplier\":{}", self.multiplier));
        }
        if self.max_message_bytes != default.max_message_bytes {
            members.push(format!("\"max_message_bytes\":{}", self.max_message_bytes));
        }
        for (key, token) in [("token", &self.token), ("engine_token", &self.engine_token)] {
            if let Some(token) = token {
                members.push(format!("\"{key}\":{}", serde_json::Value::from(&**token)));
            }
        }
        if self.jitter == JitterMode::Full {
            members.push("\"jitter\":\"full\"".to_owned());
        }
        if self.jitter_seed != default.jitter_seed {
            members.push(format!("\"jitter_seed\":{}", self.jitter_seed));
        }
        if self.events_capacity != default.events_capacity {
            members.push(format!("\"events_capacity\":{}", self.events_capacity));
        }
        RawValue::from_string(format!("{{{}}}", members.join(",")))
            .expect("an object of numbers and JSON strings is JSON")
    }
}

fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Micros::parse_ms(raw.get())
        .map(Micros::duration)
        .ok_or_else(|| {
            serde::de::Error::custom(format!(
                "expected milliseconds with at most three fraction digits, found {}",
                raw.get()
            ))
        })
}
