//! An end from outside, as by Ctrl-C.

use tokio::sync::watch;

/// Tells a [`Stop`] that the run is to end. Dropping it tells nothing.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Whether a run is to end with what it has: no run is begun then, and those in progress are left.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// One that is told to end by the other.
    #[must_use]
    pub fn pair() -> (Stopper, Self) {
        let (stopper, stop) = watch::channel(false);
        (Stopper(stopper), Self(stop))
    }

    /// One that nobody tells to end.
    #[must_use]
    pub fn never() -> Self {
        Self::pair().1
    }

    /// Completes once it is told to end.
    pub(crate) async fn told(&self) {
        if self.0.clone().wait_for(|is_told| *is_told).await.is_err() {
            // Nobody is left to tell.
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
