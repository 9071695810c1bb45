//! What chaos does with written cases and with drawn ones.

use std::path::{Path, PathBuf};

use wstape::OurSubscriber;
use wstape_chaos::{Case, draw, play};
use wstape_harness::{Running, Stage, Subject, Terms};
use wstape_oracle::Rule;
use wstape_tape::Tape;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn tapes(folder: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(fixtures().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"))
        .collect();
    paths.sort();
    paths
}

/// The drawn cases that a test looks at: as many as a debug build plays in a few seconds.
const CASES: std::ops::Range<u64> = 0..60;

#[test]
fn the_subscriber_holds_to_the_rules_on_every_canned_tape() {
    let mut broken = Vec::new();
    for path in tapes("tapes").into_iter().chain(tapes("recordings")) {
        let case = Case::from_tape(Tape::load(&path).unwrap()).unwrap();
        let played = play(&case, &OurSubscriber);
        if !played.verdict.holds() {
            let name = path.file_stem().unwrap().display();
            let violations = played.verdict.violations.iter();
            let lines: Vec<_> = violations.map(|v| format!("  {v}")).collect();
            broken.push(format!("{name}\n{}\n{}", lines.join("\n"), played.trace));
        }
    }
    assert!(
        broken.is_empty(),
        "{} broken\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn the_subscriber_holds_to_the_rules_on_drawn_cases() {
    for seed in CASES {
        let played = play(&draw(seed, &[], &Terms::Settings), &OurSubscriber);
        let violations = &played.verdict.violations;
        assert!(violations.is_empty(), "seed {seed}: {violations:?}");
    }
}

/// Bytes of an answer in which a bit is flipped: its whole head, and the first bytes after it.
const ANSWER_BYTES: usize = 180;
/// Bits that turn printable characters and line ends into control bytes, and letters into others.
const FLIPS: [u8; 3] = [0x40, 0x20, 0x01];

#[test]
fn whatever_bit_of_an_answer_is_flipped_no_rule_demands_what_rfc_9110_leaves_to_the_reader() {
    let upgrades = r#"{"at_ms":0,"text":"{}"}"#;
    let refuses = r#"{"at_ms":0,"refuse":{"status":503,"headers":{"retry-after":"2"}},"times":1}"#;
    for (answer, skip, flip) in [upgrades, refuses]
        .into_iter()
        .flat_map(|answer| (0..ANSWER_BYTES).map(move |skip| (answer, skip)))
        .flat_map(|(answer, skip)| FLIPS.map(|flip| (answer, skip, flip)))
    {
        let corrupt = format!(
            r#"{{"at_ms":0,"corrupt":{{"skip_bytes":{skip},"flip":{flip}}},"direction":"to_client","for_ms":5000}}"#
        );
        let end = r#"{"at_ms":30000,"end":true}"#;
        let text = ["{\"tape\":1}", &corrupt, answer, end].join("\n") + "\n";
        let case = Case::from_tape(Tape::parse("flipped", &text).unwrap()).unwrap();
        let played = play(&case, &OurSubscriber);
        let violations = &played.verdict.violations;
        assert!(
            violations.is_empty(),
            "{text}{violations:?}\n{}",
            played.trace
        );
    }
}

#[test]
fn the_same_seed_draws_the_same_case_and_leaves_nothing_to_chance() {
    for seed in CASES {
        let case = draw(seed, &[], &Terms::Settings);
        assert_eq!(case, draw(seed, &[], &Terms::Settings), "seed {seed}");
        let mut steps = case.base.steps.iter().chain(&case.faults.steps);
        assert!(
            steps.all(|step| {
                step.probability.is_none() && step.jitter.is_none() && step.seed.is_none()
            }),
            "seed {seed}"
        );
    }
}

#[test]
fn a_drawn_case_is_a_tape_that_can_be_read_back_and_plays_alike() {
    for seed in CASES {
        let case = draw(seed, &[], &Terms::Settings);
        let text = case.to_tape().to_string();
        let tape = Tape::parse("drawn", &text).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let again = Case::from_tape(tape).unwrap();
        assert_eq!(again.settings, case.settings, "seed {seed}");
        assert_eq!(again.about, case.about, "seed {seed}");
        assert_eq!(again.base.steps, case.base.steps, "seed {seed}");
        assert_eq!(again.faults.steps, case.faults.steps, "seed {seed}");
        let hash = |case: &Case| play(case, &OurSubscriber).verdict.hash;
        assert_eq!(hash(&again), hash(&case), "seed {seed}");
    }
}

#[test]
fn faults_that_are_counted_as_fired_are_those_that_a_case_enables() {
    let tape = |text: &str| Tape::parse("faults", text).unwrap();
    let case = Case::from_tape(tape(concat!(
        r#"{"tape":1}"#,
        "\n",
        r#"{"at_ms":100,"drop":"fin","x-layer":"faults","x-fault":"fin"}"#,
        "\n",
        r#"{"at_ms":200,"close":{"code":1001},"x-layer":"faults","x-fault":"close"}"#,
        "\n",
        r#"{"at_ms":2000,"down":true,"for_ms":1500,"x-layer":"faults","x-fault":"down"}"#,
        "\n",
        r#"{"at_ms":9000,"end":true}"#,
        "\n",
    )))
    .unwrap();
    let faults = play(&case, &OurSubscriber).verdict.coverage.faults;
    let counts: Vec<_> = faults.iter().map(|(kind, n)| (kind.name(), *n)).collect();
    // Nobody is connected at 200 ms: that Close is lost. The port goes down, and refuses once.
    assert_eq!(counts, [("down", 2), ("fin", 1), ("close", 0)]);
}

#[test]
fn a_case_that_can_not_be_played_is_a_violation_and_no_panic() {
    struct Never;
    impl Subject for Never {
        fn name(&self) -> String {
            "never".to_owned()
        }

        fn start(&self, _: Stage) -> Result<Running, String> {
            Err("not today".to_owned())
        }
    }
    let played = play(&draw(0, &[], &Terms::Settings), &Never);
    let violation = &played.verdict.violations[0];
    assert_eq!(violation.rule, Rule::R13);
    assert_eq!(violation.what, "the subscriber does not start: not today");
}
