//! A choice of rules: the same ones apply in the run, in every report, and in merged results.

use std::fs;

use super::chaos::{chaos, folder, text};

#[test]
fn a_rule_that_is_left_out_breaks_nothing_and_every_report_says_so() {
    let folder = folder();
    let tape = ["--tape", "never-back.jsonl"];
    let broken = chaos(folder.path(), &tape);
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stdout).contains("judged: R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11,"));

    let junit = ["--junit", "x.xml", "--result", "x.json"];
    for choice in [["--without", "R11"], ["--rules", "R1-R10,R12-R16"]] {
        let held = chaos(folder.path(), &[&tape[..], &choice, &junit].concat());
        let said = text(&held.stdout);
        assert_eq!(held.status.code(), Some(0), "{said}");
        assert!(
            said.contains("left out: R11: left out on the command line"),
            "{said}"
        );
        assert!(
            said.contains("held: all 15 rules that were judged"),
            "{said}"
        );
        let xml = fs::read_to_string(folder.path().join("x.xml")).expect("a report");
        assert!(
            xml.contains("left out: left out on the command line"),
            "{xml}"
        );
        let json = fs::read_to_string(folder.path().join("x.json")).expect("results");
        assert!(json.contains("\"left_out\""), "{json}");
    }
}

#[test]
fn a_name_that_no_rule_has_is_bad_usage_that_says_which_there_are() {
    let folder = folder();
    for (arguments, expected) in [
        (
            ["--rules", "R17"],
            "unknown rule \"R17\": there are R1 to R16",
        ),
        (
            ["--without", "R1,latency"],
            "unknown rule \"latency\": there are R1 to R16",
        ),
        (["--without", "R1-R16"], "no rules left to judge"),
        (["--explain", "R0"], "unknown rule \"R0\""),
    ] {
        let run = chaos(folder.path(), &arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
        assert!(
            text(&run.stderr).contains(expected),
            "{}",
            text(&run.stderr)
        );
    }
}

#[test]
fn what_a_rule_asks_and_why_is_said_without_playing_anything() {
    let folder = folder();
    let one = text(&chaos(folder.path(), &["--explain", "R4"]).stdout);
    assert!(
        one.starts_with("R4: the counter resets at the first frame\n"),
        "{one}"
    );
    for line in [
        "asks",
        "because",
        "of anyone",
        "look at",
        "here        judged",
    ] {
        assert!(one.contains(line), "{line} in\n{one}");
    }
    let all = text(&chaos(folder.path(), &["--explain"]).stdout);
    assert_eq!(all.matches("  because     ").count(), 16, "{all}");
}

#[test]
fn results_that_were_judged_by_different_rules_are_not_merged() {
    let folder = folder();
    let shard = |shard: &str, file: &str, more: &[&str]| {
        let seeds = ["--seeds", "0..4", "--shard", shard, "--result", file];
        let run = chaos(folder.path(), &[&seeds[..], more].concat());
        assert!(matches!(run.status.code(), Some(0 | 3)), "{run:?}");
    };
    shard("1/2", "1.json", &[]);
    shard("2/2", "2.json", &["--without", "R6"]);
    let merged = chaos(folder.path(), &["merge", "1.json", "2.json"]);
    assert_eq!(merged.status.code(), Some(2));
    assert!(
        text(&merged.stderr).contains("2.json was made with rules R1, R2,"),
        "{merged:?}"
    );
}

#[test]
fn messages_are_drawn_from_a_tape_that_is_named_and_one_without_any_is_bad_input() {
    let folder = folder();
    let drawn = ["--seeds", "0..4", "--from", "holds.jsonl", "--quiet"];
    let said = text(&chaos(folder.path(), &drawn).stdout);
    assert!(said.contains("1 messages from tapes"), "{said}");
    fs::write(folder.path().join("mute.jsonl"), "{\"tape\":1}\n").expect("a file");
    let mute = chaos(folder.path(), &["--from", "mute.jsonl"]);
    assert_eq!(mute.status.code(), Some(2));
    let said = text(&mute.stderr);
    assert!(said.contains("mute.jsonl: no messages to use"), "{said}");
}

#[test]
fn over_a_recording_nothing_is_missed_that_no_case_there_has_and_a_line_says_what_that_is() {
    let folder = folder();
    let over = ["--tape", "holds.jsonl", "--seeds", "0..2"];
    let run = chaos(folder.path(), &over);
    let said = text(&run.stdout);
    let line = "\nnot exercised: R11 (needs a calm end), R15 (needs a crowd): ";
    assert_eq!(said.matches(line).count(), 1, "{said}");
    let never = said.lines().find(|line| line.contains("never seen: rules"));
    let never = never.unwrap_or_default();
    assert!(!never.contains("R11") && !never.contains("R15"), "{said}");

    // A run that can't break a rule must not pass.
    let none = chaos(
        folder.path(),
        &[&over[..], &["--rules", "R11,R15"]].concat(),
    );
    assert_eq!(none.status.code(), Some(2), "{none:?}");
    let said = text(&none.stderr);
    assert!(
        said.contains("no rule is left that a case could break"),
        "{said}"
    );

    // Drawn streams have both needs.
    let drawn = chaos(folder.path(), &["--seeds", "0..2"]);
    let said = text(&drawn.stdout);
    assert!(!said.contains("not exercised"), "{said}");
}
