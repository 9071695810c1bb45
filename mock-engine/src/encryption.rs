//! Whether the port speaks TLS.

#[cfg(feature = "tls")]
use crate::tls::Tls;

/// What encrypts the port: nothing, or TLS.
#[derive(Debug, Clone, Default)]
pub(crate) struct Encryption {
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Encryption {
    /// TLS with these certificates.
    #[cfg(feature = "tls")]
    pub(crate) fn with(tls: Tls) -> Self {
        Self { tls: Some(tls) }
    }

    /// The certificates, if TLS is spoken.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Whether TLS is spoken.
    #[cfg(feature = "tls")]
    pub(crate) fn is_on(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether TLS is spoken: never, without the feature.
    #[cfg(not(feature = "tls"))]
    pub(crate) fn is_on(&self) -> bool {
        let Self {} = self;
        false
    }

    /// The scheme of the engine's URL.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_on() { "wss" } else { "ws" }
    }
}
