//! The options of TLS.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use wstape_mock_engine::Tls;

use super::error::ServeError;
use crate::cmd::small_file;

/// How a certificate in a file begins.
const PEM_BEGINS: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Whether TLS is spoken, and with which certificate.
#[derive(Debug, Args)]
pub(super) struct TlsArgs {
    /// Speak TLS (wss), with a certificate made at start
    #[arg(long)]
    tls: bool,
    /// Write the CA certificate behind it to this file, in PEM, for clients to trust
    #[arg(long, value_name = "FILE", requires = "tls", conflicts_with = "cert")]
    tls_ca: Option<PathBuf>,
    /// Speak TLS with this certificate: a chain in PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl TlsArgs {
    /// TLS for an engine on `listen`, if wanted.
    pub(super) fn tls(&self, listen: &str) -> Result<Option<Tls>, ServeError> {
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            let tls = Tls::from_pem(&read(cert)?, &read(key)?);
            return tls.map(Some).map_err(|source| ServeError::Pem {
                cert: cert.clone(),
                key: key.clone(),
                source,
            });
        }
        if !self.tls {
            return Ok(None);
        }
        let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let tls = Tls::generate(&[host.to_owned()])?;
        if let (Some(path), Some(ca)) = (&self.tls_ca, tls.ca_pem()) {
            write(path, ca)?;
        }
        Ok(Some(tls))
    }

    /// The file with the certificate's authority.
    pub(super) fn ca(&self) -> Option<String> {
        let path = self.tls_ca.as_ref()?;
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        Some(whole.display().to_string())
    }
}

fn file_error(path: &Path, source: io::Error) -> ServeError {
    ServeError::Certificate {
        path: path.to_owned(),
        source,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ServeError> {
    small_file::read(path).map_err(|source| file_error(path, source))
}

/// Writes a certificate; only an older certificate is overwritten.
fn write(path: &Path, pem: &str) -> Result<(), ServeError> {
    match small_file::read(path) {
        Ok(old) if !old.is_empty() && !old.starts_with(PEM_BEGINS) => {
            let other = "the file exists and is not a certificate";
            return Err(file_error(
                path,
                io::Error::new(io::ErrorKind::AlreadyExists, other),
            ));
        }
        _ => {}
    }
    fs::write(path, pem).map_err(|source| ServeError::Authority {
        path: path.to_owned(),
        source,
    })
}
