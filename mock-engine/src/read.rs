//! Reads from a peer that may be silent for long.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// The most bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// Reads what there is, at most [`READ_BYTES`]; returns nothing at the end of the stream.
///
/// No memory is allocated until something comes: most clients of a stream only listen, and there
/// may be ten thousand of them.
///
/// # Errors
/// Those of the stream's own reads.
pub(crate) async fn read_some(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    std::future::poll_fn(|cx| {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let mut read = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut read))?;
        Poll::Ready(Ok(read.filled().to_vec()))
    })
    .await
}
