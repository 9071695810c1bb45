//! What the engine says, as Rust types: the payloads of its four kinds of event.
//!
//! Every type here is tolerant of an engine that evolves. Each field is optional or defaulted,
//! `null` is the same as missing, an integral float (`2.0`) is taken for an integer and an integer
//! for a float, and a key that no field is named after is kept in `extra`, from which serialisation
//! writes it back. What is *not* tolerated is a payload of another shape: a field of the wrong
//! type, the same key twice, a list where an object is expected.
//!
//! | module | types |
//! | --- | --- |
//! | status | [`V2Status`] and its parts [`V2Confidence`], [`V2Market`], [`V2Positions`], [`V2Today`], [`RecoveryStatus`], [`HlRate`] |
//! | positions | [`Positions`], [`Position`] |
//! | risk | [`Risk`] |
//! | regime | [`Regime`] |
//!
//! An empty object decodes to the default of its type here. On the socket that is not enough:
//! [`decode`](crate::decode) takes a payload for a reading only if at least one known field came
//! with it.
//!
//! ```
//! use engine_client::models::Risk;
//!
//! let risk: Risk = serde_json::from_str(r#"{"halted":true,"open_count":2.0,"desk":"a"}"#)?;
//! assert!(risk.is_halted());
//! assert_eq!(risk.open_count, Some(2));
//! assert_eq!(risk.extra["desk"], "a");
//! # Ok::<(), serde_json::Error>(())
//! ```

mod extras;
mod key;
#[macro_use]
mod object;
mod plain;
mod positions;
mod regime;
mod risk;
mod scalar;
mod slot;
mod status;

pub(crate) use key::Key;
pub(crate) use object::{Object, Read};
pub(crate) use plain::Plain;
pub use positions::{Position, Positions};
pub use regime::Regime;
pub use risk::Risk;
pub use status::{HlRate, RecoveryStatus, V2Confidence, V2Market, V2Positions, V2Status, V2Today};
