//! A real engine behind the port instead of a tape.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use engine_client::{DialError, NetDialer, NetStream, SystemClock, Target};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::lookup_host;
use wstape_mock_engine::{
    ConnectionObserver, Observer, Upstream, UpstreamDialer, UpstreamDialing, UpstreamStream,
};
use wstape_recorder::{Output, ProxyRecording, RecordedConnection, RecordedConnections};
use wstape_tape::End;

use super::error::ServeError;
use crate::cmd::exit::lacks;
use crate::cmd::redaction::RedactionArgs;
use crate::cmd::small_file;

/// How long the first check of a `wss` engine's certificate may take.
const CHECK_WAIT: Duration = Duration::from_secs(10);

/// The options of a real engine: if one stands alone, the error asks for `--upstream`, not a tape.
pub(super) const UPSTREAM: [&str; 6] = [
    "upstream",
    "rewrite_host",
    "upstream_ca",
    "record",
    "force_record",
    "toxiproxy",
];

/// Which real engine stands behind the port, and what is kept of its traffic.
#[derive(Debug, Args)]
pub(super) struct UpstreamArgs {
    /// Serve a real engine instead of a tape: a ws:// or wss:// URL. Only its scheme, host and port
    /// are used; paths come from the clients. Overlays and the control port act on its traffic
    #[arg(long, value_name = "URL", conflicts_with_all = ["tape", "speed", "ts", "token", "token_env", "engine", "path"])]
    upstream: Option<String>,
    /// Set the Host header of requests to the engine's host, for virtual hosts
    #[arg(long, requires = "upstream", conflicts_with = "tape")]
    rewrite_host: bool,
    /// For a wss:// engine, trust only the CAs in this PEM file. Default: those of the system
    #[arg(
        long,
        value_name = "FILE",
        requires = "upstream",
        conflicts_with = "tape"
    )]
    upstream_ca: Option<PathBuf>,
    /// Record what clients and the real engine send; faults go to the journal, not to this tape
    #[arg(
        long,
        value_name = "FILE",
        requires = "upstream",
        conflicts_with = "tape"
    )]
    record: Option<PathBuf>,
    /// Overwrite the recording's FILE if it exists
    #[arg(long, requires = "record")]
    force_record: bool,
    #[command(flatten)]
    redaction: RedactionArgs,
}

/// A real engine, and the recording of its traffic.
pub(super) struct Live {
    pub(super) upstream: Upstream,
    /// The path in its URL.
    pub(super) path: String,
    pub(super) recording: Option<ProxyRecording>,
}

impl UpstreamArgs {
    /// Whether there is a real engine.
    pub(super) fn wanted(&self) -> bool {
        self.upstream.is_some()
    }

    /// Where it is, if there is one.
    ///
    /// # Errors
    /// If its URL is not valid.
    pub(super) fn target(&self) -> Result<Option<Target>, ServeError> {
        let Some(url) = &self.upstream else {
            return Ok(None);
        };
        let target = Target::parse(url);
        target.map(Some).map_err(|error| ServeError::Upstream {
            url: url.clone(),
            reason: error.to_string(),
        })
    }

