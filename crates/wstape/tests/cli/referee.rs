//! The referee's command, used wrongly.

use std::fs;
use std::process::Command;

/// Each of these, played in a folder with the files that are named below, ends with 2 and one sentence that says what
/// is wrong and what to do.
const WRONG: [(&[&str], &str); 21] = [
    (
        &["--only", "R4,", "--", "true"],
        "an empty name; expected names such as R4,E2",
    ),
    (
        &["--only", "R99", "--", "true"],
        "there is no case R99; `wstape referee --list` lists them",
    ),
    (
        &["--only", "storms", "--", "true"],
        "\"storms\" is not the name of a case: expected one letter",
    ),
    (
        &["--only", "X5", "--", "true"],
        "X5 is not a case of its own: every case asks it",
    ),
    (
        &["--only", "k", "--", "true"],
        "K1 is not a case of its own: every case asks it",
    ),
    (
        &["--only", "R4"],
        "no client given; put the command that starts it last: wstape referee -- python3 client.py",
    ),
    (
        &["--only", "R4", "--", "no-such-client"],
        "no-such-client: No such file or directory (os error 2); is it installed",
    ),
    // Without `--`, and with options behind the command: it is understood all the same.
    (
        &["no-such-client", "client.py", "--only", "R4"],
        "no-such-client: No such file or directory (os error 2); is it installed",
    ),
    (
        &["--only", "R4", "--", "./client.py"],
        "./client.py: Permission denied (os error 13); is it",
    ),
    (
        &["--jobs", "0", "--", "true"],
        "expected a number from 1 to 65535",
    ),
    (
        &["--jobs", "many", "--", "true"],
        "expected a number from 1 to 65535",
    ),
    (
        &["--expect", "missing.json", "--", "true"],
        "there is no file missing.json; the same command with --accept writes it",
    ),
    (
        &["--expect", "damaged.json", "--", "true"],
        "damaged.json does not hold verdicts such as {\"R4\":\"pass\"}",
    ),
    (
        &["--expect", "verdicts.json", "--", "true"],
        "unknown variant `passed`",
    ),
    (
        &["--healthy", "nosuch", "--", "true"],
        "no healthy tape of that name; there are events, jsonrpc,",
    ),
    (
        &["--healthy", ".", "--", "true"],
        "\".\" is a folder, but --healthy takes a file",
    ),
    (
        &["--out", "damaged.json", "--", "true"],
        "damaged.json is a file, but --out needs a folder",
    ),
    (
        &["--cases", "nowhere", "--list"],
        "there is no folder nowhere; --cases needs one",
    ),
    (
        &["--cases", "empty", "--", "true"],
        "empty holds no case; a case is a file NAME.jsonl",
    ),
    (
        &["compare", "missing.json"],
        "there is no file missing.json; `wstape referee --out DIR -- COMMAND` writes",
    ),
    (
        &["compare", "damaged.json"],
        "damaged.json is not a results.json of `wstape referee --out DIR`",
    ),
];

#[test]
fn what_is_told_wrong_is_said_in_a_sentence_with_the_next_step_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    put("damaged.json", "{\"R4\":");
    put("verdicts.json", "{\"R4\":\"passed\"}");
    put("client.py", "");
    fs::create_dir(folder.path().join("empty")).expect("a folder");
    for (words, expected) in WRONG {
        let run = Command::new(env!("CARGO_BIN_EXE_wstape"))
            .arg("referee")
            .args(words)
            .current_dir(folder.path())
            .output()
            .expect("wstape");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(expected), "{words:?}: {said}");
        assert!(run.stdout.is_empty(), "{words:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 4);
}

#[test]
fn the_client_of_a_shell_that_names_a_proxy_dials_the_engine_and_not_the_proxy() {
    // Nothing listens there: a client that goes through it connects to nobody.
    let proxy = "http://127.0.0.1:9";
    let client = r#"case ",$NO_PROXY,|,$no_proxy," in *,127.0.0.1,*"|"*,127.0.0.1,*) echo "kept: $NO_PROXY" >&2;; esac; exit 3"#;
    let run = Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(["referee", "--only", "R4", "--", "sh", "-c", client])
        .env("http_proxy", proxy)
        .env("NO_PROXY", "internal.example")
        .env_remove("no_proxy")
        .output()
        .expect("wstape");
    let said = String::from_utf8_lossy(&run.stderr);
    // It ended without a dial, so that nothing was judged; what it printed says what it was told.
    assert_eq!(run.status.code(), Some(3), "{said}");
    let kept = "kept: internal.example,127.0.0.1,localhost";
    assert!(said.contains(kept), "{said}");
}

#[test]
fn a_case_that_waits_for_ten_minutes_is_listed_with_long_alone() {
    let listed = |words: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_wstape"))
            .args(["referee", "--list", "--only", "L1"])
            .args(words)
            .output()
            .expect("wstape");
        String::from_utf8_lossy(&run.stdout).lines().count()
    };
    assert_eq!((listed(&[]), listed(&["--long"])), (1, 2));
}

#[test]
fn what_is_asked_in_every_case_is_explained_as_any_other() {
    for id in ["X5", "k1", "K2", "R4"] {
        let run = Command::new(env!("CARGO_BIN_EXE_wstape"))
            .args(["referee", "explain", id])
            .output()
            .expect("wstape");
        let said = String::from_utf8_lossy(&run.stdout);
        assert_eq!(run.status.code(), Some(0), "{id}");
        for word in ["Asked: ", "Why: ", "Good clients: ", "Play it: "] {
            assert!(said.contains(word), "{id}: {said}");
        }
    }
}
