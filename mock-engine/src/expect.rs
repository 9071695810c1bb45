//! What tapes expect of clients, in words, and how it turned out.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use wstape_tape::{Match, Micros, Received, ReceivedKind};

use crate::dialogue::{Assembly, Matcher};
use crate::frame::{ClientFrame, FrameKind};

/// The longest binary payload shown, in bytes.
const MAX_SHOWN_BYTES: usize = 48;

/// Something that a client is to send, in words: `a Ping`, `a Close 1000 "bye"`.
///
/// ```
/// use wstape_tape::{Action, Tape};
/// use wstape_mock_engine::Wanted;
/// let text = "{\"tape\":1}\n{\"at_ms\":1,\"expect\":{\"received\":{\"kind\":\"text\",\"text\":\"sub\"}}}\n";
/// let tape = Tape::parse("example", text).unwrap();
/// let Action::Expect(expect) = &tape.steps[0].action else { unreachable!() };
/// assert_eq!(Wanted(expect.received.as_ref().unwrap()).to_string(), r#"a Text "sub""#);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a>(pub &'a Received);

impl Wanted<'_> {
    /// Whether this frame of a client matches. If the journal keeps only part of a payload, only
    /// that part is compared.
    #[must_use]
    pub fn is(&self, frame: &ClientFrame) -> bool {
        let wanted = self.0;
        let kind = match wanted.kind {
            ReceivedKind::Text => FrameKind::Text,
            ReceivedKind::Binary => FrameKind::Binary,
            ReceivedKind::Ping => FrameKind::Ping,
            ReceivedKind::Pong => FrameKind::Pong,
            ReceivedKind::Close => FrameKind::Close,
            _ => return false,
        };
        let is = |text: Option<&str>| text.is_none_or(|text| frame.text() == Some(text));
        let bytes = wanted.binary.as_ref();
        frame.kind == kind
            && is(wanted.text.as_deref())
            && is(wanted.reason.as_deref())
            && wanted
                .code
                .is_none_or(|code| frame.close_code() == Some(code))
            && bytes.is_none_or(|bytes| *bytes == frame.payload)
    }
}

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Received {
            kind,
            text,
            binary,
            code,
            reason,
            ..
        } = self.0;
        write!(f, "a {kind:?}")?;
        if let Some(code) = code {
            write!(f, " {code}")?;
        }
        if let Some(text) = text.as_ref().or(reason.as_ref()) {
            write!(f, " {text:?}")?;
        }
        if let Some(binary) = binary {
            let shown = BASE64.encode(&binary[..binary.len().min(MAX_SHOWN_BYTES)]);
            let more = if binary.len() > MAX_SHOWN_BYTES {
                "…"
            } else {
                ""
            };
            write!(f, " of {} bytes (base64 {shown}{more})", binary.len())?;
        }
        Ok(())
    }
}

/// The result of one `expect` step that was played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The layer of the step; 0 is the base.
    pub layer: usize,
    /// The step's line in its tape.
    pub line: u64,
    /// Whether it was met.
    pub outcome: Outcome,
    /// What was expected: `a Ping from the client within 20 ms`.
    pub text: String,
}

/// How an expectation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The client did it in time.
    Met,
    /// It did not.
    Unmet,
    /// It is about something an engine cannot see: the subscriber's mirror.
    Unseen,
}

/// A message that a client is to send, in words: `a message with json {"op":"sub"}`.
#[derive(Debug, Clone, Copy)]
pub struct WantedMessage<'a>(pub &'a Match);

impl WantedMessage<'_> {
    /// Whether it is among these frames of clients, as a journal keeps them: each connection's in
    /// order. Of a message that the journal keeps in part only the kind is known.
    #[must_use]
    pub fn is_among<'f>(
        &self,
        frames: impl IntoIterator<Item = (Option<u64>, &'f ClientFrame)>,
    ) -> bool {
        let matcher = Matcher::new(self.0.clone());
        let mut assemblies: BTreeMap<Option<u64>, Assembly> = BTreeMap::new();
        frames.into_iter().any(|(conn, frame)| {
            let message = assemblies.entry(conn).or_default().take(frame);
            message.is_some_and(|message| matcher.is(&message))
        })
    }
}

impl fmt::Display for WantedMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = self.0;
        match wanted.kind {
            Some(kind) => write!(f, "a {kind:?}")?,
            None => f.write_str("a message")?,
        }
        let said = [
            wanted.text.as_ref().map(|text| format!("text {text:?}")),
            wanted
                .contains
                .as_ref()
                .map(|part| format!("{part:?} in it")),
            wanted
                .regex
                .as_ref()
                .map(|regex| format!("regex {:?}", regex.text())),
            wanted
                .json
                .as_ref()
                .map(|json| format!("json {}", json.text())),
            wanted
                .jsonpath
                .as_ref()
                .map(|path| format!("jsonpath {:?}", path.text())),
            wanted
                .binary
                .as_ref()
                .map(|bytes| format!("these {} bytes", bytes.len())),
        ];
        for (at, said) in said.into_iter().flatten().enumerate() {
            write!(f, " {} {said}", if at == 0 { "with" } else { "and" })?;
        }
        Ok(())
    }
}

/// What was expected, of whom, and within what time.
pub(crate) fn text(wanted: &str, after: Micros, conn: Option<u64>) -> String {
    let whom = conn.map_or_else(
        || "the client".to_owned(),
        |conn| format!("connection {conn}"),
    );
    let within = after.to_ms_text();
    format!("{wanted} from {whom} within {within} ms")
}
