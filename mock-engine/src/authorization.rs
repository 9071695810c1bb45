//! The bearer token that clients must bring.

use std::fmt;

use http::header::{self, HeaderMap};

/// The bearer token demanded of clients, if one is. Its value shows nowhere.
#[derive(Clone, Default)]
pub(crate) struct Authorization(Option<String>);

impl Authorization {
    pub(crate) fn new(token: Option<String>) -> Self {
        Self(token)
    }

    /// Whether the request may come in; `own` is a token that a step demands instead.
    pub(crate) fn admits(&self, headers: &HeaderMap, own: Option<&str>) -> bool {
        let Some(wanted) = own.or(self.0.as_deref()) else {
            return true;
        };
        let given = headers.get(header::AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
        });
        given.is_some_and(|given| same(given, wanted.as_bytes()))
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Authorization(demanded)"
        } else {
            "Authorization(none)"
        })
    }
}

/// Compares without stopping at the first difference.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
}
