//! `wstape chaos`: what it prints, what it writes, and how it ends.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A case that breaks R11, because it claims that its faults end but they never do; it also has
/// faults and events that do not matter.
const NEVER_BACK: &str = r#"{"tape":1,"title":"never back","x-subscriber":{"initial_backoff_ms":73.219},"x-chaos":{"seed":1234,"quiet_at_us":2000000}}
{"at_ms":0,"latency_ms":3.7,"x-fault":"latency","x-layer":"faults"}
{"at_ms":100,"emit":{"event":"risk","data":{"halted":true}}}
{"at_ms":217.4,"close":{"code":1013,"reason":"later"},"x-fault":"close","x-layer":"faults"}
{"at_ms":300,"ping":"x","x-fault":"pings","x-layer":"faults"}
{"at_ms":1234.567,"down":true,"x-fault":"down","x-layer":"faults"}
{"at_ms":1500,"mark":"call","x-call":"new-receiver","x-layer":"faults"}
{"at_ms":300000,"end":true}
"#;

/// A case in which all rules hold.
const HOLDS: &str = r#"{"tape":1,"title":"a drop","x-chaos":{"seed":5}}
{"at_ms":100,"emit":{"event":"risk","data":{"halted":true}}}
{"at_ms":200,"drop":"fin","x-fault":"fin","x-layer":"faults"}
{"at_ms":9000,"end":true}
"#;

/// Variables of a CI system that may be running this test.
const CI_VARIABLES: [&str; 10] = [
    "CHAOS_SHARD_INDEX",
    "CHAOS_SHARD_COUNT",
    "JOB_COMPLETION_INDEX",
    "CI_NODE_INDEX",
    "CIRCLE_NODE_INDEX",
    "BUILDKITE_PARALLEL_JOB",
    "SYSTEM_JOBPOSITIONINPHASE",
    "SEMAPHORE_JOB_INDEX",
    "CLOUD_RUN_TASK_INDEX",
    "GITHUB_ACTIONS",
];

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wstape"));
    command.arg("chaos").args(arguments).current_dir(folder);
    for variable in CI_VARIABLES {
        command.env_remove(variable);
    }
    command
}

