//! An error, in Toxiproxy's words.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::control::problem::{Problem, json};

/// An answer whose status is not a 2xx.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: String,
}

#[derive(Serialize)]
struct Said<'a> {
    error: &'a str,
    status: u16,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let error = error.into();
        Self { status, error }
    }

    pub(super) fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    pub(super) fn no_proxy() -> Self {
        Self::new(StatusCode::NOT_FOUND, "proxy not found")
    }

    pub(super) fn no_toxic() -> Self {
        Self::new(StatusCode::NOT_FOUND, "toxic not found")
    }

    pub(super) fn exists(what: &str) -> Self {
        Self::new(StatusCode::CONFLICT, format!("{what} already exists"))
    }

    /// Refuses what is out of bounds here.
    pub(super) fn forbidden(error: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error)
    }

    pub(super) fn too_many(error: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let (status, error) = problem.into_parts();
        Self { status, error }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (error, status) = (self.error.as_str(), self.status.as_u16());
        let mut response = json(&Said { error, status });
        *response.status_mut() = self.status;
        response
    }
}
