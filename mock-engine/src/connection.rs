//! An upgraded connection: reads the client's frames and lets the hub answer them.

use std::sync::Arc;

use tokio::io::AsyncReadExt;

use crate::accepted::Accepted;
use crate::deflate::Terms;
use crate::frame::FrameParser;
use crate::hub::Hub;

/// Most bytes taken from the link at once.
const READ_BYTES: usize = 4 * 1024;

/// Serves the connection until the client or the engine has ended it. `first` is what the
/// client sent behind its request, `terms` how messages are compressed.
pub(crate) async fn run(hub: Arc<Hub>, mut io: Accepted, first: &[u8], terms: Option<Terms>) {
    let id = io.id();
    hub.core().upgrade(id);
    let mut parser = FrameParser::new(first).inflating(terms);
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
        parser.buffer().reserve(READ_BYTES);
        // An end or a reset has been journalled by the connection's own stream.
        if !matches!(io.read_buf(parser.buffer()).await, Ok(1..)) {
            return;
        }
    }
}
