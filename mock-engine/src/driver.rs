//! The driver: plays the tape and the schedule as they fall due.

use std::sync::Arc;

use wstape_tape::Micros;

use crate::hub::{Core, Hub};
use crate::playback::Playback;
use crate::speed::Speed;

/// The number of steps played before other tasks get a turn, if nothing else makes the driver wait.
const BATCH_STEPS: usize = 256;

/// Plays the states at the tape's very beginning, at time 0.
pub(crate) fn play_first_states(hub: &Hub, playback: &mut Playback) {
    playback.play_first_states(|layer, step| hub.core().apply(layer, step));
}

/// Plays what is due by now; nothing is, for a tape played as fast as it goes.
pub(crate) fn catch_up(hub: &Hub) {
    let mut playback = hub.playback();
    if playback.speed() != Speed::Max {
        play_due(hub, &mut playback);
    }
}

/// Whether a tape that is played as fast as it goes has to wait for a client.
fn must_wait(core: &Core, playback: &Playback) -> bool {
    playback.speed() == Speed::Max && (core.behind() || (playback.looped() && core.nobody_open()))
}

/// What the driver has to wait for.
enum Wait {
    /// This time, or being woken earlier.
    Until(Option<Micros>),
    /// A client to catch up or to come; the schedule goes on meanwhile.
    Client(Option<Micros>),
    /// Nothing, but other tasks get a turn first.
    Turn,
}

/// Ends the engine when its driver is dropped: if the runtime ends, nothing else can tell.
struct Departure(Arc<Hub>);

impl Drop for Departure {
    fn drop(&mut self) {
        self.0.cut_off();
    }
}

/// Plays the tape and does what the schedule says, for as long as the engine lives.
pub(crate) fn drive(hub: Arc<Hub>) -> impl Future<Output = ()> {
    // Made here, not in the future: a runtime may end before it first polls the future.
    let departure = Departure(Arc::clone(&hub));
    async move {
        let _departure = departure;
        play(&hub).await;
    }
}

async fn play(hub: &Hub) {
    loop {
        let mut drained = std::pin::pin!(hub.drained().notified());
        let mut progress = std::pin::pin!(hub.progress().notified());
        drained.as_mut().enable();
        progress.as_mut().enable();
        let wait = play_due(hub, &mut hub.playback());
        match wait {
            Wait::Turn => tokio::task::yield_now().await,
            Wait::Until(due) => tokio::select! {
                biased;
                () = hub.wake().notified() => {}
                () = sleep(hub, due) => {}
            },
            Wait::Client(due) => tokio::select! {
                biased;
                () = hub.wake().notified() => {}
                () = drained => {}
                () = progress => {}
                () = sleep(hub, due) => {}
            },
        }
    }
}

async fn sleep(hub: &Hub, due: Option<Micros>) {
    match due {
        Some(due) => hub.log().clock().sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Plays all that is due, without awaiting anything: steps of the same time are one batch.
fn play_due(hub: &Hub, playback: &mut Playback) -> Wait {
    let now = hub.log().now();
    // The number of steps to play one by one, because they could not be sent together.
    let mut apart = 0_usize;
    let mut played = 0_usize;
    loop {
        // The core is locked once per step, and released before the next step is read from its
        // file.
        let mut core = hub.core();
        let (zero, scheduled) = (core.zero(), core.next_due());
        let over = zero.is_some() && playback.is_over(core.has_put_off());
        let in_time = |due: Micros| zero.map(|zero| Micros(zero.0.saturating_add(due.0)));
        let tape = playback.due().and_then(in_time);
        // At the same time, what was put off happens before what is new.
        let is_first = |due: Micros| scheduled.is_none_or(|scheduled| scheduled > due);
        let scheduled_first = scheduled.is_some() && !tape.is_some_and(is_first);
        let next = if scheduled_first { scheduled } else { tape };
        if next.is_none_or(|due| due > now) {
            if over {
                playback.finish(Ok(()));
                core.tape_over();
            }
            return Wait::Until(next);
        }
        if scheduled_first {
            core.do_due(now);
            continue;
        }
        if must_wait(&core, playback) {
            return Wait::Client(scheduled);
        }
        if playback.speed() == Speed::Max && played >= BATCH_STEPS {
            return Wait::Turn;
        }
        if apart == 0 {
            drop(core);
            let is_due = |due| in_time(due).is_some_and(|due| due <= now && is_first(due));
            let run = playback.run(is_due);
            core = hub.core();
            let joined = (run.steps > 1).then(|| core.joined(run.bytes)).flatten();
            if let Some(to) = joined {
                played += run.steps;
                playback.play_run(run, move |steps| core.send_run(steps, run.bytes, to));
                continue;
            }
            apart = run.steps.max(1);
        }
        apart -= 1;
        played += 1;
        playback.play_next(move |layer, round, step| {
            core.enter_round(round);
            core.apply(layer, step);
        });
    }
}
