//! Writes and reads the members that each kind of entry has in a journal file.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::Deserialize;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;
use wstape_tape::{Action, End, Expect, Micros, Step};

use super::entry::JournalKind;
use super::request::{HeaderMap, RequestHead};
use crate::frame::{ClientFrame, FrameKind};

/// The text around an expectation that makes it a step.
const STEP_BEFORE: &str = r#"{"at_ms":0,"expect":"#;

/// An expectation, written as in a tape.
fn expect_text(expect: &Expect) -> Option<Box<RawValue>> {
    let line = Step::at(Micros::ZERO, Action::Expect(expect.clone())).to_line();
    let value = line
        .trim_end()
        .strip_prefix(STEP_BEFORE)?
        .strip_suffix('}')?;
    RawValue::from_string(value.to_owned()).ok()
}

impl JournalKind {
    /// Writes the kind's own members.
    pub(super) fn write_members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Refused { status } => map.serialize_entry("status", status),
            Self::GarbageSent { bytes } => map.serialize_entry("bytes", bytes),
            Self::HttpAnswered {
                method,
                path,
                status,
            } => {
                map.serialize_entry("method", method)?;
                map.serialize_entry("path", path)?;
                map.serialize_entry("status", status)
            }
            Self::Requested(head) => write_request(head, map),
            Self::Sent { what, to } => {
                map.serialize_entry("what", &**what)?;
                map.serialize_entry("to", to)
            }
            Self::Lost { what } => map.serialize_entry("what", &**what),
            Self::Received(frame) => write_frame(frame, map),
            Self::Dropped(end) => map.serialize_entry("end", end.word()),
            Self::State(text)
            | Self::Note(text)
            | Self::ProtocolError(text)
            | Self::TlsFailed(text) => map.serialize_entry("text", text),
            Self::Mark(name) => map.serialize_entry("name", name),
            Self::Expect(expect) => match expect_text(expect) {
                Some(text) => map.serialize_entry("expect", &text),
                None => Ok(()),
            },
            Self::Released {
                to_client,
                from_client,
            } => {
                map.serialize_entry("to_client_bytes", to_client)?;
                map.serialize_entry("from_client_bytes", from_client)
            }
            _ => Ok(()),
        }
    }
}

fn write_request<M: SerializeMap>(head: &RequestHead, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("method", &head.method)?;
    map.serialize_entry("path", &head.target)?;
    let offered: Vec<&str> = head.subprotocols().collect();
    if !offered.is_empty() {
        map.serialize_entry("subprotocols", &offered)?;
    }
    map.serialize_entry("headers", &HeaderMap(head.headers.clone()))?;
    if head.cut {
        map.serialize_entry("cut", &true)?;
    }
    Ok(())
}

fn write_frame<M: SerializeMap>(frame: &ClientFrame, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("frame", frame.kind.word())?;
    if !frame.fin {
        map.serialize_entry("fin", &false)?;
    }
    if frame.payload.len() < frame.len {
        map.serialize_entry("len", &frame.len)?;
    }
    if let Some(code) = frame.close_code() {
        map.serialize_entry("code", &code)?;
    }
    match frame.text() {
        Some(text) => map.serialize_entry("text", text),
        None => map.serialize_entry("binary", &BASE64.encode(&frame.payload)),
    }
}

/// All members that a line of a journal may have. Unknown ones are skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Members {
    pub(super) at_ms: Option<Box<RawValue>>,
    pub(super) waited_ms: Option<Box<RawValue>>,
    pub(super) over_ms: Option<Box<RawValue>>,
    pub(super) conn: Option<u64>,
    pub(super) kind: Option<String>,
    pub(super) times: Option<u64>,
    pub(super) entries: Option<u64>,
    pub(super) what: Option<String>,
    status: Option<u16>,
    bytes: Option<usize>,
    method: Option<String>,
    path: Option<String>,
    headers: HeaderMap,
    cut: bool,
    to: Option<usize>,
    frame: Option<String>,
    fin: Option<bool>,
    len: Option<usize>,
    code: Option<u16>,
    text: Option<String>,
    binary: Option<String>,
    end: Option<String>,
    name: Option<String>,
    expect: Option<Box<RawValue>>,
    to_client_bytes: Option<usize>,
    from_client_bytes: Option<usize>,
}

