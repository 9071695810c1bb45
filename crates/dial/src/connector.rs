//! A connector for hyper-util's client, over [`dial`](crate::dial()).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tower_service::Service;

use crate::dial::dial;
use crate::stream::Stream;

/// Connects hyper-util's client: `Client::builder(…).build(Connector)`. Plain HTTP; a TLS connector
/// can wrap it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connector;

/// A connection for hyper.
#[derive(Debug)]
pub struct HyperStream(TokioIo<Stream>);

impl Service<Uri> for Connector {
    type Response = HyperStream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<HyperStream>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Some(host) = uri.host() else {
            let why = format!("expected a URI with a host, found {uri}");
            return Box::pin(async { Err(io::Error::new(io::ErrorKind::InvalidInput, why)) });
        };
        let default = if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let dialing = dial(host, uri.port_u16().unwrap_or(default));
        Box::pin(async move {
            dialing
                .await
                .map(|stream| HyperStream(TokioIo::new(stream)))
        })
    }
}

impl Connection for HyperStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for HyperStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl Write for HyperStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
