//! An end from outside, as by Ctrl-C.

use tokio::sync::watch;

/// Tells a [`Stop`] that the run is to end. Dropping it tells nothing.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Whether a run is to end with what it has: no further run begins, and those in progress are left.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns a stop, and the stopper that tells it to end.
    #[must_use]
    pub fn pair() -> (Stopper, Self) {
        let (stopper, stop) = watch::channel(false);
        (Stopper(stopper), Self(stop))
    }

    /// Returns a stop that nobody tells to end.
    #[must_use]
    pub fn never() -> Self {
        Self::pair().1
    }

    /// Completes once it is told to end.
    pub(crate) async fn told(&self) {
        if self.0.clone().wait_for(|is_told| *is_told).await.is_err() {
            // The stopper was dropped, so nobody will tell it.
            std::future::pending::<()>().await;
        }
    }
}

impl Stopper {
    /// Tells the run to end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}