pub(super) fn chaos(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments)
        .output()
        .expect("the binary runs")
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
    write("never-back.jsonl", NEVER_BACK).expect("a file");
    write("holds.jsonl", HOLDS).expect("a file");
    folder
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn bad_input_is_one_clear_sentence_with_status_2_and_nothing_written() {
    let table: &[(&[&str], &str)] = &[
        (&["--seeds", "5..5"], "\"5..5\" holds no seed"),
        (&["--seeds", "a..b"], "expected A..B, A.. or one seed"),
        (&["--seed", "-1"], "--seed"),
        (&["--shard", "3/2"], "there is no shard 3/2"),
        (&["--shard", "2"], "\"2\" is not a shard: expected I/N"),
        (&["--budget", "soon"], "--budget <DURATION>"),
        (&["--jobs", "0"], "--jobs <N>"),
        (&["--jobs", "100000"], "expected a number from 1 to 256"),
        (&["--seed", "1", "--seeds", "1..2"], "cannot be used with"),
        (
            &["--tape", "gone.jsonl"],
            "gone.jsonl: No such file or directory",
        ),
        (
            &["--tape", "bad.jsonl"],
            "bad.jsonl:2:13: unknown key \"dorp\"",
        ),
        (
            &["--tape", "call.jsonl"],
            "call.jsonl: line 2: \"x-call\" is \"jump\"; expected one of shutdown",
        ),
        (
            &["--tape", "far.jsonl"],
            "far.jsonl:2: the case would last 104249991 days, but the limit is 31; trim the tape",
        ),
        (
            &["--tape", "holds.jsonl", "--out", "holds.jsonl"],
            "holds.jsonl is a file, but --out needs a folder",
        ),
        (
            &["--tape", "holds.jsonl", "--junit", "no/such/x.xml"],
            "no/such/x.xml: cannot write there: No such file or directory (os error 2); make its",
        ),
        (&["--tape", "holds.jsonl", "--result", "."], ". is a folder"),
        (&["merge"], "<FILE>..."),
        (
            &["merge", "gone.json"],
            "gone.json: cannot read the results",
        ),
        (
            &["merge", "holds.jsonl"],
            "holds.jsonl holds no results of a chaos run",
        ),
    ];
    for (arguments, sentence) in table {
        let folder = folder();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        write(
            "bad.jsonl",
            "{\"tape\":1}\n{\"at_ms\":10,\"dorp\":\"fin\"}\n",
        )
        .expect("a file");
        write(
            "far.jsonl",
            "{\"tape\":1}\n{\"at_ms\":9007199254740991,\"end\":true}\n",
        )
        .expect("a file");
        write(
            "call.jsonl",
            "{\"tape\":1}\n{\"at_ms\":10,\"mark\":\"call\",\"x-call\":\"jump\"}\n",
        )
        .expect("a file");
        let output = chaos(folder.path(), arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(sentence), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert_eq!(
            fs::read_dir(folder.path()).expect("a folder").count(),
            5,
            "{arguments:?}"
        );
    }
}

#[test]
fn a_case_that_holds_ends_with_0_and_leaves_no_folder_behind() {
    let folder = folder();
    let output = chaos(
        folder.path(),
        &["--tape", "holds.jsonl", "--out", "failures"],
    );
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let first = said.lines().next().unwrap_or_default();
    assert!(first.starts_with("chaos: 1 tapes, no budget, "), "{first}");
    assert!(first.ends_with("; wstape 0.1.0, engine-client"), "{first}");
    assert!(
        said.ends_with("\nheld: all rules, in all that was seen\n"),
        "{said}"
    );
    assert!(!folder.path().join("failures").exists());
}

#[test]
fn a_broken_rule_ends_with_1_a_small_tape_and_the_command_that_shows_it_again() {
    let folder = folder();
    let arguments = [
        "--tape",
        "never-back.jsonl",
        "--out",
        "failures",
        "--junit",
        "x.xml",
        "-q",
    ];
    let output = chaos(folder.path(), &arguments);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("R11 (recovery once faults stop) broke, tape never-back.jsonl, at "),
        "{said}"
    );
    assert!(
        said.contains("shrunk from 5 faults and calls to 1 in "),
        "{said}"
    );
    assert!(said.ends_with("\nBROKEN: R11\n"), "{said}");
    let again = said.split("  again: ").nth(1).expect("a command");
    let again = again.lines().next().expect("a line").to_owned();
    assert!(
        again.ends_with(" chaos --tape failures/R11-never-back.jsonl"),
        "{again}"
    );

    let read = |name: &str| fs::read_to_string(folder.path().join("failures").join(name));
    let tape = read("R11-never-back.jsonl").expect("the tape");
    let lines: Vec<&str> = tape.lines().collect();
    assert_eq!(lines.len(), 3, "{tape}");
    let about =
        r#""x-chaos":{"seed":1234,"rule":"R11","version":"0.1.0","subject":"engine-client""#;
    assert!(lines[0].contains(about), "{tape}");
    assert_eq!(
        lines[1],
        r#"{"at_ms":0,"down":true,"x-fault":"down","x-layer":"faults"}"#
    );
    assert!(
        read("R11-never-back.trace.txt")
            .expect("the trace")
            .contains("dial refused")
    );
    // The trace marks the moment, and the mirror is the one of that moment: the shutdown at the end
    // of the case, which the record would show, has not come yet.
    let trace = read("R11-never-back.trace.txt").expect("the trace");
    let broken = trace.find("BROKEN R11 at ").expect("the moment");
    let shutdown = trace.find("call shutdown").expect("the shutdown");
    assert!(broken < shutdown, "{trace}");
    let mirror = read("R11-never-back.mirror.txt").expect("the mirror");
    assert!(mirror.starts_with("when R11 broke, at "), "{mirror}");
    assert!(mirror.contains("\nthe model\n"), "{mirror}");
    assert!(!mirror.contains("\"shutdown\""), "{mirror}");
    let xml = fs::read_to_string(folder.path().join("x.xml")).expect("the XML");
    assert!(
        xml.contains("<testcase name=\"connect\" classname=\"chaos.R11 "),
        "{xml}"
    );
    assert_eq!(xml.matches("<failure ").count(), 1, "{xml}");

    // The command that it printed shows the same in the folder where it was printed.
    let output = Command::new("sh")
        .args(["-c", &again])
        .current_dir(folder.path())
        .output()
        .expect("sh runs");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("R11 (recovery once faults stop) broke"));
}

