//! The referee's command, used wrongly or interrupted.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Each of these, run in a folder with the files named below, ends with 2 and one sentence that
/// says what is wrong and what to do.
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
    // Without `--`, and with options after the command: it is understood all the same.
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
    // It ended without a dial, so nothing was judged; what it printed shows its environment.
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

/// Starts a referee whose client is this shell script.
fn referee(folder: &Path, words: &[&str], client: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_wstape"))
        .arg("referee")
        .args(words)
        .args(["--", "sh", "-c", client])
        .current_dir(folder)
        .env("WSTAPE", env!("CARGO_BIN_EXE_wstape"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("wstape")
}

fn signal(child: &Child, name: &str) {
    let told = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status();
    assert!(told.expect("kill").success());
}

/// A client that connects, comes back, and records the ids of its processes.
const CLIENT: &str = r#"echo $$ >> pids; exec "$WSTAPE" tap "$ENGINE_URL" --out - --quiet"#;

#[test]
fn a_referee_that_is_told_to_end_gives_the_verdicts_that_it_has_and_names_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let expected = folder.path().join("expected.json");
    fs::write(&expected, "kept").expect("a file");
    let words = ["--only", "E4,R7", "--jobs", "2", "--out", "report"];
    let accept = ["--expect", "expected.json", "--accept"];
    let mut run = referee(folder.path(), &[&words[..], &accept].concat(), CLIENT);
    let mut told = BufReader::new(run.stderr.take().expect("a pipe"));
    // E4 is over in seconds, while R7 refuses for 40 s.
    let mut line = String::new();
    while !line.contains("E4") {
        line.clear();
        assert_ne!(told.read_line(&mut line).expect("a line"), 0, "it ended");
    }
    signal(&run, "TERM");
    let mut rest = String::new();
    told.read_to_string(&mut rest).expect("text");
    let ended = run.wait_with_output().expect("it ends");
    let said = String::from_utf8(ended.stdout).expect("text");
    assert_eq!(ended.status.code(), Some(143), "{said}{rest}");
    assert!(said.contains("pass E4   dialled again"), "{said}");
    let line = said
        .lines()
        .find(|line| line.starts_with("interrupted; not judged: "));
    assert!(line.is_some_and(|line| line.contains("R7")), "{said}");
    let again = "what was not judged: wstape referee --only R7 -- sh -c ";
    assert!(said.contains(again), "{said}");
    assert!(said.ends_with("report: report/index.html\n"), "{said}");

    // None of the client's processes is left.
    let pids = fs::read_to_string(folder.path().join("pids")).expect("its processes");
    assert!(pids.lines().count() >= 3, "{pids}");
    for pid in pids.lines().filter(|_| cfg!(target_os = "linux")) {
        assert!(!Path::new("/proc").join(pid).exists(), "{pid} still runs");
    }
    let read = |name: &str| {
        let path = folder.path().join("report").join(name);
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let results: Value = serde_json::from_str(&read("results.json")).expect("JSON");
    let rows = results["rows"].as_array().expect("rows");
    let row = |id: &str| rows.iter().find(|row| row["id"] == id).expect("a row");
    assert_eq!(row("E4")["verdict"], "pass");
    assert_eq!(row("R7")["verdict"], "n/a");
    assert_eq!(row("R7")["runs"][0]["unplayed"], true);
    let skipped = "<skipped message=\"not judged: the referee was interrupted\"/>";
    assert!(read("junit.xml").contains(skipped));
    assert!(read("index.html").contains("interrupted; not judged: "));
    assert!(read("ctrf.json").contains("\"skipped\""));
    // Half a run does not replace the expected verdicts.
    assert_eq!(fs::read_to_string(&expected).expect("a file"), "kept");
    assert!(
        rest.contains("expected.json is as it was: not all was judged"),
        "{rest}"
    );
}

#[test]
fn a_referee_that_is_interrupted_before_the_first_case_says_that_nothing_was_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = "echo up > up; exec sleep 600";
    let run = referee(folder.path(), &["--only", "E4", "--out", "report"], client);
    while !folder.path().join("up").exists() {
        std::thread::yield_now();
    }
    signal(&run, "INT");
    let ended = run.wait_with_output().expect("it ends");
    let said = String::from_utf8(ended.stderr).expect("text");
    assert_eq!(ended.status.code(), Some(130), "{said}");
    let last = "wstape: nothing was judged: it was interrupted before the first case\n";
    assert!(said.ends_with(last), "{said}");
    assert!(ended.stdout.is_empty());
    let report = fs::read_dir(folder.path().join("report")).expect("the folder");
    assert_eq!(report.count(), 0);
}
