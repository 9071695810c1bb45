//! The writer's side of a live recording: a task that takes what waits in the queue, has it made
//! into steps and written on a thread that may block, and forces it to the disk in time.

use std::collections::VecDeque;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use engine_client::Clock;
use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::task::{JoinHandle, spawn_blocking};
use wstape_tape::{Action, Step};

use super::fsync::Fsync;
use super::queue::{Bounds, Entry, Gap, Receiver, Sender, queue};
use super::tape::{Finished, Recording};
use crate::error::RecordError;

/// How far the writing thread stands back for the traffic: `nice`, from 0 to 19.
const WRITER_NICE: i32 = 10;
/// How long entries are gathered before the writing thread is woken for them.
pub(super) const GATHER: Duration = Duration::from_millis(2);

/// Makes steps of what a source saw, on the writer's thread: parsing, inflating and the like
/// belong here, where they hold up nobody.
pub(crate) trait Encoder: Send + 'static {
    /// What the source hands over.
    type Observation: Send + 'static;

    /// Writes the steps of what was seen.
    ///
    /// # Errors
    /// Those of [`Recording::push`].
    fn encode(&mut self, seen: Self::Observation, tape: &mut Recording) -> Result<(), RecordError>;

    /// Writes that something is missing here.
    ///
    /// # Errors
    /// Those of [`Recording::push`].
    fn gap(&mut self, gap: Gap, tape: &mut Recording) -> Result<(), RecordError> {
        tape.push(Step::at(gap.at, Action::Mark(gap.to_string())))
    }
}

/// A live recording's writer.
#[derive(Debug)]
pub(crate) struct Writer<S: Encoder> {
    sender: Sender<S::Observation>,
    task: JoinHandle<Result<Worker<S>, RecordError>>,
    name: String,
}

/// What the writing thread works with.
#[derive(Debug)]
struct Worker<S: Encoder> {
    queue: Receiver<S::Observation>,
    encoder: S,
    tape: Recording,
    clock: Arc<dyn Clock>,
    batch: VecDeque<Entry<S::Observation>>,
    /// When what waits to be forced to the disk is to be there.
    due: Option<Duration>,
}

impl<S: Encoder> Writer<S> {
    /// Starts writing to `tape` what `encoder` makes of what is sent.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub(crate) fn start(
        tape: Recording,
        encoder: S,
        clock: Arc<dyn Clock>,
        bounds: Bounds,
    ) -> Self {
        let name = tape.name().to_owned();
        let (sender, queue) = queue(bounds, tape.stats());
        let mut worker = Worker {
            queue,
            encoder,
            tape,
            clock,
            batch: VecDeque::new(),
            due: None,
        };
        worker.set_due();
        let task = tokio::spawn(run(worker, name.clone()));
        Self { sender, task, name }
    }

    /// The source's end of the queue.
    pub(crate) fn sender(&self) -> Sender<S::Observation> {
        self.sender.clone()
    }

    /// Completes once the output has failed, and never otherwise; [`finish`](Self::finish) says
    /// with what. Cancel safe.
    pub(crate) async fn failed(&self) {
        // The writer goes by itself only where it fails; why stays for `finish`.
        self.sender.ended().await;
    }

    /// Writes all that was sent, then what `last` adds, then finishes the tape.
    ///
    /// # Errors
    /// Those of [`Recording::push`] and [`Recording::finish`].
    pub(crate) async fn finish(
        self,
        last: impl FnOnce(&mut S, &mut Recording) -> Result<(), RecordError> + Send + 'static,
    ) -> Result<(Finished, S), RecordError> {
        self.sender.close();
        let worker = joined(self.task, &self.name).await??;
        let finish = spawn_blocking(move || {
            let Worker {
                mut encoder,
                mut tape,
                ..
            } = worker;
            last(&mut encoder, &mut tape)?;
            Ok((tape.finish()?, encoder))
        });
        joined(finish, &self.name).await?
    }
}

/// Lets the traffic have the processor first, where there is not enough of it for both: what waits
/// to be written waits in the queue, and the traffic does not wait at all.
fn stand_back() {
    // A system that does not know of priorities for threads does without.
    let _ = setpriority_process(Some(gettid()), WRITER_NICE);
}

async fn run<S: Encoder>(mut worker: Worker<S>, name: String) -> Result<Worker<S>, RecordError> {
    loop {
        let more = match worker.due {
            None => worker.queue.wait().await,
            Some(due) => {
                let sleep = worker.clock.sleep_until(due);
                tokio::select! {
                    biased;
                    more = worker.queue.wait() => more,
                    () = sleep => true,
                }
            }
        };
        if !more {
            return Ok(worker);
        }
        // To wake a thread for each entry would cost the source more than the entry does.
        let pause = worker.clock.now().saturating_add(GATHER);
        worker.queue.gather(worker.clock.sleep_until(pause)).await;
        let turn = spawn_blocking(move || worker.turn().map(|()| worker));
        worker = joined(turn, &name).await??;
    }
}

impl<S: Encoder> Worker<S> {
    /// Writes what waits.
    fn turn(&mut self) -> Result<(), RecordError> {
        stand_back();
        self.queue.take(&mut self.batch);
        let mut written = Bounds::NONE;
        while let Some(entry) = self.batch.pop_front() {
            written.add(entry.weight());
            match entry {
                Entry::Seen(seen, _) => self.encoder.encode(seen, &mut self.tape)?,
                Entry::Gap(gap) => self.encoder.gap(gap, &mut self.tape)?,
            }
            if self.tape.is_committed() {
                // A batch was full and has been written.
                self.queue.release(std::mem::take(&mut written));
            }
        }
        self.tape.commit()?;
        self.queue.release(written);
        self.sync_if_due()
    }

    fn sync_if_due(&mut self) -> Result<(), RecordError> {
        if self.due.is_some_and(|due| due <= self.clock.now()) {
            self.tape.sync()?;
            self.due = None;
        }
        self.set_due();
        Ok(())
    }

    /// What was written first since the last fsync decides when the next one is.
    fn set_due(&mut self) {
        if let Fsync::Interval(interval) = self.tape.policy()
            && self.due.is_none()
            && self.tape.is_dirty()
        {
            self.due = Some(self.clock.now().saturating_add(interval));
        }
    }
}

/// What a thread or task gave. One that panicked goes on panicking here; one that a runtime took
/// down with itself is a failed output.
async fn joined<T>(task: JoinHandle<T>, name: &str) -> Result<T, RecordError> {
    match task.await {
        Ok(done) => Ok(done),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => Err(RecordError::Output(
            name.to_owned(),
            io::Error::other("the runtime shut down before all was written"),
        )),
    }
}
