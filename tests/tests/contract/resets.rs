//! Rule 2: the first frame of any kind takes the ladder back to its first step, however the
//! connection ends; bytes that are not a frame do not.

use engine_client::EndReason;
use wstape_tape::Micros;

use crate::world::{World, all_ms, ms, play};

/// Dials at 0 and at 0.5 s are refused, so that the third one, at 1.5 s, connects.
const DOWN: &str = r#"{"at_ms":0,"down":true}"#;
const UP: &str = r#"{"at_ms":1000,"down":false}"#;
const RESET: &str = r#"{"at_ms":3000,"drop":"reset"}"#;

/// Returns the end of the connection that the third dial made, and the gap after it.
async fn gap_after_the_session(world: World) -> (EndReason, Micros) {
    let _subscriber = world.spawn();
    world.until(ms(60_000)).await;
    assert_eq!(world.dials()[..3], all_ms([0, 500, 1500]));
    assert_eq!(world.gaps()[..2], all_ms([500, 1000]));
    (world.ends()[2].1, world.gaps()[2])
}

#[test]
fn the_first_frame_of_each_kind_resets_the_ladder() {
    for frame in [
        r#"{"at_ms":2000,"emit":{"event":"heartbeat"}}"#,
        r#"{"at_ms":2000,"text":"not JSON"}"#,
        r#"{"at_ms":2000,"text":""}"#,
        r#"{"at_ms":2000,"binary":"e30="}"#,
        r#"{"at_ms":2000,"binary":"/w=="}"#,
        r#"{"at_ms":2000,"ping":""}"#,
        r#"{"at_ms":2000,"pong":"nobody asked"}"#,
    ] {
        play([DOWN, UP, frame, RESET], async |world| {
            let found = gap_after_the_session(world).await;
            assert_eq!(found, (EndReason::Reset, ms(500)), "{frame}");
        });
    }
}

#[test]
fn the_pong_to_our_own_ping_resets_the_ladder() {
    // Connected at 1.5 s, Ping and Pong at 16.5 s.
    play(
        [DOWN, UP, r#"{"at_ms":17000,"drop":"reset"}"#],
        async |world| {
            let found = gap_after_the_session(world).await;
            assert_eq!(found, (EndReason::Reset, ms(500)));
        },
    );
}

#[test]
fn what_is_no_frame_does_not_reset_the_ladder() {
    for (no_frame, end) in [
        (
            r#"{"at_ms":2000,"mark":"nothing is sent"}"#,
            EndReason::Reset,
        ),
        (
            r#"{"at_ms":2000,"close":{"code":1000}}"#,
            EndReason::Closed { code: Some(1000) },
        ),
        (
            r#"{"at_ms":2000,"close":{}}"#,
            EndReason::Closed { code: None },
        ),
        (
            r#"{"at_ms":2000,"frame":{"fin":false,"opcode":1,"payload":"{"}}"#,
            EndReason::Reset,
        ),
        (
            r#"{"at_ms":2000,"frame":{"opcode":3,"payload":"reserved"}}"#,
            EndReason::Protocol,
        ),
        (
            r#"{"at_ms":2000,"frame":{"opcode":9,"fin":false}}"#,
            EndReason::Protocol,
        ),
        (
            r#"{"at_ms":2000,"frame":{"opcode":1,"payload_b64":"gA=="}}"#,
            EndReason::Utf8,
        ),
        // A frame that lacks its last byte.
        (r#"{"at_ms":2000,"bytes":"gQJ7"}"#, EndReason::Reset),
    ] {
        play([DOWN, UP, no_frame, RESET], async |world| {
            let found = gap_after_the_session(world).await;
            assert_eq!(found, (end, ms(2000)), "{no_frame}");
        });
    }
}

#[test]
fn after_a_frame_every_kind_of_end_is_followed_by_the_first_delay() {
    for (end, reason) in [
        (
            r#"{"at_ms":3000,"close":{"code":1000}}"#,
            EndReason::Closed { code: Some(1000) },
        ),
        (
            r#"{"at_ms":3000,"close":{"code":1013,"reason":"try again later"}}"#,
            EndReason::Closed { code: Some(1013) },
        ),
        (r#"{"at_ms":3000,"drop":"fin"}"#, EndReason::Fin),
        (r#"{"at_ms":3000,"drop":"reset"}"#, EndReason::Reset),
        (
            r#"{"at_ms":3000,"frame":{"opcode":3}}"#,
            EndReason::Protocol,
        ),
        (
            r#"{"at_ms":3000,"frame":{"opcode":1,"payload_b64":"gA=="}}"#,
            EndReason::Utf8,
        ),
        (
            r#"{"at_ms":3000,"frame":{"opcode":1,"declared_len":9000000000000000000}}"#,
            EndReason::TooLarge,
        ),
        (r#"{"at_ms":3000,"partition":"both"}"#, EndReason::Idle),
    ] {
        let frame = r#"{"at_ms":2000,"emit":{"event":"heartbeat"}}"#;
        play([DOWN, UP, frame, end], async |world| {
            let found = gap_after_the_session(world).await;
            assert_eq!(found, (reason, ms(500)), "{end}");
        });
    }
}

#[test]
fn four_failures_then_a_good_session_then_a_reset_is_followed_by_the_first_delay() {
    let steps = [
        DOWN,
        r#"{"at_ms":7000,"down":false}"#,
        r#"{"at_ms":8000,"emit":{"event":"heartbeat"}}"#,
        r#"{"at_ms":9000,"drop":"reset"}"#,
    ];
    play(steps, async |world| {
        let _subscriber = world.spawn();
        world.until(ms(20_000)).await;
        assert_eq!(world.gaps(), all_ms([500, 1000, 2000, 4000, 500]));
        assert_eq!(world.dials().last(), Some(&ms(9500)));
    });
}

#[test]
fn a_link_that_drops_often_but_works_never_climbs() {
    let steps = [
        r#"{"on_connect":"each","after_frames":0,"ping":"x"}"#,
        r#"{"on_connect":"each","after_ms":100,"drop":"fin"}"#,
    ];
    play(steps, async |world| {
        let _subscriber = world.spawn();
        world.until(ms(59_999)).await;
        assert_eq!(world.gaps(), [ms(500); 99]);
    });
}
