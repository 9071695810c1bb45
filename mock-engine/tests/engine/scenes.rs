//! Scenes: streams that somebody asked for.

use crate::talk::playing;
use crate::world::in_memory;

const FEED: &[&str] = &[
    r#"{"on_message":{"json":{"op":"subscribe"}},"start":{"scene":"feed","as":"${/channel}"}}"#,
    r#"{"on_message":{"json":{"op":"unsubscribe"}},"stop":"${/channel}"}"#,
    r#"{"scene":"feed","every_ms":100,"json":["${/channel}","${count}"]}"#,
    r#"{"scene":"feed","after_ms":50,"text":"once"}"#,
];

fn subscribe(channel: &str) -> String {
    format!(r#"{{"op":"subscribe","channel":"{channel}"}}"#)
}

/// What a client that subscribes to `a` at 0 hears up to a time, with these steps at their times.
fn fed(faults: &[&str], until: u64) -> Vec<String> {
    in_memory(async {
        let world = playing(&[FEED, faults].concat()).await;
        let mut client = world.connect().await;
        client.say(&subscribe("a")).await;
        client.hear_until(&world, until).await
    })
}

#[test]
fn a_scene_runs_for_who_asked_and_is_lost_with_its_connection() {
    let (first, second, third) = in_memory(async {
        let world = playing(FEED).await;
        let mut client = world.connect().await;
        client.say(&subscribe("a")).await;
        world.sleep_until(120).await;
        client.say(&subscribe("b")).await;
        // One run per name: this changes nothing.
        client.say(&subscribe("a")).await;
        client.say(r#"{"op":"unsubscribe","channel":"a"}"#).await;
        let first = client.hear_until(&world, 330).await;
        client.say(&subscribe("a")).await;
        let second = client.hear_until(&world, 450).await;
        drop(client);
        let mut again = world.connect().await;
        (first, second, again.hear_until(&world, 2_000).await)
    });
    assert_eq!(
        first,
        [
            r#"0 ["a",1]"#,
            "50 once",
            r#"100 ["a",2]"#,
            r#"120 ["b",1]"#,
            "170 once",
            r#"220 ["b",2]"#,
            r#"320 ["b",3]"#,
        ]
        .map(|line| {
            // What came while the client did something else is read when it listens again.
            let (at, rest) = line.split_once(' ').unwrap();
            let at: u64 = at.parse().unwrap();
            format!("{} {rest}", at.max(120))
        })
    );
    // Its count goes on, and one that happens once has happened.
    assert_eq!(
        second,
        [
            r#"330 ["a",3]"#,
            "380 once",
            r#"420 ["b",4]"#,
            r#"430 ["a",4]"#
        ]
    );
    assert_eq!(third, Vec::<String>::new());
}

#[test]
fn the_faults_of_scenes_leave_the_count_alone() {
    for (fault, heard) in [
        (
            r#"{"at_ms":150,"gap":{"scene":"a","next":2}}"#,
            &[
                r#"0 ["a",1]"#,
                "50 once",
                r#"100 ["a",2]"#,
                r#"400 ["a",5]"#,
            ][..],
        ),
        (
            r#"{"at_ms":150,"mute":{"any":1},"for_ms":200}"#,
            &[
                r#"0 ["a",1]"#,
                "50 once",
                r#"100 ["a",2]"#,
                r#"400 ["a",5]"#,
            ],
        ),
        (
            r#"{"at_ms":150,"repeat":"a"}"#,
            &[
                r#"0 ["a",1]"#,
                "50 once",
                r#"100 ["a",2]"#,
                r#"200 ["a",3]"#,
                r#"200 ["a",3]"#,
                r#"300 ["a",4]"#,
                r#"400 ["a",5]"#,
            ],
        ),
        (
            r#"{"at_ms":150,"conn":1,"late":{"scene":"a","by_ms":150}}"#,
            &[
                r#"0 ["a",1]"#,
                "50 once",
                r#"100 ["a",2]"#,
                r#"300 ["a",4]"#,
                r#"350 ["a",3]"#,
                r#"400 ["a",5]"#,
            ],
        ),
        (
            r#"{"at_ms":150,"stop":"a"}"#,
            &[r#"0 ["a",1]"#, "50 once", r#"100 ["a",2]"#],
        ),
    ] {
        assert_eq!(fed(&[fault], 450), heard, "{fault}");
    }
    // A repeated message is the same one, so that it can be told.
    assert_eq!(fed(&[r#"{"at_ms":50,"mute":"nobody"}"#], 60).len(), 2);
}

#[test]
fn scenes_beyond_the_bound_are_lost_and_the_journal_says_so() {
    let lines: &[&str] = &[
        r#"{"on_message":{},"start":{"scene":"s","as":"${/n}"}}"#,
        r#"{"scene":"s","text":"${/n}"}"#,
    ];
    let (last, journal) = in_memory(async {
        let world = playing(lines).await;
        let mut client = world.connect().await;
        let mut last = String::new();
        for n in 0..=wstape_mock_engine::MAX_SCENES {
            client.say(&format!(r#"{{"n":{n}}}"#)).await;
        }
        for _ in 0..wstape_mock_engine::MAX_SCENES {
            last = client.hear().await;
        }
        (last, world.lines())
    });
    assert_eq!(last, "63");
    assert!(
        journal.contains(&"0.000000 #1 lost start s as 64".to_owned()),
        "{journal:?}"
    );
}