/// A member that a kind must have and a line lacks, or has in a wrong form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadMember(pub(super) &'static str);

/// The value of a member, or an error with the name of the missing one.
fn need<T>(member: Option<T>, name: &'static str) -> Result<T, BadMember> {
    member.ok_or(BadMember(name))
}

impl Members {
    /// The kind with this name; `None` if the name is not known.
    pub(super) fn into_kind(self, name: &str) -> Result<Option<JournalKind>, BadMember> {
        Ok(Some(match name {
            "dial_refused" => JournalKind::DialRefused,
            "dial_reset" => JournalKind::DialReset,
            "dial_pending" => JournalKind::DialPending,
            "accepted" => JournalKind::Accepted,
            "request" => JournalKind::Requested(Box::new(RequestHead {
                method: need(self.method, "method")?,
                target: need(self.path, "path")?,
                headers: self.headers.0,
                cut: self.cut,
            })),
            "upgraded" => JournalKind::Upgraded,
            "refused" => JournalKind::Refused {
                status: need(self.status, "status")?,
            },
            "tls_failed" => JournalKind::TlsFailed(need(self.text, "text")?),
            "hung" => JournalKind::Hung,
            "held" => JournalKind::Held,
            "garbage_sent" => JournalKind::GarbageSent {
                bytes: need(self.bytes, "bytes")?,
            },
            "http_answered" => JournalKind::HttpAnswered {
                method: need(self.method, "method")?,
                path: need(self.path, "path")?,
                status: need(self.status, "status")?,
            },
            "sent" => JournalKind::Sent {
                what: need(self.what, "what")?.into(),
                to: need(self.to, "to")?,
            },
            "lost" => JournalKind::Lost {
                what: need(self.what, "what")?.into(),
            },
            "received" => JournalKind::Received(self.into_frame()?),
            "dropped" => JournalKind::Dropped(match self.end.as_deref() {
                Some("fin") => End::Fin,
                Some("reset") => End::Reset,
                _ => return Err(BadMember("end")),
            }),
            "half_closed" => JournalKind::HalfClosed,
            "forgotten" => JournalKind::Forgotten,
            "client_closed" => JournalKind::ClientClosed,
            "client_reset" => JournalKind::ClientReset,
            "state" => JournalKind::State(need(self.text, "text")?),
            "down" => JournalKind::Down,
            "up" => JournalKind::Up,
            "began" => JournalKind::Began,
            "released" => JournalKind::Released {
                to_client: need(self.to_client_bytes, "to_client_bytes")?,
                from_client: need(self.from_client_bytes, "from_client_bytes")?,
            },
            "mark" => JournalKind::Mark(need(self.name, "name")?),
            "expect" => JournalKind::Expect(Arc::new(self.into_expect()?)),
            "overrun" => JournalKind::Overrun,
            "protocol_error" => JournalKind::ProtocolError(need(self.text, "text")?),
            "note" => JournalKind::Note(need(self.text, "text")?),
            "end" => JournalKind::End,
            _ => return Ok(None),
        }))
    }

    fn into_frame(self) -> Result<ClientFrame, BadMember> {
        let kind = self.frame.as_deref().and_then(FrameKind::of_word);
        let kind = need(kind, "frame")?;
        let mut payload = Vec::new();
        match (&self.text, &self.binary) {
            (Some(text), _) => {
                if let Some(code) = self.code {
                    payload.extend_from_slice(&code.to_be_bytes());
                }
                payload.extend_from_slice(text.as_bytes());
            }
            (None, Some(binary)) => {
                payload = BASE64.decode(binary).map_err(|_| BadMember("binary"))?;
            }
            (None, None) => return Err(BadMember("text")),
        }
        Ok(ClientFrame {
            kind,
            fin: self.fin.unwrap_or(true),
            len: self.len.unwrap_or(payload.len()),
            payload: Bytes::from(payload),
        })
    }

    fn into_expect(self) -> Result<Expect, BadMember> {
        let text = need(self.expect, "expect")?;
        let line = format!("{STEP_BEFORE}{}}}", text.get());
        match Step::parse("journal", 1, &line).map(|step| step.action.clone()) {
            Ok(Action::Expect(expect)) => Ok(expect),
            _ => Err(BadMember("expect")),
        }
    }
}
