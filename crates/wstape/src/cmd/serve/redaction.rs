//! Keeps secrets out of the journal, with the registry that keeps them out of tapes.

use bytes::Bytes;
use wstape_mock_engine::{ClientFrame, Entry, FrameKind, JournalKind, Redact, RequestHead};
use wstape_recorder::{Redactor, Rules};
use wstape_tape::{Action, Conn, Micros, Received, ReceivedKind, Step};

use crate::cmd::redaction::{NoRandomBytes, draw_key};

/// The journal's redactor: it treats what a client sends as if it were in a tape.
pub(crate) struct JournalRedactor(Redactor);

impl JournalRedactor {
    /// Draws a key for this journal; `token` is the one that clients must bring.
    pub(crate) fn new(token: Option<&str>) -> Result<Self, NoRandomBytes> {
        let mut redactor = Redactor::new(Rules::default(), draw_key()?);
        if let Some(token) = token {
            redactor.remember("the token", token);
        }
        Ok(Self(redactor))
    }

    /// The kind of secret that a line still contains despite redaction; never the secret itself.
    pub(crate) fn finds(&self, line: &[u8]) -> Option<String> {
        self.0.line(line)
    }

    /// Whether [`finds`](Self::finds) may find anything in these lines, searched together.
    pub(crate) fn may_find(&self, lines: &[u8]) -> bool {
        self.0.may_find(lines)
    }

    /// What a client sent, as a tape would record it.
    fn received(&mut self, conn: Option<u64>, received: Received) -> Received {
        let mut step = Step::at(Micros::ZERO, Action::Received(received));
        if let Some(conn) = conn {
            step.conn = Conn::Nth(conn);
        }
        match self.0.step(step).into_fields().action {
            Action::Received(received) => received,
            _ => Received::new(ReceivedKind::Bytes),
        }
    }

    fn request(&mut self, conn: Option<u64>, head: &mut RequestHead) {
        let mut open = Received::new(ReceivedKind::Open);
        open.path = Some(std::mem::take(&mut head.target));
        open.headers = std::mem::take(&mut head.headers);
        let open = self.received(conn, open);
        head.target = open.path.unwrap_or_default();
        head.headers = open.headers;
    }

    fn frame(&mut self, conn: Option<u64>, frame: &mut ClientFrame) {
        let kind = match frame.kind {
            FrameKind::Text => ReceivedKind::Text,
            FrameKind::Binary | FrameKind::Continuation => ReceivedKind::Binary,
            FrameKind::Ping => ReceivedKind::Ping,
            FrameKind::Pong => ReceivedKind::Pong,
            FrameKind::Close => ReceivedKind::Close,
        };
        let mut received = Received::new(kind);
        let text = frame.text().map(str::to_owned);
        match (kind, text) {
            (ReceivedKind::Close, Some(reason)) => {
                received.code = frame.close_code();
                received.reason = Some(reason);
            }
            (_, Some(text)) => received.text = Some(text),
            (_, None) => received.binary = Some(frame.payload.clone()),
        }
        let before = received.clone();
        let clean = self.received(conn, received);
        if clean == before {
            return;
        }
        let mut payload = Vec::new();
        if let Some(code) = clean.code {
            payload.extend_from_slice(&code.to_be_bytes());
        }
        let texts = [clean.text, clean.reason];
        for text in texts.into_iter().flatten() {
            payload.extend_from_slice(text.as_bytes());
        }
        payload.extend_from_slice(&clean.binary.unwrap_or_default());
        // A truncated payload lacks as much as before.
        frame.len = frame.len - frame.payload.len() + payload.len();
        frame.payload = Bytes::from(payload);
    }
}

impl Redact for JournalRedactor {
    fn redact(&mut self, entry: &mut Entry) {
        let conn = entry.conn;
        match &mut entry.kind {
            JournalKind::Requested(head) => self.request(conn, head),
            JournalKind::Received(frame) => self.frame(conn, frame),
            JournalKind::HttpAnswered { path, .. } => {
                let mut open = Received::new(ReceivedKind::Open);
                open.path = Some(std::mem::take(path));
                *path = self.received(conn, open).path.unwrap_or_default();
            }
            JournalKind::Note(text) | JournalKind::ProtocolError(text) => {
                *text = self.0.text(text);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(kind: JournalKind) -> String {
        let mut redactor = JournalRedactor::new(None).unwrap();
        let mut entry = Entry::new(Micros::ZERO, Some(1), kind);
        redactor.redact(&mut entry);
        format!("{:?}", entry.kind)
    }

    fn frame(kind: FrameKind, payload: &str) -> JournalKind {
        JournalKind::Received(ClientFrame {
            kind,
            fin: true,
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            len: payload.len(),
        })
    }

    #[test]
    fn no_secret_of_a_request_or_a_login_gets_into_a_journal_and_the_rest_stays() {
        let mut head = RequestHead::default();
        head.target = "/ws?symbol=BTC&token=hunter2hunter2".to_owned();
        head.headers = vec![
            (
                "authorization".to_owned(),
                "Bearer hunter2hunter2".to_owned(),
            ),
            ("user-agent".to_owned(), "test/1".to_owned()),
        ];
        let login = r#"{"op":"auth","args":["key","hunter2hunter2"]}"#;
        for (kind, stays) in [
            (
                JournalKind::Requested(Box::new(head)),
                vec!["symbol=BTC", "test/1"],
            ),
            (frame(FrameKind::Text, login), vec![r#"\"op\":\"auth\""#]),
            (
                JournalKind::Note("from ws://ada:hunter2hunter2@h/".to_owned()),
                vec!["from ws://"],
            ),
        ] {
            let text = redacted(kind);
            assert!(!text.contains("hunter2"), "{text}");
            for stays in stays {
                assert!(text.contains(stays), "{stays} in {text}");
            }
        }
    }

    #[test]
    fn what_holds_no_secret_is_kept_byte_for_byte() {
        for kind in [
            frame(FrameKind::Text, r#"{"op" : "subscribe"}"#),
            frame(FrameKind::Close, "\u{3}\u{e8}bye"),
            frame(FrameKind::Ping, ""),
        ] {
            let before = format!("{kind:?}");
            assert_eq!(redacted(kind), before);
        }
    }
}
