//! States: layers, lengths, uses, and whose they are.

use wstape_tape::{Micros, Partition};

use crate::world::{Arm, World, in_memory};

/// What a client sees of a base and an overlay.
fn seen(base: &[&str], overlay: &[&str]) -> Vec<String> {
    in_memory(async {
        World::playing(Arm::Virtual, &[base, overlay])
            .await
            .observe()
            .await
    })
}

#[test]
fn a_layer_clears_only_its_own_partition() {
    let base = &[
        r#"{"at_ms":10,"partition":"to_client"}"#,
        r#"{"at_ms":20,"text":"a"}"#,
        r#"{"at_ms":30,"partition":"none"}"#,
        r#"{"at_ms":60,"drop":"fin"}"#,
    ];
    let overlay = &[
        r#"{"at_ms":15,"partition":"both"}"#,
        r#"{"at_ms":50,"partition":"none"}"#,
    ];
    assert_eq!(
        seen(base, overlay),
        ["101", "0.050000 \\x81\\x01a", "0.060000 eof"]
    );
}

#[test]
fn latencies_of_layers_add_and_the_smallest_slice_holds() {
    let base = &[
        r#"{"at_ms":10,"latency_ms":5}"#,
        r#"{"at_ms":10,"slice_bytes":9}"#,
        r#"{"at_ms":20,"text":"a"}"#,
        r#"{"at_ms":60,"drop":"fin"}"#,
    ];
    let overlay = &[
        r#"{"at_ms":10,"latency_ms":7}"#,
        r#"{"at_ms":10,"slice_bytes":2}"#,
    ];
    assert_eq!(
        seen(base, overlay),
        ["101", "0.032000 \\x81\\x01", "0.032000 a", "0.072000 eof"]
    );
}

#[test]
fn the_smallest_bandwidth_of_the_layers_holds() {
    let base = &[
        r#"{"at_ms":10,"bytes_per_s":1000}"#,
        r#"{"at_ms":20,"text":"a"}"#,
        r#"{"at_ms":20,"drop":"fin"}"#,
    ];
    let overlay = &[r#"{"at_ms":10,"bytes_per_s":300}"#];
    assert_eq!(
        seen(base, overlay),
        ["101", "0.030000 \\x81\\x01a", "0.030000 eof"]
    );
}

#[test]
fn the_port_is_down_while_any_layer_has_it_down() {
    let base = &[
        r#"{"at_ms":0,"down":true,"for_ms":10}"#,
        r#"{"at_ms":60,"drop":"fin"}"#,
    ];
    let overlay = &[r#"{"at_ms":5,"down":true}"#, r#"{"at_ms":30,"down":false}"#];
    let lines = in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, overlay]).await;
        world.engine.up();
        world.engine.finished().await.unwrap();
        world.lines()
    });
    assert_eq!(lines, ["0.000000 down", "0.030000 up"]);
}

#[test]
fn an_overlays_refusal_stands_before_the_bases() {
    let base = &[r#"{"at_ms":0,"refuse":{"status":500}}"#];
    let overlay = &[r#"{"at_ms":0,"refuse":{"status":503},"times":1}"#];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[base, overlay]).await;
        [world.observe().await, world.observe().await].concat()
    });
    assert_eq!(seen, ["503", "500"]);
}

#[test]
fn a_state_clears_by_itself_after_its_uses() {
    let lines: &[&str] = &[
        r#"{"at_ms":0,"garbage":{"text":"?","then":"fin"},"times":2}"#,
        r#"{"at_ms":10,"drop":"fin"}"#,
    ];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        [
            world.observe().await,
            world.observe().await,
            world.observe().await,
        ]
        .map(|lines| lines.join(" "))
    });
    assert_eq!(seen, ["? eof", "? eof", "101 0.010000 eof"]);
}

#[test]
fn a_state_that_is_used_up_is_told_behind_what_used_it_up() {
    let lines: &[&str] = &[
        r#"{"at_ms":0,"garbage":{"text":"?","then":"fin"},"times":1}"#,
        r#"{"at_ms":0,"refuse":{"status":503},"times":2}"#,
        r#"{"at_ms":10,"drop":"fin"}"#,
    ];
    let lines = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        for _ in 0..4 {
            world.observe().await;
        }
        world.lines()
    });
    let told = lines.iter().filter(|line| {
        let words = ["used up", "garbage, ", "refused", "upgraded"];
        words.iter().any(|word| line.contains(word))
    });
    let told: Vec<&str> = told.map(|line| &line["0.000000 ".len()..]).collect();
    let expected = [
        "#1 garbage, 1 bytes",
        "garbage none, used up",
        "#2 refused 503",
        "#3 refused 503",
        "refuse none, used up",
        "#4 upgraded",
    ];
    assert_eq!(told, expected, "{lines:#?}");
}

#[test]
fn a_state_that_was_replaced_is_not_cleared_by_the_firsts_length() {
    let lines: &[&str] = &[
        r#"{"at_ms":10,"partition":"both","for_ms":20}"#,
        r#"{"at_ms":20,"partition":"both","for_ms":30}"#,
        r#"{"at_ms":20,"text":"a"}"#,
        r#"{"at_ms":60,"drop":"fin"}"#,
    ];
    assert_eq!(
        seen(lines, &[]),
        ["101", "0.050000 \\x81\\x01a", "0.060000 eof"]
    );
}

#[test]
fn a_state_of_one_connection_stands_before_that_of_all() {
    let lines: &[&str] = &[
        r#"{"on_connect":1,"partition":"none"}"#,
        r#"{"at_ms":0,"partition":"to_client"}"#,
        r#"{"at_ms":20,"text":"a"}"#,
        r#"{"at_ms":40,"partition":"none"}"#,
        r#"{"at_ms":50,"drop":"fin"}"#,
    ];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        let mut first = world.connect().await;
        // The second's 101 is held.
        let second = world.observe().await;
        (first.reads().await, second)
    });
    // Both were read after the second's end.
    assert_eq!(seen.0, ["0.050000 \\x81\\x01a", "0.050000 eof"]);
    assert_eq!(
        seen.1,
        ["101", "0.040000 \\x81\\x01a", "0.050000 eof"],
        "all of it was held"
    );
}

#[test]
fn clearing_the_controls_faults_leaves_the_tapes() {
    let lines: &[&str] = &[r#"{"at_ms":0,"refuse":{"status":500}}"#];
    let seen = in_memory(async {
        let world = World::playing(Arm::Virtual, &[lines]).await;
        world.engine.hang(true);
        world.engine.down();
        world.engine.partition(Partition::Both);
        world.engine.clear_faults();
        world.observe().await
    });
    assert_eq!(seen, ["500"]);
}

#[test]
fn chance_and_jitter_come_from_the_steps_seed_alone() {
    let run = |seed: u64| {
        let lines: Vec<String> = (0..40)
            .map(|n| {
                format!(
                    r#"{{"at_ms":{},"text":"x","probability":0.5,"jitter_ms":9,"seed":{}}}"#,
                    n * 10,
                    seed + n
                )
            })
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        in_memory(async {
            let world = World::playing(Arm::Virtual, &[&lines]).await;
            world
                .engine
                .clock()
                .sleep_until(Micros::from_ms(1_000))
                .await;
            world.lines()
        })
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(1_000));
    assert!(
        (10..30).contains(&run(1).len()),
        "about half of 40 happen: {}",
        run(1).len()
    );
    let on_time = |line: &&String| line.contains("0000 lost text");
    let late = run(1).len() - run(1).iter().filter(on_time).count();
    assert!(late > 5, "jitter makes most of them late: {late}");
}
