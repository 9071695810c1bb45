//! What defines one action of the format.

use std::borrow::Cow;

use bytes::Bytes;

use crate::error::Flaw;
use crate::json::{Field, Pen};

/// What defines an action: implemented once per key, in the file of that key.
///
/// Everything that reads, writes, describes or simplifies actions goes through this trait, so this
/// is all there is to write for a new one. The defaults are those of an action that sets no state.
pub(crate) trait Spec {
    /// What the action's variant holds.
    type Value;

    /// The key on the wire.
    const KEY: &'static str;

    /// What kind of action it is.
    const CLASS: Class;

    /// Whether it is for the whole engine, so that one connection's accept can't trigger it.
    const ENGINE_WIDE: bool = false;

    /// Reads the value. `line` is the whole line that holds `field`: a payload can be kept as a
    /// slice of it.
    ///
    /// # Errors
    /// If the value is not what the key takes.
    fn read(field: &Field<'_>, line: &Bytes) -> Result<Self::Value, Flaw>;

    /// Writes the member in canonical form.
    fn write(value: &Self::Value, pen: &mut Pen);

    /// What a journal says when the step is played, without its direction.
    fn words(_value: &Self::Value) -> Cow<'static, str> {
        Cow::Borrowed(Self::KEY)
    }

    /// Whether an action that sets a state leaves nothing set.
    fn clears(_value: &Self::Value) -> bool {
        false
    }

    /// The feature beyond the format's first version that it belongs to, if any.
    fn feature(_value: &Self::Value) -> Option<&'static str> {
        None
    }

    /// Whether it leaves something to chance, so that the step must have a `seed`.
    fn is_drawn(_value: &Self::Value) -> bool {
        false
    }

    /// Bytes that it sends to a client, as far as the tape states them.
    fn payload_bytes(_value: &Self::Value) -> usize {
        0
    }

    /// Simpler values, the simplest first. None has `value` among its own simpler ones, even
    /// indirectly.
    fn simpler(_value: &Self::Value) -> Vec<Self::Value> {
        Vec::new()
    }
}

/// The kind of an action: which modifiers go with it, and when it can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Happens once and sets nothing.
    Event,
    /// Writes onto the stream, and so waits for the 101.
    Sent,
    /// Sets a state that lasts: `for_ms` goes with it.
    State,
    /// Sets a state that connections or handshakes use up: `for_ms` and `times` go with it.
    UsedUp,
    /// Sets a condition of the link in one direction: `for_ms` and `direction` go with it.
    Link,
}
