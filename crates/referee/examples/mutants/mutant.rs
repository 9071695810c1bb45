//! A mutant as a process of its own: the workspace's small subscriber over TCP, with one flaw.

use std::env;
use std::error::Error;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;
use wstape_chaos::mutants::{Flaw, Mutant};
use wstape_harness::{
    Arrival, Dialer, Dialing, Display, Notebook, Receiver, Running, Shutdown, Stage, Subject as _,
    Transport,
};
use wstape_mock_engine::Clock;

use crate::claim::settings_for;

/// A dialer over TCP.
#[derive(Debug)]
struct Direct;

impl Dialer for Direct {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

/// Runs as the mutant with this flaw until SIGTERM.
///
/// # Errors
/// If it can't be started.
pub(crate) fn run(flaw: Option<Flaw>) -> Result<(), Box<dyn Error>> {
    // Its log goes to its output, where the referee looks for the token.
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(subscribe(flaw))
}

async fn subscribe(flaw: Option<Flaw>) -> Result<(), Box<dyn Error>> {
    let mut term = signal(SignalKind::terminate())?;
    let token = env::var("ENGINE_TOKEN")?;
    let mut url = env::var("ENGINE_URL")?;
    if flaw == Some(Flaw::UrlLogged) {
        url.push_str("?token=");
        url.push_str(&token);
    }
    let mut settings = settings_for(flaw);
    settings.token = Some(token);
    // A different seed in each process.
    settings.jitter_seed = RandomState::new().hash_one(());
    let mutant = flaw.map_or_else(Mutant::flawless, Mutant::with);
    let Running {
        receiver, handle, ..
    } = mutant.start(Stage {
        url,
        settings,
        clock: Arc::new(Clock::real_now()),
        dialer: Arc::new(Direct),
        notebook: Notebook::unread(),
        display: Display::default(),
        shutdown: Shutdown::default(),
    })?;
    let mut receiver = receiver.ok_or("a mutant has a receiver")?;
    // A subscriber that waits for slow receivers only gets slow if its receiver is never read.
    let reads = flaw != Some(Flaw::SlowReceiverWaitedFor);
    tokio::select! {
        _ = term.recv() => {}
        () = read(&mut *receiver), if reads => {}
    }
    handle.ok_or("a mutant has a handle")?.shutdown().await?;
    Ok(())
}

/// Reads everything that comes.
async fn read(receiver: &mut dyn Receiver) {
    loop {
        // Once the subscriber's task has ended, the process goes on until it is told to end.
        if receiver.next().await == Arrival::Closed {
            std::future::pending::<()>().await;
        }
    }
}
