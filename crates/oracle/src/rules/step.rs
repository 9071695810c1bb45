//! What must show once something has happened.

use super::called::Called;
use crate::field::Field;
use crate::model::Folded;

/// What must show in mirror and record, in order.
#[derive(Debug)]
pub(super) enum Step {
    Dial,
    Open,
    /// A status other than 101; `doubtful` if its head may be rejected.
    Refused {
        status: u16,
        doubtful: bool,
    },
    Message(Folded),
    SignOfLife,
    Answered,
    End(Called),
    Backfill(Field, String),
}
