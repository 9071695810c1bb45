//! How an archive records the answer to a handshake: status, headers, body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::place::Place;
use crate::error::import::{ImportError, quoted};
use crate::import::body::{self, LeftOut};
use crate::import::session::{Answer, Headers};

#[derive(Default, Deserialize)]
#[serde(expecting = "a response, which is an object")]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) status: Option<&'a RawValue>,
    #[serde(rename = "httpVersion")]
    version: Option<String>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    /// The error text, as Chrome and mitmproxy write it.
    #[serde(rename = "_error", borrow)]
    error: Option<&'a RawValue>,
    /// The error text, as Playwright writes it.
    #[serde(rename = "_failureText")]
    failure: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "the content of a response, which is an object")]
pub(super) struct Content<'a> {
    /// The file that Playwright puts the messages in.
    #[serde(rename = "_file")]
    file: Option<String>,
    /// The file in `resources/` that Playwright's traces before 1.65 put the messages in.
    #[serde(rename = "_sha1")]
    resource: Option<String>,
    /// The body, if the archive has it.
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    /// How the body is encoded, if `text` is not the plain text.
    #[serde(borrow)]
    encoding: Option<&'a RawValue>,
}

impl Content<'_> {
    /// The body of a refusal.
    pub(super) fn body(&self) -> Result<Bytes, LeftOut> {
        let string = |raw: &RawValue| serde_json::from_str::<String>(raw.get()).ok();
        let Some(text) = self.text.and_then(string) else {
            return Ok(Bytes::new());
        };
        match self.encoding.and_then(string).as_deref() {
            None | Some("") => body::of_text(text.into()),
            Some("base64") => match STANDARD.decode(text) {
                Ok(bytes) => body::of_text(bytes),
                Err(_) => Err(LeftOut::Broken),
            },
            Some(other) => Err(LeftOut::Encoded(other.to_owned())),
        }
    }

    pub(super) fn file(&self) -> Option<String> {
        let resource = self.resource.as_ref();
        let resource = resource.map(|name| format!("{RESOURCES}{name}"));
        self.file.clone().or(resource)
    }
}

/// The folder of a trace with the files that its log names.
const RESOURCES: &str = "resources/";

#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

impl Response<'_> {
    /// How the handshake was answered. `talks` tells whether messages followed; `refused` is the
    /// status of a refusal by the browser's error text; `body` is the refusal's body.
    pub(super) fn answer(
        &self,
        place: &Place,
        talks: bool,
        refused: Option<u16>,
        body: Bytes,
    ) -> Result<Answer, ImportError> {
        let headers = headers(place, ".response.headers", self.headers)?;
        let status = self.status.map_or("0", RawValue::get);
        // Over HTTP/2 and 3, a WebSocket is a CONNECT request answered with 200 (RFC 8441, 5).
        let stream = self.version.as_deref().is_some_and(|version| {
            let version = version.to_ascii_lowercase();
            ["h2", "h3", "http/2", "http/3"]
                .iter()
                .any(|v| version.starts_with(v))
        });
        Ok(match status.parse::<i16>() {
            Ok(101) => Answer::Accepted(headers),
            Ok(200) if stream => Answer::Accepted(headers),
            _ if talks => Answer::Accepted(headers),
            // Chrome and mitmproxy write 0 if no answer came, Playwright writes -1.
            Ok(-1 | 0) => refused.map_or(Answer::Never, |status| {
                Answer::Refused(status, headers, Bytes::new())
            }),
            // An interim answer (RFC 9110, 15.2) without a final one after it.
            Ok(102..=199) => Answer::Never,
            Ok(status @ 200..=599) => Answer::Refused(status.unsigned_abs(), headers, body),
            _ => {
                let found = quoted(status);
                let message = format!("expected the status of an answer, found {found}");
                return Err(place.flaw(".response.status", message));
            }
        })
    }

    /// Why no answer came, in the tool's words.
    pub(super) fn failure(&mut self) -> Option<String> {
        let said = |error: &RawValue| serde_json::from_str(error.get()).ok();
        let text = self.failure.take().or_else(|| said(self.error?));
        text.filter(|text: &String| !text.is_empty())
    }
}

/// The status in Chrome's error text for a refused handshake; its archives have it nowhere else.
pub(super) fn status_in(failure: &str) -> Option<u16> {
    let (_, status) = failure.split_once("Unexpected response code: ")?;
    let status = status.trim().parse().ok()?;
    (100..=599).contains(&status).then_some(status)
}

pub(super) fn headers(
    place: &Place,
    part: &str,
    headers: Option<&RawValue>,
) -> Result<Headers, ImportError> {
    let text = headers.map_or("[]", RawValue::get);
    let headers: Vec<Header> = serde_json::from_str(text)
        .map_err(|_| place.flaw(part, "expected a list of {\"name\", \"value\"}"))?;
    let pair = |header: Header| (header.name, header.value);
    Ok(headers.into_iter().map(pair).collect())
}