    /// Prepares what a real engine needs, if there is one.
    pub(super) async fn open(&self) -> Result<Option<Live>, ServeError> {
        let (Some(target), Some(url)) = (self.target()?, &self.upstream) else {
            return Ok(None);
        };
        let dialer = Dialer {
            net: self.net()?,
            target,
        };
        dialer.check(url, self.upstream_ca.is_none()).await?;
        let recording = self.recording(&dialer.target)?;
        let host = dialer.target.host_header();
        let host = host.map_err(|error| ServeError::Upstream {
            url: url.clone(),
            reason: error.to_string(),
        })?;
        let host = Bytes::copy_from_slice(host.as_bytes());
        let path =
            url::Url::parse(url).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned());
        let mut upstream = Upstream::new(Arc::new(dialer));
        if self.rewrite_host {
            upstream = upstream.host(host);
        }
        if let Some(recording) = &recording {
            upstream = upstream.observer(Arc::new(Recorder(recording.connections())));
        }
        Ok(Some(Live {
            upstream,
            path,
            recording,
        }))
    }

    /// The dialer, which trusts the system's authorities or the given ones.
    fn net(&self) -> Result<NetDialer, ServeError> {
        let Some(path) = &self.upstream_ca else {
            return Ok(NetDialer::new());
        };
        let net = small_file::read(path).and_then(|pem| NetDialer::trusting(&pem));
        net.map_err(|source| ServeError::Certificate {
            path: path.clone(),
            source,
        })
    }

    fn recording(&self, target: &Target) -> Result<Option<ProxyRecording>, ServeError> {
        let Some(path) = &self.record else {
            return Ok(None);
        };
        let redactor = self.redaction.redactor()?;
        let output = Output::create(path, self.force_record)?;
        let clock = Arc::new(SystemClock::new());
        let remarks = |remark: &str| eprintln!("{remark}");
        let recording = ProxyRecording::begin(target, output, redactor, clock, remarks)?;
        Ok(Some(recording))
    }

    /// Fails if the real engine is the port listening there.
    pub(super) async fn is_own(&self, listening: SocketAddr) -> Result<(), ServeError> {
        let (Some(target), Some(url)) = (self.target()?, &self.upstream) else {
            return Ok(());
        };
        // A name that can't be resolved is not this port now, but may be later.
        let Ok(mut found) = lookup_host((target.host(), target.port())).await else {
            return Ok(());
        };
        let everywhere = listening.ip().is_unspecified();
        let leads_back = |addr: SocketAddr| {
            let here = addr.ip().is_loopback() || addr.ip().is_unspecified();
            addr.port() == listening.port() && (addr.ip() == listening.ip() || everywhere && here)
        };
        if found.any(leads_back) {
            return Err(ServeError::Upstream {
                url: url.clone(),
                reason: format!(
                    "that is this port itself, {listening}; give the engine's own address"
                ),
            });
        }
        Ok(())
    }
}

/// Finishes a recording, and reports what is in it and what is missing.
pub(super) async fn finish(recording: ProxyRecording) -> Result<(), ServeError> {
    let summary = recording.finish().await?;
    eprintln!("recorded {summary}");
    match &lacks(&summary.counts)[..] {
        [] => Ok(()),
        lacking => Err(ServeError::Lacking(lacking.join("; "))),
    }
}

/// The dialer of the real engine, which speaks TLS for `wss`.
#[derive(Debug)]
struct Dialer {
    net: NetDialer,
    target: Target,
}

impl Dialer {
    /// Reaches a `wss` engine once, so that a bad certificate comes to light before anybody dials.
    /// It is no error if the engine is not there yet.
    async fn check(&self, url: &str, by_system: bool) -> Result<(), ServeError> {
        if !self.target.tls() {
            return Ok(());
        }
        match tokio::time::timeout(CHECK_WAIT, self.net.connect(&self.target)).await {
            Ok(Err(error @ DialError::Tls(_))) => Err(ServeError::Upstream {
                url: url.to_owned(),
                reason: if by_system {
                    format!(
                        "{error}; --upstream-ca FILE names the CA to trust instead of those of \
                         the system"
                    )
                } else {
                    error.to_string()
                },
            }),
            _ => Ok(()),
        }
    }
}

impl UpstreamDialer for Dialer {
    fn dial(&self) -> UpstreamDialing<'_> {
        Box::pin(async move {
            match self.net.connect(&self.target).await {
                Ok(stream) => Ok(Box::new(Stream(stream)) as Box<dyn UpstreamStream>),
                Err(DialError::Connect(error))
                    if error.kind() == io::ErrorKind::ConnectionRefused =>
                {
                    Err("connection refused".to_owned())
                }
                Err(error) => Err(error.to_string()),
            }
        })
    }
}

/// A stream to the real engine.
struct Stream(NetStream);

impl UpstreamStream for Stream {
    fn reset(self: Box<Self>) {
        // If the socket refuses, the engine sees whatever a drop causes.
        let _ = self.0.socket().set_zero_linger();
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

/// Passes the traffic to a recording.
#[derive(Debug)]
struct Recorder(RecordedConnections);

impl Observer for Recorder {
    fn connection(&self) -> Box<dyn ConnectionObserver> {
        Box::new(Recorded(self.0.connection()))
    }
}

struct Recorded(RecordedConnection);

impl ConnectionObserver for Recorded {
    fn client_sent(&mut self, bytes: &Bytes) {
        self.0.client_sent(bytes);
    }

    fn engine_sent(&mut self, bytes: &Bytes) {
        self.0.engine_sent(bytes);
    }

    fn client_ended(&mut self, end: End) {
        self.0.client_ended(end);
    }

    fn engine_ended(&mut self, end: End) {
        self.0.engine_ended(end);
    }

    fn unreachable(&mut self, why: &str) {
        self.0.unreachable(why);
    }
}
