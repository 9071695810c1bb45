//! Keeps the newest price of each symbol, from the WebSocket of a price feed.
//!
//! The same program twice: [`naive`] is the loop that one writes first, [`mended`] what it became
//! under test. `README.md` shows how.

pub mod mended;
pub mod naive;
mod prices;

pub use prices::Prices;
