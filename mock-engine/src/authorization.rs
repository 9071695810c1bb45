//! The bearer token that clients must bring.

use std::fmt;

use http::header::HeaderMap;

/// The bearer token demanded of clients, if there is one. Its value is never shown.
#[derive(Clone, Default)]
pub(crate) struct Authorization(Option<String>);

impl Authorization {
    pub(crate) fn new(token: Option<String>) -> Self {
        Self(token)
    }

    /// Whether to admit the request; `own` is a token that a step demands instead.
    pub(crate) fn admits(&self, headers: &HeaderMap, own: Option<&str>) -> bool {
        let Some(wanted) = own.or(self.0.as_deref()) else {
            return true;
        };
        wstape_wire::admits(headers, wanted)
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
