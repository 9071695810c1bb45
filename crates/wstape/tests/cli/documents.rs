//! What a person or their shell reads: help, completions, manual pages.

use std::fs;
use std::process::{Command, Output, Stdio};

/// The verbs that the help, the manual pages and the completions have.
const VERBS: [&str; 11] = [
    "serve",
    "replay",
    "chaos",
    "tap",
    "show",
    "draw",
    "check",
    "trim",
    "overlays",
    "completions",
    "man",
];

fn wstape(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wstape"));
    command.args(arguments).output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[test]
fn help_names_every_verb_and_each_verbs_help_its_exit_statuses_or_how_to_use_it() {
    let all = said(&wstape(&["--help"]));
    for verb in VERBS {
        assert!(all.contains(&format!("\n  {verb} ")), "{all}");
        let help = said(&wstape(&[verb, "--help"]));
        let closing = ["Exit status: 0", "wstape completions", "wstape man"];
        assert!(closing.iter().any(|text| help.contains(text)), "{help}");
    }
}

#[test]
fn each_shell_gets_a_script_that_knows_the_verbs_and_their_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&wstape(&["completions", shell]));
        for word in VERBS.into_iter().chain(["fsync", "redact-key"]) {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    let output = wstape(&["completions", "tcsh"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn bash_takes_its_script_and_completes_a_verb() {
    let script = said(&wstape(&["completions", "bash"]));
    let complete = "COMP_WORDS=(wstape com); COMP_CWORD=1; _wstape wstape com wstape; \
                    echo \"${COMPREPLY[*]}\"";
    let output = Command::new("bash")
        .args(["-c", &format!("{script}\n{complete}")])
        .stdin(Stdio::null())
        .output();
    // A machine without bash has nothing to complete commands with.
    let Ok(output) = output else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "completions\n");
}

#[test]
fn manual_pages_are_written_one_a_verb_and_the_main_one_is_printed() {
    let page = said(&wstape(&["man"]));
    assert!(page.contains(".TH wstape 1"), "{page}");
    let folder = tempfile::tempdir().expect("a folder");
    let man1 = folder.path().join("share/man1");
    said(&wstape(&["man", man1.to_str().expect("a path in UTF-8")]));
    for verb in VERBS {
        let page = fs::read_to_string(man1.join(format!("wstape-{verb}.1"))).expect("a page");
        assert!(page.contains(&format!(".TH wstape-{verb} 1")), "{page}");
    }
    assert!(man1.join("wstape.1").exists());

    let file = folder.path().join("file");
    fs::write(&file, "kept").expect("a file");
    let output = wstape(&["man", file.to_str().expect("a path in UTF-8")]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.starts_with("wstape: ") && said.contains("file: File exists"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in [&["completions", "bash"][..], &["man"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_wstape"))
            .args(arguments)
            .stdout(writer)
            .output()
            .expect("the binary runs");
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_asked_for_and_finds_no_room_is_no_success() {
    for arguments in [
        &["overlays"][..],
        &["overlays", "field/caddy-2.11-reload"],
        &["referee", "--list"],
        &["referee", "explain", "R4"],
        &["completions", "bash"],
        &["man"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = Command::new(env!("CARGO_BIN_EXE_wstape"))
            .args(arguments)
            .stdout(full.expect("a device that is full"))
            .output()
            .expect("the binary runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("standard output: No space left"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_port_of_which_nobody_can_be_told_is_an_error_that_names_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let tape = dir.path().join("one.jsonl");
    std::fs::write(&tape, "{\"tape\":1}\n{\"at_ms\":0,\"text\":\"x\"}\n").unwrap();
    let recorded = dir.path().join("recorded.jsonl");
    let serve = ["serve", "--listen", "127.0.0.1:0", tape.to_str().unwrap()];
    let proxy = [
        "proxy",
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        "ws://127.0.0.1:1",
        "--out",
        recorded.to_str().unwrap(),
        "--force",
    ];
    for arguments in [&serve[..], &proxy] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let (reader, closed) = std::io::pipe().expect("a pipe");
        drop(reader);
        for (out, why) in [
            (
                Stdio::from(full.expect("a device that is full")),
                "No space left",
            ),
            (Stdio::from(closed), "Broken pipe"),
        ] {
            let output = Command::new(env!("CARGO_BIN_EXE_wstape"))
                .args(arguments)
                .stdout(out)
                .output()
                .expect("the binary runs");
            let said = String::from_utf8_lossy(&output.stderr);
            let expected = format!(
                "wstape: standard output, where the address to connect to is printed: {why}"
            );
            assert!(said.starts_with(&expected), "{arguments:?}: {said}");
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        }
    }
}

#[test]
fn each_tape_of_the_page_of_protocols_is_sound() {
    let page = include_str!("../../../../docs/protocols.md");
    let tapes: Vec<&str> = page
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(tapes.len(), 3);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("protocol.jsonl");
    for tape in tapes {
        fs::write(&file, tape).expect("the tape is written");
        let checked = wstape(&["check", file.to_str().expect("a path in UTF-8")]);
        assert_eq!(checked.status.code(), Some(0), "{tape}{checked:?}");
    }
}
