//! TLS in front of the engine: certificates made at start or supplied, and what can be wrong with
//! them.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use wstape_tape::TlsFault;

/// The years for which a certificate made here is valid.
const YEARS: (i32, i32) = (2020, 2100);

/// The years of an expired certificate.
const PAST: (i32, i32) = (2000, 2001);

/// The host of a certificate for another host: a name that nobody can own (RFC 6761, 6.4).
const OTHER_HOST: &str = "another-host.invalid";

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The supplied certificate or key is not PEM.
    #[error("{what} is not PEM: {reason}")]
    Pem {
        /// Which of the two.
        what: &'static str,
        /// The parser's message.
        reason: String,
    },
    /// The supplied file is PEM, but of something else: certificate and key were swapped, say.
    #[error("{what} is not in its file, which holds {found}")]
    Misplaced {
        /// Which of the two.
        what: &'static str,
        /// The labels of what the file holds.
        found: String,
    },
    /// The supplied key is encrypted, and nobody can be asked for its passphrase.
    #[error("the key is encrypted")]
    Encrypted,
    /// The supplied key is another certificate's.
    #[error("the key does not belong to the certificate")]
    Mismatch,
    /// Certificate or key are of a kind that can't be used.
    #[error("the certificate can't be used: {0}")]
    Use(rustls::Error),
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch) => {
                Self::Mismatch
            }
            error => Self::Use(error),
        }
    }
}

/// TLS for an engine: a correct certificate, and one for each thing that can be wrong with one.
#[derive(Clone)]
pub struct Tls {
    good: TlsAcceptor,
    untrusted: TlsAcceptor,
    expired: TlsAcceptor,
    wrong_host: TlsAcceptor,
    ca: Option<Arc<str>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// A certificate authority, and its own certificate in PEM.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Result<Self, TlsError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // RFC 5280 demands these of an authority; strict clients check, such as Python from 3.13
        // on.
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(YEARS.0, 1, 1);
        params.not_after = date_time_ymd(YEARS.1, 1, 1);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self { issuer, pem })
    }

    /// Signs a certificate for these hosts, valid in these years, ready for use.
    fn sign(&self, hosts: &[String], (from, to): (i32, i32)) -> Result<TlsAcceptor, TlsError> {
        let mut params = CertificateParams::new(hosts.to_vec())?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        acceptor(vec![certificate.der().clone()], key.into())
    }
}

fn acceptor(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Tls {
    /// Makes a certificate for loopback and these hosts, signed by an authority made for it.
    ///
    /// # Errors
    /// If a host can't be put in a certificate, or the system gives no random bytes.
    pub fn generate(hosts: &[String]) -> Result<Self, TlsError> {
        let authority = Authority::new("wstape")?;
        let mut all: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        for host in hosts {
            let any = host.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified());
            if !any && !all.contains(host) {
                all.push(host.clone());
            }
        }
        let good = authority.sign(&all, YEARS)?;
        let ca = Some(authority.pem.as_str().into());
        Self::around(good, &authority, &all, ca)
    }

    /// Uses a supplied certificate: a chain and its key, in PEM.
    ///
    /// # Errors
    /// If they are not PEM, or do not match.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let certificates =
            certificates.map_err(|error| flaw(&CERTIFICATE, chain, reason(&error)))?;
        if certificates.is_empty() {
            let reason = "it holds no certificate".to_owned();
            return Err(flaw(&CERTIFICATE, chain, reason));
        }
        if is_encrypted(key) {
            return Err(TlsError::Encrypted);
        }
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| flaw(&KEY, key, reason(&error)))?;
        let good = acceptor(certificates, key)?;
        let loopback: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        Self::around(good, &Authority::new("wstape")?, &loopback, None)
    }

    /// Adds the faulty certificates, each with just one thing wrong.
    fn around(
        good: TlsAcceptor,
        authority: &Authority,
        hosts: &[String],
        ca: Option<Arc<str>>,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            good,
            untrusted: Authority::new("nobody knows this one")?.sign(hosts, YEARS)?,
            expired: authority.sign(hosts, PAST)?,
            wrong_host: authority.sign(&[OTHER_HOST.to_owned()], YEARS)?,
            ca,
        })
    }

    /// The authority's certificate in PEM, for clients to trust; `None` if the certificate was
    /// supplied.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// The acceptor for a handshake, with this fault if there is one.
    pub(crate) fn acceptor(&self, fault: Option<TlsFault>) -> &TlsAcceptor {
        match fault {
            Some(TlsFault::Untrusted) => &self.untrusted,
            Some(TlsFault::Expired) => &self.expired,
            Some(TlsFault::WrongHost) => &self.wrong_host,
            _ => &self.good,
        }
    }
}

/// What a PEM file is asked for: what messages call it, and how its labels end.
struct Part {
    name: &'static str,
    label: &'static str,
}

const CERTIFICATE: Part = Part {
    name: "the certificate",
    label: "CERTIFICATE",
};
const KEY: Part = Part {
    name: "the key",
    label: "PRIVATE KEY",
};

/// What is wrong with a file in which a certificate or a key was not found: it holds other things
/// whole, or is not PEM.
fn flaw(part: &Part, file: &[u8], reason: String) -> TlsError {
    let labels: Vec<String> = labels(file).collect();
    let cut = labels.iter().any(|label| {
        let end = format!("-----END {label}-----");
        memchr::memmem::find(file, end.as_bytes()).is_none()
    });
    let what = part.name;
    if labels.is_empty() || cut || labels.iter().any(|label| label.ends_with(part.label)) {
        return TlsError::Pem { what, reason };
    }
    let found = labels.join(", ");
    TlsError::Misplaced { what, found }
}

/// The labels of a PEM file: what stands in its BEGIN lines.
fn labels(file: &[u8]) -> impl Iterator<Item = String> {
    file.split(|byte| *byte == b'\n').filter_map(|line| {
        let label = line.trim_ascii().strip_prefix(b"-----BEGIN ")?;
        let label = std::str::from_utf8(label.strip_suffix(b"-----")?).ok()?;
        Some(label.to_owned())
    })
}

/// Whether a key's file says that a passphrase is needed: by its label (RFC 5958), or by a header
/// of OpenSSL's older form.
fn is_encrypted(key: &[u8]) -> bool {
    labels(key).any(|label| label == "ENCRYPTED PRIVATE KEY")
        || memchr::memmem::find(key, b"Proc-Type: 4,ENCRYPTED").is_some()
}

/// The PEM reader's reason, in words.
fn reason(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            let label = String::from_utf8_lossy(end_marker);
            format!("it breaks off before -----END {label}-----")
        }
        error => error.to_string(),
    }
}

/// The journal's text for a failed handshake.
pub(crate) fn failure(error: &io::Error) -> String {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(alert)) => format!("the client says {alert:?}"),
        Some(error) => error.to_string(),
        None => error.to_string(),
    }
}
