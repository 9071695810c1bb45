//! A subject that is a function: from a stage to a future that never ends.

use std::future::Future;

use tokio::task::JoinHandle;

use crate::subject::{Handle, Running, Stage, Stopping, Subject, Terms, Time};

/// What a subject is called that was given no name.
const UNNAMED: &str = "subscriber";

/// Puts a function under test: from a [`Stage`], which says where the engine is, to the future that
/// follows it for as long as it lives.
///
/// It lives in [plain time](Time::Plain), dials through `wstape_dial` or the stage's dialer, and is
/// judged by what shows on the wire. Its shutdown is the end of its task.
///
/// ```
/// use tokio::io::AsyncReadExt;
/// use wstape_harness::{Scenario, subject};
/// use wstape_tape::Tape;
///
/// let naive = subject(|stage| async move {
///     while let Ok(mut stream) = wstape_dial::dial("127.0.0.1", 1).await {
///         let _greeting = stream.read(&mut [0; 64]).await;
///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
///     }
///     drop(stage);
/// })
/// .named("naive");
/// let tape = Tape::parse("tape", "{\"tape\":1}\n{\"at_ms\":10,\"end\":true}\n")?;
/// let outcome = Scenario::new(tape).run(&naive)?;
/// assert_eq!(outcome.subject, "naive");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn subject<F, Fut>(start: F) -> FunctionSubject<F>
where
    F: Fn(Stage) -> Fut + Send + Sync,
    Fut: Future<Output = ()> + Send + 'static,
{
    FunctionSubject {
        start,
        name: UNNAMED.to_owned(),
        time: Time::default(),
        terms: Terms::default(),
    }
}

/// A function under test; see [`subject`].
#[derive(Debug, Clone)]
pub struct FunctionSubject<F> {
    start: F,
    name: String,
    time: Time,
    terms: Terms,
}

impl<F> FunctionSubject<F> {
    /// What it is called in outcomes and reports.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Which time it lives in.
    #[must_use]
    pub fn time(mut self, time: Time) -> Self {
        self.time = time;
        self
    }

    /// What it is judged by.
    #[must_use]
    pub fn terms(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }
}

impl<F, Fut> Subject for FunctionSubject<F>
where
    F: Fn(Stage) -> Fut + Send + Sync,
    Fut: Future<Output = ()> + Send + 'static,
{
    fn name(&self) -> String {
        self.name.clone()
    }

    fn time(&self) -> Time {
        self.time
    }

    fn terms(&self) -> Terms {
        self.terms
    }

    fn start(&self, stage: Stage) -> Result<Running, String> {
        let task = tokio::spawn((self.start)(stage));
        Ok(Running {
            handle: Some(Box::new(Task(task))),
            ..Running::default()
        })
    }
}

/// The task of a function under test.
struct Task(JoinHandle<()>);

impl Handle for Task {
    fn shutdown(self: Box<Self>) -> Stopping {
        Box::pin(async move {
            self.0.abort();
            match self.0.await {
                Err(error) if error.is_panic() => Err(panic_message(&*error.into_panic())),
                _ => Ok(()),
            }
        })
    }
}

/// What tokio's sockets say on a runtime whose time is virtual.
const NO_IO: &str = "IO is disabled";

/// What a panic said, and where it was a socket's of its own, what to do about it.
#[must_use]
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    if said.contains(NO_IO) {
        return "it opened a socket of tokio's own, which leads past the engine: dial through \
                wstape_dial, or play it over TCP with --real"
            .to_owned();
    }
    said
}
