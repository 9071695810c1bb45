//! Reports connections that the tape leaves without what they asked for.

use wstape_mock_engine::{Engine, Entry, JournalKind, Redact as _};
use wstape_tape::Micros;

use super::redaction::JournalRedactor;

/// Reports on standard error, once for each path that no message is for and once for subprotocols,
/// what the tape lacks. Ends with the engine.
pub(super) async fn tell(engine: Engine, mut redactor: JournalRedactor) {
    while let Ok(remark) = engine.next_stranger().await {
        let mut entry = Entry::new(Micros::ZERO, None, JournalKind::Note(remark));
        redactor.redact(&mut entry);
        let JournalKind::Note(remark) = entry.kind else {
            continue;
        };
        eprintln!("wstape: {remark}");
    }
}
