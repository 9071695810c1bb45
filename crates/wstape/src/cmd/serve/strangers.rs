//! Reports connections that none of the tape's messages is for.

use wstape_mock_engine::{Engine, Entry, JournalKind, Redact as _};
use wstape_tape::Micros;

use super::redaction::JournalRedactor;

/// Reports on standard error, once for each path that a client asked for but no message is for,
/// which paths there are. Ends with the engine.
pub(super) async fn tell(engine: Engine, mut redactor: JournalRedactor) {
    while let Ok(remark) = engine.next_stranger().await {
        let mut entry = Entry::new(Micros::ZERO, None, JournalKind::Note(remark));
        redactor.redact(&mut entry);
        let JournalKind::Note(remark) = entry.kind else {
            continue;
        };
        eprintln!("wstape: {remark}; such clients are connected but get nothing");
    }
}
