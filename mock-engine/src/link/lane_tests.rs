//! Tests that whatever a lane does to bytes, it neither loses, invents nor reorders them.

use bytes::Bytes;
use proptest::prelude::*;
use wstape_tape::{Distribution, Latency, Micros};

use super::budget::Budget;
use super::conditions::Conditions;
use super::lane::{Front, Lane, SEGMENT_BYTES};

#[derive(Debug, Clone)]
enum Op {
    Push(usize),
    Pass(u64),
    Read(usize),
    Change {
        held: bool,
        latency: Option<(u64, u64)>,
        rate: Option<u64>,
        slice: Option<u32>,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let latency = proptest::option::of((0..5_000_u64, 0..5_000_u64));
    let change = (
        any::<bool>(),
        latency,
        proptest::option::of(1..100_000_u64),
        proptest::option::of(1..20_u32),
    );
    prop_oneof![
        (1..300_usize).prop_map(Op::Push),
        (0..10_000_u64).prop_map(Op::Pass),
        (1..200_usize).prop_map(Op::Read),
        change.prop_map(|(held, latency, rate, slice)| Op::Change {
            held,
            latency,
            rate,
            slice
        }),
    ]
}

fn conditions(
    held: bool,
    latency: Option<(u64, u64)>,
    rate: Option<u64>,
    slice: Option<u32>,
) -> Conditions {
    let mut conditions = Conditions {
        held,
        rate,
        slice,
        ..Conditions::default()
    };
    if let Some((base, jitter)) = latency {
        let latency = Latency {
            base: Micros(base),
            jitter: Micros(jitter),
            distribution: Distribution::Pareto,
        };
        conditions.add_latency(latency, 7);
    }
    conditions
}

/// Reads what is there at `now`, at most `max` bytes.
fn read(lane: &mut Lane, now: Micros, max: usize) -> Vec<u8> {
    let mut space = vec![0; max];
    let mut buf = tokio::io::ReadBuf::new(&mut space);
    if lane.front(|| now) == Front::Bytes {
        lane.copy_into(|| now, &mut buf);
    }
    buf.filled().to_vec()
}

/// Reads to the lane's end, letting time pass; returns the bytes and when the end came.
fn drain(lane: &mut Lane, mut now: Micros) -> (Vec<u8>, Micros, Front) {
    let mut out = Vec::new();
    loop {
        match lane.front(|| now) {
            Front::Bytes => out.extend(read(lane, now, 64)),
            Front::Later(due) => {
                assert!(due > now, "a wait that leads forward");
                now = due;
            }
            end => return (out, now, end),
        }
    }
}

proptest! {
    #[test]
    fn bytes_arrive_whole_and_in_order_under_any_conditions(ops in proptest::collection::vec(op(), 1..60)) {
        let mut lane = Lane::new(usize::MAX, usize::MAX, Budget::default());
        let (mut sent, mut got, mut now) = (Vec::new(), Vec::new(), Micros(1));
        for op in ops {
            match op {
                Op::Push(len) => {
                    let bytes: Vec<u8> = (sent.len()..sent.len() + len).map(|n| n.to_le_bytes()[0]).collect();
                    sent.extend_from_slice(&bytes);
                    lane.push(|| now, Bytes::from(bytes));
                }
                Op::Pass(span) => now.0 += span,
                Op::Read(max) => got.extend(read(&mut lane, now, max)),
                Op::Change { held, latency, rate, slice } => lane.change(|| now, conditions(held, latency, rate, slice)),
            }
            prop_assert_eq!(usize::MAX - lane.room(), sent.len() - got.len());
        }
        lane.change(|| now, Conditions::default());
        lane.finish(|| now);
        let (rest, _, end) = drain(&mut lane, now);
        got.extend(rest);
        prop_assert_eq!(end, Front::Fin);
        prop_assert!(got == sent, "the bytes differ");
    }

    #[test]
    fn a_reset_leaves_what_was_due_and_nothing_else(
        lens in proptest::collection::vec(1..50_usize, 1..10),
        rate in 1_000..1_000_000_u64,
        slice in proptest::option::of(1..9_u32),
        at in 0..100_000_u64,
    ) {
        let mut lane = Lane::new(usize::MAX, usize::MAX, Budget::default());
        lane.change(|| Micros(0), conditions(false, None, Some(rate), slice));
        for len in &lens {
            lane.push(|| Micros(0), Bytes::from(vec![b'x'; *len]));
        }
        // A twin that is read, but not reset, shows what was due.
        let mut twin = Lane::new(usize::MAX, usize::MAX, Budget::default());
        twin.change(|| Micros(0), conditions(false, None, Some(rate), slice));
        for len in &lens {
            twin.push(|| Micros(0), Bytes::from(vec![b'x'; *len]));
        }
        let mut due = 0;
        while twin.front(|| Micros(at)) == Front::Bytes {
            due += read(&mut twin, Micros(at), 7).len();
        }
        lane.reset(Micros(at));
        let (rest, when, end) = drain(&mut lane, Micros(at));
        prop_assert_eq!((rest.len(), when, end), (due, Micros(at), Front::Reset));
    }
}

#[test]
fn delivery_is_when_the_wire_is_free_plus_the_time_on_it_plus_the_delay() {
    let mut lane = Lane::new(usize::MAX, usize::MAX, Budget::default());
    lane.change(
        || Micros(0),
        conditions(false, Some((500, 0)), Some(1_000_000), None),
    );
    lane.push(|| Micros(1_000), Bytes::from_static(&[0; 100]));
    lane.push(|| Micros(1_050), Bytes::from_static(&[0; 10]));
    assert_eq!(lane.front(|| Micros(1_000)), Front::Later(Micros(1_600)));
    assert_eq!(read(&mut lane, Micros(1_600), 1_000).len(), 100);
    assert_eq!(lane.front(|| Micros(1_600)), Front::Later(Micros(1_610)));
    lane.finish(|| Micros(1_200));
    assert_eq!(drain(&mut lane, Micros(1_600)).1, Micros(1_700));
}

#[test]
fn a_chunk_never_overtakes_one_that_was_delayed() {
    let mut lane = Lane::new(usize::MAX, usize::MAX, Budget::default());
    lane.change(
        || Micros(0),
        conditions(false, Some((1_000, 0)), None, None),
    );
    lane.push(|| Micros(0), Bytes::from_static(b"slow"));
    lane.change(|| Micros(0), conditions(false, Some((1, 0)), None, None));
    lane.push(|| Micros(0), Bytes::from_static(b"quick"));
    lane.change(|| Micros(0), Conditions::default());
    lane.push(|| Micros(0), Bytes::from_static(b"perfect"));
    assert_eq!(lane.front(|| Micros(999)), Front::Later(Micros(1_000)));
    assert_eq!(read(&mut lane, Micros(1_000), 100), b"slowquickperfect");
}

#[test]
fn jitter_is_drawn_from_the_seed_alone() {
    for distribution in [
        Distribution::Uniform,
        Distribution::Normal,
        Distribution::Pareto,
    ] {
        let dues = |seed: u64| {
            let mut lane = Lane::new(usize::MAX, usize::MAX, Budget::default());
            let mut conditions = Conditions::default();
            conditions.add_latency(
                Latency {
                    base: Micros(50_000),
                    jitter: Micros(20_000),
                    distribution,
                },
                seed,
            );
            lane.change(|| Micros(0), conditions);
            let mut dues = Vec::new();
            // They are a second apart, so that none is held back to keep the order.
            for second in 0..20 {
                let now = Micros(second * 1_000_000);
                lane.push(|| now, Bytes::from_static(b"x"));
                dues.push(drain(&mut lane, now).1.0 - now.0);
            }
            dues
        };
        assert_eq!(dues(1), dues(1), "{distribution:?}");
        assert_ne!(dues(1), dues(2), "{distribution:?}");
        let (low, high) = match distribution {
            Distribution::Uniform => (30_000, 70_000),
            Distribution::Normal => (0, 150_000),
            Distribution::Pareto => (50_000, 1_000_000),
        };
        assert!(
            dues(3).iter().all(|due| (low..=high).contains(due)),
            "{distribution:?}: {:?}",
            dues(3)
        );
    }
}

#[test]
fn what_has_arrived_when_a_hold_begins_can_be_read_and_what_comes_then_cannot() {
    let mut lane = Lane::new(usize::MAX, usize::MAX, Budget::default());
    lane.push(|| Micros(5), Bytes::from_static(b"arrived"));
    lane.change(|| Micros(5), conditions(true, None, None, None));
    lane.push(|| Micros(5), Bytes::from_static(b"held"));
    assert_eq!(read(&mut lane, Micros(5), 100), b"arrived");
    assert_eq!(lane.front(|| Micros(1_000)), Front::Nothing);
    lane.reset(Micros(1_000));
    assert_eq!(
        lane.front(|| Micros(1_000)),
        Front::Nothing,
        "nor does a reset pass"
    );
    lane.change(|| Micros(1_001), Conditions::default());
    assert_eq!(lane.front(|| Micros(1_001)), Front::Reset);
}

#[test]
fn an_end_that_has_arrived_when_a_hold_begins_is_seen() {
    for reset in [false, true] {
        let mut lane = Lane::new(usize::MAX, usize::MAX, Budget::default());
        lane.push(|| Micros(1), Bytes::from_static(b"x"));
        if reset {
            lane.reset(Micros(2));
        } else {
            lane.finish(|| Micros(2));
        }
        lane.change(|| Micros(3), conditions(true, None, None, None));
        assert_eq!(read(&mut lane, Micros(3), 100), b"x");
        assert_eq!(
            lane.front(|| Micros(3)),
            if reset { Front::Reset } else { Front::Fin }
        );
    }
}

#[test]
fn a_slow_wire_delivers_a_long_message_a_segment_at_a_time_and_a_short_one_whole() {
    let mut lane = Lane::new(usize::MAX, usize::MAX, Budget::default());
    lane.change(|| Micros(1), conditions(false, None, Some(1_000), None));
    let segment = SEGMENT_BYTES as usize;
    lane.push(|| Micros(1), Bytes::from(vec![b'x'; 2 * segment + 80]));
    lane.push(|| Micros(1), Bytes::from_static(b"short"));
    let mut came = Vec::new();
    let mut now = Micros(1);
    while let front @ (Front::Bytes | Front::Later(_)) = lane.front(|| now) {
        match front {
            Front::Later(due) => now = due,
            _ => came.push((now.0 / 1_000, read(&mut lane, now, 1 << 16).len())),
        }
    }
    assert_eq!(
        came,
        [(1_460, 1_460), (2_920, 1_460), (3_000, 80), (3_005, 5)]
    );
}