#[test]
fn one_seed_is_a_case_to_see_again_however_it_is_written() {
    let folder = folder();
    let mut lines = Vec::new();
    for arguments in [
        ["--seed", "1234"],
        ["--seeds", "1234"],
        ["--seeds", "1234..1235"],
    ] {
        let output = chaos(folder.path(), &arguments);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("never"), "{arguments:?}: {said}");
        lines.push(said.lines().next().unwrap_or_default().to_owned());
    }
    assert!(lines[0].starts_with("chaos: seed 1234, "), "{lines:?}");
    lines.dedup();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn the_results_of_all_shards_merge_to_those_of_one_run() {
    let folder = folder();
    let run = |shard: &str, name: &str| {
        let arguments = [
            "--seeds", "100..112", "--shard", shard, "--result", name, "-q",
        ];
        let output = chaos(folder.path(), &arguments);
        // A few seeds may not see everything.
        let status = output.status.code();
        assert!(matches!(status, Some(0 | 3)), "{}", text(&output.stdout));
        json(&folder.path().join(name))
    };
    let whole = run("1/1", "whole.json");
    for index in 1..=3 {
        run(&format!("{index}/3"), &format!("{index}.json"));
    }
    let arguments = [
        "merge",
        "3.json",
        "1.json",
        "2.json",
        "--result",
        "merged.json",
        "-q",
    ];
    let output = chaos(folder.path(), &arguments);
    let merged = json(&folder.path().join("merged.json"));
    assert_eq!(merged["tally"], whole["tally"]);
    assert_eq!(merged["tally"]["cases"], 12);
    let first = "chaos: merged 3 files: shard 1/3 of seeds 100..112, shard 2/3 of seeds 100..112, \
                 shard 3/3 of seeds 100..112; wstape 0.1.0, engine-client\n";
    assert!(
        text(&output.stdout).starts_with(first),
        "{}",
        text(&output.stdout)
    );

    let output = chaos(folder.path(), &["merge", "1.json", "1.json"]);
    assert_eq!(output.status.code(), Some(2));
    let output = chaos(folder.path(), &["merge", "1.json", "3.json", "-q"]);
    assert_eq!(output.status.code(), Some(3));
    let missing = "the results of shard 2/3 of seeds 100..112 are missing";
    assert!(
        text(&output.stdout).contains(missing),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn a_shard_is_taken_from_the_environment_and_said_in_the_first_line() {
    let folder = folder();
    let output = command(folder.path(), &["--seeds", "0..4", "-q"])
        .envs([("JOB_COMPLETION_INDEX", "1"), ("CHAOS_SHARD_COUNT", "2")])
        .output()
        .expect("the binary runs");
    let said = text(&output.stdout);
    let first = "chaos: seeds 0..4, shard 2/2 by JOB_COMPLETION_INDEX, no budget, ";
    assert!(said.starts_with(first), "{said}");
    assert!(said.contains("\n2 cases in "), "{said}");

    let output = command(folder.path(), &["--seeds", "0..4"])
        .env("JOB_COMPLETION_INDEX", "1")
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("CHAOS_SHARD_COUNT does not give the number of shards"));
}

#[test]
fn on_github_a_failure_is_an_annotation_and_a_part_of_the_step_summary() {
    let folder = folder();
    let summary = folder.path().join("summary.md");
    fs::write(&summary, "an earlier step\n").expect("a file");
    let output = command(
        folder.path(),
        &["--tape", "never-back.jsonl", "--out", "failures", "-q"],
    )
    .env("GITHUB_ACTIONS", "true")
    .env("GITHUB_STEP_SUMMARY", &summary)
    .output()
    .expect("the binary runs");
    let said = text(&output.stdout);
    let annotation =
        "\n::error file=failures/R11-never-back.jsonl,title=R11%3A recovery once faults stop::R11 ";
    assert!(said.contains(annotation), "{said}");
    let summary = fs::read_to_string(summary).expect("a file");
    assert!(
        summary.starts_with("an earlier step\n## Chaos: **broken**\n"),
        "{summary}"
    );
}

#[test]
fn regressions_run_first_and_one_that_breaks_a_rule_ends_the_run() {
    let folder = folder();
    let regressions = folder.path().join("fixtures/regressions");
    fs::create_dir_all(&regressions).expect("a folder");
    fs::write(regressions.join("a.jsonl"), HOLDS).expect("a file");
    let run = || {
        chaos(
            folder.path(),
            &["--seeds", "0..2", "--out", "failures", "-q"],
        )
    };
    let said = text(&run().stdout);
    assert!(
        said.starts_with("chaos: seeds 0..2, 1 regressions first, no budget, "),
        "{said}"
    );
    assert!(said.contains("\n2 cases in "), "{said}");

    fs::write(regressions.join("b.jsonl"), NEVER_BACK).expect("a file");
    let output = run();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("broke, tape fixtures/regressions/b.jsonl"),
        "{said}"
    );
    assert!(said.contains("\n0 cases in "), "no seed is begun: {said}");
}

