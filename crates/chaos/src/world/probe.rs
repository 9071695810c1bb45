//! What a subscriber lets the judge see: it is started once, and nothing is played.

use std::sync::Arc;

use tokio::runtime::Builder;
use wstape_harness::{Dialer, Display, Notebook, Offers, Shutdown, Stage, Subject, lead};
use wstape_oracle::Settings;
use wstape_tape::{Header, Tape};

use super::engine::{Pace, clock_of, engine_of, url};
use crate::case::{About, Case};

/// Returns what a subscriber lets the judge see. It starts in its own world and is dropped at once.
///
/// # Errors
/// Why it does not start, in words.
///
/// # Panics
/// If the subscriber panics.
pub fn offers(subject: &dyn Subject) -> Result<Offers, String> {
    let tape = || Tape::new(Header::new("a look"), Vec::new());
    let case = Case::new(tape(), tape(), Settings::default(), About::default());
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| error.to_string())?;
    let offers = runtime.block_on(async {
        let clock = clock_of(&case, subject, Pace::Virtual);
        let built = engine_of(&case, &clock).in_memory();
        let (engine, net) = built.map_err(|error| error.to_string())?;
        let dialer: Arc<dyn Dialer> =
            Arc::new(wstape_harness::MemoryDialer::new(net, clock.clone()));
        let _led = lead(Arc::clone(&dialer));
        let running = subject.start(Stage {
            url: url(&case, &engine, subject),
            settings: case.settings.clone(),
            clock: Arc::new(clock),
            notebook: Notebook::unread(),
            display: Display::default(),
            shutdown: Shutdown::default(),
            dialer,
        })?;
        Ok(running.offers())
    });
    // Work that it may have begun on other threads is not awaited.
    runtime.shutdown_background();
    offers
}
