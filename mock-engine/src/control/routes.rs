//! Which path does what.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post, put};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use serde_json::Value;

use super::guard::{self, Guard};
use super::problem::Problem;
use super::state::State;
use super::{journal, look, page, steer, wait};

/// What each path takes and answers, for people and tools.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

pub(super) fn router(state: Arc<State>, guard: Guard) -> Router {
    // A browser that opens the page can't send a token in a header. None is needed: the page holds
    // no data.
    let page = Router::new()
        .route("/", get(page::page))
        .method_not_allowed_fallback(not_so)
        .layer(from_fn_with_state(guard.clone(), guard::check_site));
    Router::new()
        .route("/v1/openapi.json", get(openapi))
        .route("/v1/engine", get(look::engine))
        .route("/v1/connections", get(look::connections))
        .route("/v1/verdict", get(look::verdict))
        .route("/v1/faults", get(look::faults).delete(steer::clear_faults))
        .route("/v1/steps", post(steer::steps))
        .route("/v1/tape", put(steer::tape))
        .route("/v1/end", post(steer::end))
        .route("/v1/journal", get(journal::journal))
        .route("/v1/wait", post(wait::wait))
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
        .layer(from_fn_with_state(guard, guard::check))
        .with_state(state)
        .merge(page)
}

async fn openapi() -> Response {
    let mut response = Response::new(Body::from(OPENAPI));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

async fn nothing() -> Problem {
    let error = "nothing at this path; GET /v1/openapi.json says what there is";
    Problem::new(StatusCode::NOT_FOUND, error)
}

async fn not_so(method: Method, uri: Uri) -> Problem {
    let path = uri.path();
    let error = format!("{path} takes {}, not {method}", methods(path).join(", "));
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, error)
}

/// The methods that the document has for a path.
fn methods(path: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(OPENAPI).unwrap_or_default();
    let methods = document["paths"][path].as_object();
    let methods = methods.into_iter().flat_map(|methods| methods.keys());
    methods.map(|method| method.to_uppercase()).collect()
}
