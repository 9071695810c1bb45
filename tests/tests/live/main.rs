//! Live recordings in memory and virtual time: `tap` and `poll`.

mod clock_jumps;
mod page;
mod polling;
mod script;
mod tapping;
