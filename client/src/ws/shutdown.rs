//! The request to shut down, passed from the handle to the task.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

/// The task's side of the request. A handle dropped without asking leaves it pending for ever, at
/// no cost.
pub(crate) struct Shutdown {
    wish: Option<oneshot::Receiver<()>>,
    requested: bool,
}

impl Shutdown {
    /// The handle's side and the task's.
    pub(crate) fn new() -> (oneshot::Sender<()>, Self) {
        let (sender, receiver) = oneshot::channel();
        let shutdown = Self {
            wish: Some(receiver),
            requested: false,
        };
        (sender, shutdown)
    }

    /// Whether shutdown was asked for.
    pub(crate) fn requested(&mut self) -> bool {
        if let Some(wish) = &mut self.wish {
            match wish.try_recv() {
                Ok(()) => self.requested = true,
                Err(oneshot::error::TryRecvError::Closed) => self.wish = None,
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
        }
        self.requested
    }

    /// Ready once shutdown is asked for, and from then on.
    pub(crate) fn poll_requested(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.requested {
            return Poll::Ready(());
        }
        let Some(wish) = &mut self.wish else {
            return Poll::Pending;
        };
        self.requested = ready!(Pin::new(wish).poll(cx)).is_ok();
        self.wish = None;
        if self.requested {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Runs `work` unless, or until, shutdown is asked for.
    pub(crate) async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        poll_fn(|cx| {
            if self.poll_requested(cx).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(cx).map(Some)
        })
        .await
    }
}
