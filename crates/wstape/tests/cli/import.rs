//! `wstape import` reads the same from standard input as from a file.

use std::path::{Path, PathBuf};

/// Returns the path of a file that another tool wrote.
fn input(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../recorder/tests/inputs")
        .join(name)
}

#[test]
fn what_comes_by_standard_input_becomes_the_same_tape() {
    for (format, name) in [("har", "chrome.har"), ("mitmproxy", "mitmproxy.flows")] {
        let run = |file: &str| {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_wstape"))
                .args(["import", format, file, "--out", "-"])
                .stdin(std::fs::File::open(input(name)).unwrap())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let tape = String::from_utf8(output.stdout).unwrap();
            // The header names the file, and placeholders differ each time.
            let plain = |line: &&str| !line.contains("redacted");
            let lines: Vec<String> = tape.lines().filter(plain).map(str::to_owned).collect();
            lines
        };
        let lines = run("-");
        assert!(lines.len() > 20, "{lines:?}");
        assert_eq!(lines, run(input(name).to_str().unwrap()));
    }
}

#[test]
fn what_is_imported_or_learnt_from_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let har = std::fs::read(input("chrome.har")).unwrap();
    std::fs::write(path("a.har"), &har).unwrap();
    std::os::unix::fs::symlink("a.har", path("soft.har")).unwrap();
    std::fs::hard_link(path("a.har"), path("hard.har")).unwrap();
    for (verb, out) in [
        (&["import", "har", "a.har"][..], "a.har"),
        (&["import", "har", "a.har"], "./a.har"),
        (&["import", "har", "soft.har"], "a.har"),
        (&["import", "har", "a.har"], "soft.har"),
        (&["import", "har", "a.har"], "hard.har"),
        (&["import", "har", "-"], "a.har"),
        (&["learn", "a.har"], "soft.har"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_wstape"))
            .args(verb)
            .args(["--out", out, "--force"])
            .current_dir(folder.path())
            .stdin(std::fs::File::open(path("a.har")).unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let sentence = format!("wstape: {out} is the input; choose another file with --out\n");
        assert_eq!((output.status.code(), said), (Some(2), sentence));
        assert_eq!(std::fs::read(path("a.har")).unwrap(), har);
    }
}

#[test]
fn lines_without_a_word_on_their_time_are_said_to_be_evenly_apart() {
    let folder = tempfile::tempdir().unwrap();
    let feed = folder.path().join("feed.ndjson");
    std::fs::write(&feed, "{\"ts\":1764300000,\"p\":1}\n").unwrap();
    let said = |options: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_wstape"))
            .args(["import", "lines", "--out", "-"])
            .arg(&feed)
            .args(options)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let sentence = "the lines have no known times, so the messages are 100 ms apart; use --time";
    assert!(said(&[]).contains(sentence), "{}", said(&[]));
    for options in [
        &["--time", "/ts"] as &[&str],
        &["--time", "none"],
        &["--every", "1s"],
        &["--layout", "ndjson"],
        &["--quiet"],
    ] {
        assert!(
            !said(options).contains("apart"),
            "{options:?}: {}",
            said(options)
        );
    }
}
