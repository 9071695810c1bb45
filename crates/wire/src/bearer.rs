//! Bearer tokens (RFC 6750, 2.1).

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

const SCHEME: &str = "Bearer ";

/// A token that a header can't hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token has characters that are not allowed in a header")]
pub struct InvalidToken;

/// The `Authorization` header with `token`, marked so that nothing prints it.
///
/// # Errors
/// [`InvalidToken`] if it has characters that a header can't hold.
pub fn authorization(token: &str) -> Result<HeaderValue, InvalidToken> {
    let value = HeaderValue::try_from(format!("{SCHEME}{token}"));
    let mut value = value.map_err(|_| InvalidToken)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether a request's headers carry the expected token. A wrong token of the same length takes as
/// long as the right one.
///
/// ```
/// use http::HeaderMap;
/// use http::header::AUTHORIZATION;
/// let mut headers = HeaderMap::new();
/// assert!(!wstape_wire::admits(&headers, "secret"));
/// headers.insert(AUTHORIZATION, wstape_wire::authorization("secret")?);
/// assert!(wstape_wire::admits(&headers, "secret"));
/// # Ok::<(), wstape_wire::InvalidToken>(())
/// ```
#[must_use]
pub fn admits(headers: &HeaderMap, wanted: &str) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.as_bytes().split_at_checked(SCHEME.len())?;
        scheme
            .eq_ignore_ascii_case(SCHEME.as_bytes())
            .then_some(token)
    });
    given.is_some_and(|given| same(given, wanted.as_bytes()))
}

/// Compares without stopping at the first difference.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_of_the_scheme_is_let_in() {
        let table = [
            ("Bearer secret", true),
            ("bEARER secret", true),
            ("Bearer secreT", false),
            ("Bearer secret ", false),
            ("Bearer ", false),
            ("Basic secret", false),
            ("secret", false),
        ];
        for (value, let_in) in table {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(admits(&headers, "secret"), let_in, "{value}");
        }
    }

    #[test]
    fn a_token_that_no_header_can_hold_is_refused_and_no_other_is_printed() {
        assert_eq!(authorization("a\nb"), Err(InvalidToken));
        let value = authorization("secret").unwrap();
        assert!(!format!("{value:?}").contains("secret"));
    }
}
