//! Takes TCP connections off the port.

use std::sync::Arc;

use tokio::net::TcpStream;
use wstape_tape::Micros;

use crate::acceptor::{Acceptor, Dialed};
use crate::encryption::Encryption;
use crate::hub::Hub;
use crate::port::TcpPort;
use crate::pump::{pump, reset};

/// The pause after a failed accept (mostly for want of descriptors).
const ACCEPT_PAUSE: Micros = Micros::from_ms(50);

/// Takes connections off the port and joins each to a link, for as long as the engine lives.
pub(crate) async fn accept_all(acceptor: Acceptor, port: Arc<TcpPort>, encryption: Encryption) {
    let hub = acceptor.hub();
    let log = hub.log();
    loop {
        match port.accept().await {
            Ok(stream) => {
                // This only saves a delay; a socket that refuses it works all the same.
                let _ = stream.set_nodelay(true);
                match acceptor.accept() {
                    Ok(Some(dialed)) => carry(hub, dialed, stream, &encryption),
                    // The port went down in the meantime: the kernel had accepted the connection
                    // before, or can't leave it pending.
                    Ok(None) | Err(_) => reset(stream),
                }
            }
            Err(error) => {
                log.note(None, format!("accept: {error}"));
                log.clock().sleep_until(log.in_future(ACCEPT_PAUSE)).await;
            }
        }
    }
}

/// Carries a dial's bytes, over TLS if that is spoken.
fn carry(hub: &Arc<Hub>, dialed: Dialed, stream: TcpStream, encryption: &Encryption) {
    let clock = hub.log().clock().clone();
    #[cfg(feature = "tls")]
    if let Some(tls) = encryption.tls()
        && dialed.id.is_some()
    {
        let tls = tls.clone();
        return hub.spawn(crate::tls_socket::run(Arc::clone(hub), dialed, stream, tls));
    }
    if dialed.failure.is_some() || encryption.is_on() && dialed.id.is_some() {
        return reset(stream);
    }
    hub.spawn(pump(clock, dialed.end, stream));
}
