//! Live recordings in memory and virtual time: `tap` and `poll`.

mod page;
mod polling;
mod tapping;
