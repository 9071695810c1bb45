//! Whoever waits for an engine that is gone is told so, rather than left waiting.

use std::time::Duration;

use wstape_mock_engine::{Engine, EngineError};

use crate::world::{Arm, World, in_memory, over_tcp, tape};

/// Longer than any of these waits may take; in virtual time no time at all.
const BOUND: Duration = Duration::from_mins(1);

async fn told<T>(wait: impl Future<Output = Result<T, EngineError>>) -> bool {
    let told = tokio::time::timeout(BOUND, wait).await;
    matches!(told, Ok(Err(EngineError::ShutDown)))
}

#[test]
fn whoever_waits_when_an_engine_is_shut_down_is_told_and_whoever_comes_later_too() {
    in_memory(async {
        let expects = [
            r#"{"at_ms":0,"expect":{"received":{"kind":"ping"},"after_ms":9000}}"#,
            r#"{"at_ms":9000,"text":"late"}"#,
        ];
        let builder = Engine::builder().layer(tape(&expects)).judging(true);
        let world = World::build(Arm::Virtual, builder).await;
        world.engine.start();
        let engine = world.engine.clone();
        let waiting = tokio::spawn(async move {
            let (connections, verdict) = (engine.wait_for_connections(1), engine.next_verdict());
            tokio::join!(told(connections), told(verdict), told(engine.all_judged()))
        });
        tokio::task::yield_now().await;
        world.engine.shutdown().await;
        assert_eq!(waiting.await.unwrap(), (true, true, true));
        assert!(told(world.engine.wait_for_connections(1)).await);
        assert!(told(world.engine.finished()).await);
    });
}

#[test]
fn connections_that_came_before_the_end_still_count_after_it() {
    in_memory(async {
        let world = World::bare().await;
        let _client = world.connect().await;
        world.engine.shutdown().await;
        world.engine.wait_for_connections(1).await.unwrap();
        assert!(told(world.engine.wait_for_connections(2)).await);
    });
}

#[test]
fn an_engine_whose_runtime_is_gone_says_so_on_another() {
    let own = current_thread();
    let never_over = tape(&[r#"{"at_ms":3600000,"text":"late"}"#]);
    let listening = Engine::builder()
        .layer(never_over)
        .listen(([127, 0, 0, 1], 0).into());
    let engine = own.block_on(listening).unwrap();
    engine.start();
    let (waits, waiting) = std::sync::mpsc::channel();
    let waiter = engine.clone();
    let told_while_waiting = std::thread::spawn(move || {
        current_thread().block_on(async {
            let (end, connections) = (waiter.finished(), waiter.wait_for_connections(1));
            // They are polled in this order, so that both wait by then.
            tokio::join!(told(end), told(connections), async {
                waits.send(()).unwrap();
            })
        })
    });
    waiting.recv_timeout(BOUND).unwrap();
    drop(own);
    assert_eq!(told_while_waiting.join().unwrap(), (true, true, ()));
    // And to whoever asks only now.
    over_tcp(async { assert!(told(engine.finished()).await) });
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
