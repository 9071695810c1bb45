//! ezsockets, through its own interface for connectors. It reads std's clock, so it is played with
//! `--real`.

use std::process::ExitCode;

use async_trait::async_trait;
use ezsockets::client::ClientConnector;
use ezsockets::{Bytes, ClientConfig, ClientExt, Error, Utf8Bytes};
use tokio_tungstenite::tungstenite::{self, http::Uri};
use tokio_tungstenite::{WebSocketStream, client_async};

struct Quiet;

#[async_trait]
impl ClientExt for Quiet {
    type Call = ();

    async fn on_text(&mut self, _: Utf8Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_binary(&mut self, _: Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_call(&mut self, (): ()) -> Result<(), Error> {
        Ok(())
    }
}

/// Its own connector for tokio, except for the dial.
struct Dials(tokio::runtime::Handle);

#[async_trait]
impl ClientConnector for Dials {
    type Handle = enfync::builtin::native::TokioHandle;
    type Message = tungstenite::Message;
    type WSError = tungstenite::Error;
    type Socket = WebSocketStream<wstape_dial::Stream>;

    fn handle(&self) -> Self::Handle {
        self.0.clone().into()
    }

    async fn connect(&self, config: &ClientConfig) -> Result<Self::Socket, Self::WSError> {
        let request = config.connect_http_request();
        let uri: &Uri = request.uri();
        let host = uri.host().unwrap_or_default().to_owned();
        let stream = wstape_dial::dial(&host, uri.port_u16().unwrap_or(80)).await?;
        Ok(client_async(request, stream).await?.0)
    }
}

fn main() -> ExitCode {
    let subject = wstape::subject(|stage| async move {
        // As many attempts as it allows: a bad hour must not end it.
        let config = ClientConfig::new(stage.url.as_str())
            .max_initial_connect_attempts(usize::MAX)
            .max_reconnect_attempts(usize::MAX);
        let connector = Dials(tokio::runtime::Handle::current());
        let (client, mut runs) = ezsockets::connect_with(|_| Quiet, config, connector);
        stage.shutdown().await;
        // Keep the handle until the client has ended: dropping it would race with its Close.
        let _ = client.close(None);
        let ended = runs.extract().await;
        assert!(matches!(ended, Ok(Ok(()))), "{ended:?}");
    });
    wstape::main(&subject.named("ezsockets 0.7.2").logs_of("ezsockets"))
}
