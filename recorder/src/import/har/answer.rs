//! How an archive records the answer to a handshake: status, headers, body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::value::RawValue;

use super::members::{members, scalar, whole};
use super::place::Place;
use crate::error::import::ImportError;
use crate::import::body::{self, LeftOut};
use crate::import::session::{Answer, Headers};

/// The parts of a response that are read.
pub(super) struct Response<'a> {
    status: Option<&'a RawValue>,
    version: Option<String>,
    headers: Option<&'a RawValue>,
    pub(super) content: Content<'a>,
    /// The error text, as Chrome and mitmproxy write it, or else as Playwright does.
    error: Option<&'a RawValue>,
}

pub(super) struct Content<'a> {
    /// The file that Playwright puts the messages in.
    file: Option<String>,
    /// The file in `resources/` that Playwright's traces before 1.65 put the messages in.
    resource: Option<String>,
    /// The body, if the archive has it.
    text: Option<&'a RawValue>,
    /// How the body is encoded, if `text` is not the plain text.
    encoding: Option<&'a RawValue>,
}

impl Content<'_> {
    /// The body of a refusal.
    pub(super) fn body(&self, place: &Place) -> Result<Result<Bytes, LeftOut>, ImportError> {
        let text = place.text(".response.content.text", self.text)?;
        let encoding = place.text(".response.content.encoding", self.encoding)?;
        let Some(text) = text else {
            return Ok(Ok(Bytes::new()));
        };
        Ok(match encoding.as_deref() {
            None | Some("") => body::of_text(text.into()),
            Some("base64") => match STANDARD.decode(text) {
                Ok(bytes) => body::of_text(bytes),
                Err(_) => Err(LeftOut::Broken),
            },
            Some(other) => Err(LeftOut::Encoded(other.to_owned())),
        })
    }

    pub(super) fn file(&self) -> Option<String> {
        let resource = self.resource.as_ref();
        let resource = resource.map(|name| format!("{RESOURCES}{name}"));
        self.file.clone().or(resource)
    }
}

/// The folder of a trace with the files that its log names.
const RESOURCES: &str = "resources/";

impl<'a> Response<'a> {
    /// The status of an entry's response: what it is, not what is wrong with it.
    pub(super) fn status(value: Option<&RawValue>) -> Option<i16> {
        let [status] = members(value?, ["status"])?;
        whole(status?)
    }

    pub(super) fn of(place: &Place, value: Option<&'a RawValue>) -> Result<Self, ImportError> {
        const NAMES: [&str; 6] = [
            "status",
            "httpVersion",
            "headers",
            "content",
            "_error",
            "_failureText",
        ];
        let [status, version, headers, content, error, failure] =
            place.part(".response", value, NAMES)?;
        let content_names = ["_file", "_sha1", "text", "encoding"];
        let [file, resource, text, encoding] =
            place.part(".response.content", content, content_names)?;
        Ok(Self {
            status,
            version: version.and_then(scalar),
            headers,
            content: Content {
                file: place.text(".response.content._file", file)?,
                resource: place.text(".response.content._sha1", resource)?,
                text,
                encoding,
            },
            error: failure.or(error),
        })
    }

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
        let status = self.status.map_or(Some(0), whole::<i16>);
        // Over HTTP/2 and 3, a WebSocket is a CONNECT request answered with 200 (RFC 8441, 5).
        let stream = self.version.as_deref().is_some_and(|version| {
            let version = version.to_ascii_lowercase();
            ["h2", "h3", "http/2", "http/3", "2", "3"]
                .iter()
                .any(|v| version.starts_with(v))
        });
        Ok(match status {
            Some(101) => Answer::Accepted(headers),
            Some(200) if stream => Answer::Accepted(headers),
            _ if talks => Answer::Accepted(headers),
            // Chrome and mitmproxy write 0 if no answer came, Playwright writes -1.
            Some(-1 | 0) => refused.map_or(Answer::Never, |status| {
                Answer::Refused(status, headers, Bytes::new())
            }),
            // An interim answer (RFC 9110, 15.2) without a final one after it.
            Some(102..=199) => Answer::Never,
            Some(status @ 200..=599) => Answer::Refused(status.unsigned_abs(), headers, body),
            _ => {
                let expected = "the status of an answer";
                return Err(place.other(".response.status", expected, self.status));
            }
        })
    }

    /// Why no answer came, in the tool's words.
    pub(super) fn failure(&self) -> Option<String> {
        let error = self.error?;
        // Words that stand in an object are still the tool's.
        let text = scalar(error).unwrap_or_else(|| error.get().to_owned());
        Some(text).filter(|text| !text.is_empty())
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
    value: Option<&RawValue>,
) -> Result<Headers, ImportError> {
    let headers: Option<Headers> = value.map_or(Some(Vec::new()), |list| {
        listed(list)?.into_iter().map(header).collect()
    });
    headers.ok_or_else(|| place.flaw(part, "expected a list of {\"name\", \"value\"}"))
}

/// Whether a list of headers has one of this name and this value.
pub(super) fn has_header(list: &RawValue, name: &str, value: &str) -> bool {
    let headers = listed(list).unwrap_or_default();
    headers
        .into_iter()
        .filter_map(header)
        .any(|(own, said)| own.eq_ignore_ascii_case(name) && said.eq_ignore_ascii_case(value))
}

fn listed(list: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(list.get()).ok()
}

/// A header's name and value. Some writers have a number where the value is one, as for a length.
fn header(written: &RawValue) -> Option<(String, String)> {
    let [name, value] = members(written, ["name", "value"])?;
    Some((serde_json::from_str(name?.get()).ok()?, scalar(value?)?))
}
