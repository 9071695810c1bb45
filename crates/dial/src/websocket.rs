//! `connect_async` of tokio-tungstenite 0.30, over [`dial`](crate::dial()).

use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::UrlError;
#[cfg(not(any(
    feature = "native-tls",
    feature = "rustls-tls-native-roots",
    feature = "rustls-tls-webpki-roots"
)))]
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::dial::dial;
use crate::stream::Stream;

/// Connects and shakes hands, as [`tokio_tungstenite`]'s function of this name does. `wss` needs
/// one of this crate's three TLS features.
///
/// ```no_run
/// # async fn run() -> Result<(), tokio_tungstenite::tungstenite::Error> {
/// use futures_util::StreamExt;
///
/// let (mut socket, _response) = wstape_dial::connect_async("ws://127.0.0.1:8765/ws").await?;
/// while let Some(message) = socket.next().await {
///     println!("{}", message?);
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// As `tokio_tungstenite::connect_async`: an invalid URL or one without a host, a dial that fails,
/// a handshake that is refused, `wss` without a TLS feature.
pub async fn connect_async<R>(
    request: R,
) -> Result<(WebSocketStream<MaybeTlsStream<Stream>>, Response), Error>
where
    R: IntoClientRequest + Unpin,
{
    let request = request.into_client_request()?;
    let uri = request.uri();
    let host = uri.host().ok_or(Error::Url(UrlError::NoHostName))?;
    let port = match (uri.port_u16(), uri.scheme_str()) {
        (Some(port), _) => port,
        (None, Some("wss")) => 443,
        (None, Some("ws")) => 80,
        (None, _) => return Err(tungstenite::Error::Url(UrlError::UnsupportedUrlScheme)),
    };
    let stream = dial(host, port).await.map_err(Error::Io)?;
    shake_hands(request, stream).await
}

#[cfg(any(
    feature = "native-tls",
    feature = "rustls-tls-native-roots",
    feature = "rustls-tls-webpki-roots"
))]
use tokio_tungstenite::client_async_tls as shake_hands;

#[cfg(not(any(
    feature = "native-tls",
    feature = "rustls-tls-native-roots",
    feature = "rustls-tls-webpki-roots"
)))]
async fn shake_hands(
    request: Request,
    stream: Stream,
) -> Result<(WebSocketStream<MaybeTlsStream<Stream>>, Response), Error> {
    if request.uri().scheme_str() == Some("wss") {
        return Err(Error::Url(UrlError::TlsFeatureNotEnabled));
    }
    tokio_tungstenite::client_async(request, MaybeTlsStream::Plain(stream)).await
}
