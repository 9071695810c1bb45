//! Getting a byte stream to the peer: the dialer, which the caller may supply.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
#[cfg(feature = "tls")]
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

#[cfg(feature = "tls")]
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(feature = "tls")]
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

use super::target::Target;

/// The protocol offered in TLS. HTTP/2 has a WebSocket handshake of its own (RFC 8441), which this
/// crate does not speak.
#[cfg(feature = "tls")]
const HTTP_1: &[u8] = b"http/1.1";

/// A connected byte stream, ready for the WebSocket handshake.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for T {}

/// What [`Dialer::dial`] returns.
pub type Dialing<'a> =
    Pin<Box<dyn Future<Output = Result<Box<dyn Transport>, DialError>> + Send + 'a>>;

/// Opens byte streams to the peer.
///
/// If [`Target::tls`] holds, the stream is the one inside TLS. The subscriber drops the future when
/// its connect timeout passes, or at shutdown.
pub trait Dialer: Send + Sync + fmt::Debug + 'static {
    /// Connects to `target` once. Retrying is the subscriber's business.
    fn dial<'a>(&'a self, target: &'a Target) -> Dialing<'a>;
}

/// Why there is no byte stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// No transport connection.
    #[error("connect failed: {0}")]
    Connect(#[source] io::Error),
    /// Connected, but TLS failed: a certificate that does not verify, or not TLS at all.
    #[error("tls failed: {0}")]
    Tls(#[source] io::Error),
}

/// Dials over TCP, and TLS for `wss`: rustls with the platform's own certificate verifier.
///
/// The verifier is set up at the first `wss` dial and kept for all that follow. Without the crate's
/// feature `tls` a `wss` dial fails with [`DialError::Tls`].
#[derive(Debug, Default)]
pub struct NetDialer {
    #[cfg(feature = "tls")]
    tls: OnceLock<Arc<ClientConfig>>,
}

impl NetDialer {
    /// With the platform's trust store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a TLS configuration of the caller's own, such as one that trusts a private CA.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls_config(config: Arc<ClientConfig>) -> Self {
        Self {
            tls: OnceLock::from(config),
        }
    }

    /// Trusts the authorities whose certificates are in this PEM text, and no others.
    ///
    /// # Errors
    /// If it holds no certificate, or an invalid one.
    #[cfg(feature = "tls")]
    pub fn trusting(pem: &[u8]) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(io::Error::other)?;
            roots.add(certificate).map_err(io::Error::other)?;
        }
        if roots.is_empty() {
            return Err(io::Error::other("no certificate in it"));
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![HTTP_1.to_vec()];
        Ok(Self::with_tls_config(Arc::new(config)))
    }

    /// Opens the same stream as [`dial`](Dialer::dial) but keeps its socket within reach, for
    /// programs that control how it ends.
    ///
    /// # Errors
    /// If there is no connection, or TLS fails on it.
    pub async fn connect(&self, target: &Target) -> Result<NetStream, DialError> {
        let tcp = TcpStream::connect((target.host(), target.port()))
            .await
            .map_err(DialError::Connect)?;
        tcp.set_nodelay(true).map_err(DialError::Connect)?;
        if !target.tls() {
            return Ok(NetStream(Inner::Tcp(tcp)));
        }
        self.secure(target, tcp).await.map_err(DialError::Tls)
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "with TLS it waits")]
    async fn secure(&self, _: &Target, _: TcpStream) -> io::Result<NetStream> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "built without the feature tls",
        ))
    }

    #[cfg(feature = "tls")]
    async fn secure(&self, target: &Target, tcp: TcpStream) -> io::Result<NetStream> {
        let config = self.tls_config()?;
        let name = ServerName::try_from(target.host().to_owned()).map_err(io::Error::other)?;
        let tls = TlsConnector::from(config).connect(name, tcp).await?;
        Ok(NetStream(Inner::Tls(Box::new(tls))))
    }

    #[cfg(feature = "tls")]
    fn tls_config(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(io::Error::other)?
            .with_no_client_auth();
        config.alpn_protocols = vec![HTTP_1.to_vec()];
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(config))))
    }
}

impl Dialer for NetDialer {
    fn dial<'a>(&'a self, target: &'a Target) -> Dialing<'a> {
        Box::pin(async move {
            Ok(match self.connect(target).await?.0 {
                Inner::Tcp(tcp) => Box::new(tcp) as Box<dyn Transport>,
                #[cfg(feature = "tls")]
                Inner::Tls(tls) => tls,
            })
        })
    }
}

/// A socket, or TLS over one: what [`NetDialer::connect`] opens.
#[derive(Debug)]
pub struct NetStream(Inner);

#[derive(Debug)]
enum Inner {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<TcpStream>>),
}

impl NetStream {
    /// The socket, TLS or not.
    pub fn socket(&self) -> &TcpStream {
        match &self.0 {
            Inner::Tcp(tcp) => tcp,
            #[cfg(feature = "tls")]
            Inner::Tls(tls) => tls.get_ref().0,
        }
    }
}

impl AsyncRead for NetStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Inner::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            #[cfg(feature = "tls")]
            Inner::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for NetStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Inner::Tcp(tcp) => Pin::new(tcp).poll_write(cx, buf),
            #[cfg(feature = "tls")]
            Inner::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Inner::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            #[cfg(feature = "tls")]
            Inner::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Inner::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            #[cfg(feature = "tls")]
            Inner::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
