//! An error, as an answer: a status, and a sentence in JSON.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use wstape_tape::TapeError;

/// An answer whose status is not a 2xx.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    said: Said,
}

#[derive(Debug, Serialize)]
struct Said {
    /// One sentence.
    error: String,
    /// For an error in a line of a tape: the sentence, with the line and a caret.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let said = Said {
            error: error.into(),
            report: None,
            line: None,
            column: None,
        };
        Self { status, said }
    }

    pub(super) fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// The same problem, said of this line of the request.
    pub(super) fn at_line(mut self, line: u64) -> Self {
        self.said.line = Some(line);
        self
    }

    /// Its status and its sentence.
    pub(super) fn into_parts(self) -> (StatusCode, String) {
        (self.status, self.said.error)
    }

    /// An invalid tape, or an invalid line of one.
    pub(super) fn tape(error: &TapeError) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            said: Said {
                error: error.to_string(),
                report: Some(error.report()),
                line: Some(error.line()),
                column: Some(error.column()),
            },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = json(&self.said);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // Don't wait for the rest of what the client sends.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// A 200 of JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    // This can't fail: every answer has string keys and finite numbers.
    let mut body = serde_json::to_vec(value).unwrap_or_default();
    body.push(b'\n');
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
