//! Many messages at one instant: how long other tasks wait for a turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine_client::{EngineState, Observed, SubscriberBuilder, WsSubscriber};

use crate::world::{World, ms, play};

/// Turns in which others watch a flood: more than there are messages.
const MAX_TURNS: usize = 2_000;

/// Returns 1,200 messages of one letter, sent at 3.2 s. They take 300 ms.
fn flood() -> [String; 2] {
    [
        r#"{"at_ms":0,"latency_ms":300}"#.to_owned(),
        format!(r#"{{"at_ms":3200,"bytes":"{}"}}"#, "gQFh".repeat(1_200)),
    ]
}

/// Returns a subscriber that counts what it gets.
fn counting(world: &World) -> (SubscriberBuilder, Arc<AtomicU64>) {
    let seen = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&seen);
    let builder = world.builder().observer(move |_, seen: Observed<'_>| {
        if matches!(seen, Observed::Text(_)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (builder, seen)
}

/// Returns how many messages of the flood the subscriber takes between two turns of another task.
async fn turns(world: &World, seen: &AtomicU64) -> Vec<u64> {
    world.clock.sleep_until(ms(3_500)).await;
    let (mut turns, mut before) = (Vec::new(), 0);
    for _ in 0..MAX_TURNS {
        tokio::task::yield_now().await;
        let now = seen.load(Ordering::Relaxed);
        if now > before {
            turns.push(now - before);
            before = now;
        }
    }
    turns
}

/// Returns turns of this many messages each, and one turn for the rest.
fn turns_of(messages: u64) -> Vec<u64> {
    let mut turns = vec![messages; usize::try_from(1_200 / messages).unwrap()];
    turns.push(1_200 % messages);
    turns
}

#[test]
fn others_get_a_turn_after_every_512_messages_or_64_where_somebody_listens() {
    let flood = flood();
    for (is_heard, messages) in [(false, 512), (true, 64)] {
        play([&flood[0], &flood[1]], async |world| {
            let (builder, seen) = counting(&world);
            let subscriber: WsSubscriber = builder.spawn(EngineState::shared()).unwrap();
            let _events = is_heard.then(|| subscriber.events());
            assert_eq!(turns(&world, &seen).await, turns_of(messages));
        });
    }
}

#[test]
fn during_a_shutdown_others_get_a_turn_after_every_64_messages() {
    let flood = flood();
    play([&flood[0], &flood[1]], async |world| {
        let (builder, seen) = counting(&world);
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(3_000)).await;
        let shutdown = tokio::spawn(subscriber.shutdown());
        assert_eq!(turns(&world, &seen).await, turns_of(64));
        shutdown.await.unwrap().unwrap();
    });
}
