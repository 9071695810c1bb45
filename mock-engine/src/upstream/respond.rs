//! Answers of the tapes' own, given in the real engine's place.

use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http_body_util::BodyExt;

/// An answer as bytes. One that answers a HEAD (`to_head`) has no body.
pub(super) async fn bytes_of(response: Response, to_head: bool) -> Bytes {
    let (parts, body) = response.into_parts();
    // A body made of bytes can't fail.
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let mut out = BytesMut::new();
    let reason = parts.status.canonical_reason().unwrap_or_default();
    out.put_slice(format!("HTTP/1.1 {} {reason}\r\n", parts.status.as_str()).as_bytes());
    for (name, value) in &parts.headers {
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
        out.put_slice(b"\r\n");
    }
    let framed = [CONTENT_LENGTH, TRANSFER_ENCODING];
    if !framed.iter().any(|name| parts.headers.contains_key(name)) {
        out.put_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    out.put_slice(b"\r\n");
    if !to_head {
        out.put_slice(&body);
    }
    out.freeze()
}
