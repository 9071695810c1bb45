//! Parsing and splitting of ranges, shards, environments.

use std::collections::BTreeSet;

use super::{Seeds, Shard};

fn shard(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
    Shard::of_environment(|name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    })
    .map(|shard| shard.map(|(shard, by)| format!("{shard} by {by}")))
    .map_err(|error| error.to_string())
}

#[test]
fn the_shards_of_a_range_never_overlap_and_together_are_all_of_it() {
    for (range, expected) in [("0..1000", 0..1000), ("17..100", 17..100), ("5..6", 5..6)] {
        let seeds: Seeds = range.parse().unwrap();
        for count in [1, 2, 3, 7, 64, 2_000] {
            let mut seen = BTreeSet::new();
            for index in 1..=count {
                for seed in Shard::new(index, count).unwrap().seeds(seeds) {
                    assert!(seen.insert(seed), "{seed} is in two of {count} shards");
                }
            }
            assert!(seen.into_iter().eq(expected.clone()), "{range} in {count}");
        }
    }
}

#[test]
fn the_shards_of_an_open_range_run_apart_for_as_long_as_they_are_asked() {
    let seeds: Seeds = "100..".parse().unwrap();
    let mut seen = BTreeSet::new();
    for index in 1..=5 {
        let part = Shard::new(index, 5).unwrap().seeds(seeds);
        assert!(part.take(200).all(|seed| seen.insert(seed)));
    }
    assert!(seen.into_iter().eq(100..1_100));
}

#[test]
fn the_last_seeds_there_are_end_a_shard_without_overflow() {
    let seeds = Seeds::from(u64::MAX - 2);
    let part = |text: &str| {
        text.parse::<Shard>()
            .unwrap()
            .seeds(seeds)
            .collect::<Vec<_>>()
    };
    assert_eq!(part("1/2"), [u64::MAX - 2, u64::MAX]);
    assert_eq!(part("2/2"), [u64::MAX - 1]);
    assert_eq!(part("4/4"), [0_u64; 0]);
    assert_eq!(
        Shard::WHOLE.seeds(Seeds::one(u64::MAX)).next(),
        Some(u64::MAX)
    );
}

#[test]
fn each_environment_names_its_shard_in_its_own_way() {
    type Variables = &'static [(&'static str, &'static str)];
    let table: &[(Variables, Option<&str>)] = &[
        (&[], None),
        (
            &[("JOB_COMPLETION_INDEX", "0"), ("CHAOS_SHARD_COUNT", "8")],
            Some("1/8 by JOB_COMPLETION_INDEX"),
        ),
        (
            &[("JOB_COMPLETION_INDEX", "7"), ("CHAOS_SHARD_COUNT", "8")],
            Some("8/8 by JOB_COMPLETION_INDEX"),
        ),
        (
            &[("CHAOS_SHARD_INDEX", "3"), ("CHAOS_SHARD_COUNT", "4")],
            Some("4/4 by CHAOS_SHARD_INDEX"),
        ),
        (
            &[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "5")],
            Some("1/5 by CI_NODE_INDEX"),
        ),
        (
            &[("CI_NODE_INDEX", "5"), ("CI_NODE_TOTAL", "5")],
            Some("5/5 by CI_NODE_INDEX"),
        ),
        // GitLab sets this for every job, parallel or not.
        (&[("CI_NODE_TOTAL", "1")], None),
        (
            &[("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "2")],
            Some("1/2 by CIRCLE_NODE_INDEX"),
        ),
        (
            &[
                ("BUILDKITE_PARALLEL_JOB", "1"),
                ("BUILDKITE_PARALLEL_JOB_COUNT", "2"),
            ],
            Some("2/2 by BUILDKITE_PARALLEL_JOB"),
        ),
        (
            &[
                ("SYSTEM_JOBPOSITIONINPHASE", "2"),
                ("SYSTEM_TOTALJOBSINPHASE", "2"),
            ],
            Some("2/2 by SYSTEM_JOBPOSITIONINPHASE"),
        ),
        (
            &[("SEMAPHORE_JOB_INDEX", "1"), ("SEMAPHORE_JOB_COUNT", "2")],
            Some("1/2 by SEMAPHORE_JOB_INDEX"),
        ),
        (
            &[("CLOUD_RUN_TASK_INDEX", "1"), ("CLOUD_RUN_TASK_COUNT", "2")],
            Some("2/2 by CLOUD_RUN_TASK_INDEX"),
        ),
    ];
    for (variables, expected) in table {
        assert_eq!(
            shard(variables),
            Ok(expected.map(str::to_owned)),
            "{variables:?}"
        );
    }
}

#[test]
fn an_environment_that_makes_no_sense_is_an_error_and_never_the_whole_range() {
    let table: &[(&[(&str, &str)], &str)] = &[
        (
            &[("JOB_COMPLETION_INDEX", "0")],
            "the environment's JOB_COMPLETION_INDEX gives the shard, but CHAOS_SHARD_COUNT does \
             not give the number of shards: set it, or use --shard I/N",
        ),
        (
            &[("JOB_COMPLETION_INDEX", "8"), ("CHAOS_SHARD_COUNT", "8")],
            "there is no shard 9/8: of N shards the first is 1/N and the last N/N",
        ),
        (
            &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "2")],
            "there is no shard 0/2: of N shards the first is 1/N and the last N/N",
        ),
        (
            &[("CI_NODE_INDEX", "one"), ("CI_NODE_TOTAL", "2")],
            "the environment's CI_NODE_INDEX is \"one\": expected a whole number from 1",
        ),
        (
            &[("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "")],
            "the environment's CIRCLE_NODE_TOTAL is \"\": expected a whole number of shards",
        ),
    ];
    for (variables, sentence) in table {
        assert_eq!(shard(variables), Err((*sentence).to_owned()));
    }
}

#[test]
fn what_is_no_range_and_no_shard_is_said_in_a_sentence() {
    for bad in [
        "",
        "x",
        "-1",
        "1..x",
        "..5",
        "1...5",
        "1..=5",
        "+1..2",
        "18446744073709551616",
    ] {
        let error = bad.parse::<Seeds>().unwrap_err().to_string();
        assert!(
            error.contains("expected A..B, A.. or one seed"),
            "{bad}: {error}"
        );
    }
    for empty in ["5..5", "5..4"] {
        let error = empty.parse::<Seeds>().unwrap_err().to_string();
        assert!(error.contains("holds no seed"), "{error}");
    }
    for bad in ["", "1", "/", "1/", "a/b", "1/2/3", "-1/2"] {
        let error = bad.parse::<Shard>().unwrap_err().to_string();
        assert!(
            error.contains("is not a shard: expected I/N"),
            "{bad}: {error}"
        );
    }
    for none in ["0/2", "3/2", "1/0"] {
        let error = none.parse::<Shard>().unwrap_err().to_string();
        assert_eq!(
            error,
            format!("there is no shard {none}: of N shards the first is 1/N and the last N/N")
        );
    }
}

#[test]
fn ranges_and_shards_are_written_as_they_are_read() {
    for text in ["0..", "3..9", "0..18446744073709551615"] {
        assert_eq!(text.parse::<Seeds>().unwrap().to_string(), text);
    }
    assert_eq!("2/3".parse::<Shard>().unwrap().to_string(), "2/3");
    assert_eq!("9".parse::<Seeds>().unwrap().to_string(), "9..10");
}
