//! The page that a browser gets.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};

use crate::page;

/// Answers with the page. It holds nothing of the run: it asks for that itself, with the token
/// after the `#` of its address, which a browser sends to no server.
pub(super) async fn page() -> Response {
    let live = page::live();
    let mut response = Response::new(Body::from(live.html.as_str()));
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&live.policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
