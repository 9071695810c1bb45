//! An upgraded connection: reads the client's frames and lets the hub answer them.

use std::sync::Arc;

use bytes::Bytes;

use crate::accepted::Accepted;
use crate::deflate::Terms;
use crate::frame::FrameParser;
use crate::hub::Hub;
use crate::read::read_some;

/// Serves the connection until the client or the engine ends it. `first` is what the client sent
/// after its request, `terms` how messages are compressed.
pub(crate) async fn run(hub: Arc<Hub>, mut io: Accepted, first: Bytes, terms: Option<Terms>) {
    let id = io.id();
    hub.core().upgrade(id);
    let mut parser = FrameParser::new(&first).inflating(terms);
    // It is usually empty, but keeps the whole buffer of the request alive.
    drop(first);
    loop {
        loop {
            match parser.next() {
                Ok(Some(frame)) => {
                    if !hub.core().received(id, &frame) {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    hub.core().protocol_error(id, error);
                    return;
                }
            }
        }
        match read_some(&mut io).await {
            Ok(bytes) if !bytes.is_empty() => parser.buffer().extend_from_slice(&bytes),
            // The connection's own stream has journalled an end or a reset.
            Ok(_) | Err(_) => return,
        }
    }
}
