//! What must show once something happened.

use super::called::Called;
use crate::field::Field;
use crate::model::Folded;

/// What must show in mirror and record, in order.
#[derive(Debug)]
pub(super) enum Step {
    Dial,
    Open,
    /// Another status than 101; `doubtful` where its head may be taken for none.
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
