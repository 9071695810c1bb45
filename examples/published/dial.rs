//! `connect_async` of tokio-tungstenite, dialling through wstape-dial. `fetch` adds this file to
//! two subscribers.

use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, error::UrlError};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async};

/// Connects as tokio-tungstenite's own function does, without TLS.
pub(crate) async fn connect_async<R: IntoClientRequest + Unpin>(
    request: R,
) -> Result<
    (
        WebSocketStream<MaybeTlsStream<wstape_dial::Stream>>,
        Response,
    ),
    Error,
> {
    let request = request.into_client_request()?;
    let uri = request.uri();
    let host = uri.host().ok_or(Error::Url(UrlError::NoHostName))?;
    let stream = wstape_dial::dial(host, uri.port_u16().unwrap_or(80)).await?;
    client_async(request, MaybeTlsStream::Plain(stream)).await
}
