//! An upgraded connection: reads the client's frames and lets the hub answer them.

use std::sync::Arc;

use bytes::Bytes;

use crate::accepted::Accepted;
use crate::deflate::Terms;
use crate::frame::FrameParser;
use crate::hub::Hub;
use crate::read::read_some;

/// Serves the connection until the client or the engine has ended it. `first` is what the
/// client sent behind its request, `terms` how messages are compressed.
pub(crate) async fn run(hub: Arc<Hub>, mut io: Accepted, first: Bytes, terms: Option<Terms>) {
    let id = io.id();
    hub.core().upgrade(id);
    let mut parser = FrameParser::new(&first).inflating(terms);
    // Though it is empty, as a rule, it holds all that the request was read into.
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
            // An end or a reset has been journalled by the connection's own stream.
            Ok(_) | Err(_) => return,
        }
    }
}