#[test]
fn replay_says_which_rules_a_case_breaks() {
    let folder = folder();
    let replay = |tape: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wstape"));
        command
            .args(["replay", tape, "--accept"])
            .current_dir(folder.path());
        command.output().expect("the binary runs")
    };
    let output = replay("never-back.jsonl");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("broken rules:\n  R11 at "), "{said}");
    assert_eq!(replay("holds.jsonl").status.code(), Some(0));
}

#[test]
fn a_search_that_misses_mutants_says_that_chaos_is_broken() {
    let folder = folder();
    // The flag's older name still works.
    for flag in ["--mutants", "--planted"] {
        let output = chaos(folder.path(), &[flag, "--seeds", "7..8", "--budget", "1ms"]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let first = "chaos: mutants, seeds 7..8, budget 1ms each, ";
        assert!(said.starts_with(first), "{said}");
        assert!(said.contains("\nmissed: "), "{said}");
        assert!(!said.contains("false alarm"), "{said}");
        let last = "mutants: chaos is broken: what it holds to be right need not be\n";
        assert!(said.ends_with(last), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_run_with_what_there_is() {
    let folder = folder();
    let mut child = command(
        folder.path(),
        &["--budget", "1h", "--result", "r.json", "-q"],
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .expect("the binary runs");
    // The first line comes once it listens for signals.
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let first = lines.next().expect("a line").expect("text");
    assert!(
        first.starts_with("chaos: seeds 0.., budget 1h, "),
        "{first}"
    );
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    let said: Vec<String> = lines.map_while(Result::ok).collect();
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(3), "{said:?}");
    assert!(
        said.contains(&"  the run was interrupted".to_owned()),
        "{said:?}"
    );
    assert_eq!(json(&folder.path().join("r.json"))["interrupted"], true);
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_does_not_change_how_the_run_ends() {
    let folder = folder();
    let mut child = command(
        folder.path(),
        &["--tape", "never-back.jsonl", "--out", "failures"],
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .expect("the binary runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}
