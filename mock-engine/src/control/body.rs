//! Reads requests' bodies, bounded in size and time.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use http::StatusCode;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The longest body of a request other than a tape, in bytes.
pub const MAX_REQUEST_BYTES: usize = 1 << 20;

/// The longest tape accepted, in bytes.
pub const MAX_TAPE_BYTES: usize = 64 << 20;

/// How long a request's body may take to arrive.
pub const MAX_BODY_WAIT: Duration = Duration::from_secs(10);

/// Reads the whole body.
pub(super) async fn read(body: Body, max_bytes: usize) -> Result<Bytes, Problem> {
    match tokio::time::timeout(MAX_BODY_WAIT, to_bytes(body, max_bytes)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_long(&error) => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {max_bytes} bytes"),
        )),
        Ok(Err(_)) => Err(Problem::bad("the body was cut off")),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "the body did not arrive within {} s",
                MAX_BODY_WAIT.as_secs()
            ),
        )),
    }
}

/// Reads the whole body as text.
pub(super) async fn read_text(body: Body, max_bytes: usize) -> Result<String, Problem> {
    let bytes = read(body, max_bytes).await?;
    String::from_utf8(bytes.into()).map_err(|_| Problem::bad("the body is not UTF-8"))
}

/// Reads the whole body as JSON.
pub(super) async fn read_json<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let bytes = read(body, MAX_REQUEST_BYTES).await?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::bad(error.to_string()))
}

/// Whether an error means that the body is longer than allowed.
fn is_too_long(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use futures_util::{StreamExt as _, stream};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_waited_for_so_long_and_no_longer() {
        let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{\"at_ms\""))]);
        let body = Body::from_stream(first.chain(stream::pending()));
        let began = tokio::time::Instant::now();
        let problem = read(body, MAX_REQUEST_BYTES).await.unwrap_err();
        assert_eq!(
            problem.into_response().status(),
            StatusCode::REQUEST_TIMEOUT
        );
        assert_eq!(began.elapsed(), MAX_BODY_WAIT);
    }
}
