//! A subscriber to the engine's WebSocket, and the mirror of the engine's state that it keeps.
//!
//! The engine, a trading runtime, pushes JSON events. This crate decodes them, folds them into an
//! [`EngineState`] that any number of readers share, and hands them on one by one.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`models`] | the payloads of the events |
//! | [`stat`] | a value with its age and its source |
//! | [`state`] | the mirror, and the connection's own record |
//! | [`ws`] | the subscriber that keeps the mirror: connect, read, lose, reconnect |
//!
//! ```
//! use chrono::Utc;
//! use engine_client::{EngineState, decode};
//!
//! let mut mirror = EngineState::new();
//! let message = r#"{"event":"positions","data":[{"coin":"BTC","direction":"LONG","size_coins":1}]}"#;
//! let decoded = decode(message, Utc::now())?;
//! mirror.apply(decoded.event, decoded.ts);
//! assert_eq!(mirror.positions.expect("positions came").value.items[0].symbol, "BTC");
//! # Ok::<(), engine_client::Undecodable>(())
//! ```

mod backoff;
mod decode;
mod event;
mod health;
mod json;
mod kind;
pub mod models;
pub mod stat;
pub mod state;
mod timestamp;
pub mod ws;

pub use backoff::{JitterMode, ReconnectConfig, apply_jitter, exp_backoff_cap};
pub use decode::{Decoded, Undecodable, decode, decode_binary};
pub use event::EngineEvent;
pub use health::{ConnectionHealth, EndReason};
pub use models::{
    HlRate, Position, Positions, RecoveryStatus, Regime, Risk, V2Confidence, V2Market, V2Positions,
    V2Status, V2Today,
};
pub use stat::{Source, Stat};
pub use state::{Displaced, EngineState};
pub use ws::{
    Clock, DialError, Dialer, Dialing, NetDialer, NetStream, Observed, Observer, Sleep,
    SubscriberBuilder, SystemClock, Target, Transport, WsError, WsSubscriber,
};
