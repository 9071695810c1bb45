//! If something can't be read or written, every verb says what to do about it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

const TAPE: &str = "{\"tape\":1}\n{\"at_ms\":1,\"text\":\"x\"}\n{\"at_ms\":2000,\"end\":true}\n";

/// Runs the program in a folder with a tape, a file and a folder; returns its status and output.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).expect("UTF-8");
    (output.status.code(), said)
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("t.jsonl"), TAPE).expect("written");
    fs::create_dir(folder.path().join("folder")).expect("made");
    folder
}

#[test]
fn a_file_that_is_not_there_and_a_folder_in_its_place_are_said_with_what_to_do() {
    let folder = folder();
    let verbs: &[&[&str]] = &[
        &["serve", "IN", "--listen", "127.0.0.1:0"],
        &[
            "serve",
            "t.jsonl",
            "--listen",
            "127.0.0.1:0",
            "--overlay",
            "IN",
        ],
        &[
            "serve",
            "t.jsonl",
            "--listen",
            "127.0.0.1:0",
            "--cert",
            "IN",
            "--key",
            "IN",
        ],
        &["show", "IN"],
        &["check", "IN"],
        &["journal", "IN"],
        &["diff", "t.jsonl", "IN"],
        &["draw", "IN", "--out", "o"],
        &["trim", "IN", "--from", "1s", "--out", "o"],
        &["redact", "IN", "--out", "o"],
        &["learn", "IN", "--out", "o"],
        &["import", "har", "IN", "--out", "o"],
        &["import", "pcap", "IN", "--out", "o"],
        &["chaos", "merge", "IN"],
        &["tap", "ws://127.0.0.1:1/", "--send", "@IN", "--out", "o"],
    ];
    for verb in verbs {
        for (input, remedy) in [
            (
                "none.jsonl",
                "check its name and the folder that you are in",
            ),
            ("folder", "name a file in that folder"),
        ] {
            let arguments: Vec<String> = verb.iter().map(|it| it.replace("IN", input)).collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let (status, said) = run(folder.path(), &arguments);
            assert_eq!(status, Some(2), "{arguments:?}: {said}");
            assert!(said.contains(input), "{arguments:?}: {said}");
            assert!(said.contains(remedy), "{arguments:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
            assert!(!folder.path().join("o").exists(), "{arguments:?}");
        }
    }
    // These verbs also take a folder of tapes.
    for verb in [
        ["replay", "none.jsonl"].as_slice(),
        &["chaos", "--tape", "none.jsonl"],
    ] {
        let (status, said) = run(folder.path(), verb);
        assert_eq!(status, Some(2), "{said}");
        assert!(said.contains("check its name and the folder"), "{said}");
    }
}

#[test]
fn a_device_without_an_end_is_no_input_and_fills_neither_disk_nor_memory() {
    let folder = folder();
    let verbs: &[&[&str]] = &[
        &["trim", "/dev/zero", "--from", "1s", "--out", "o"],
        &["redact", "/dev/zero", "--out", "o"],
        &["draw", "/dev/zero", "--out", "o"],
        &["chaos", "merge", "/dev/zero"],
        &["referee", "--expect", "/dev/zero", "--only", "R4", "true"],
        &[
            "tap",
            "ws://127.0.0.1:1/",
            "--send",
            "@/dev/zero",
            "--out",
            "o",
        ],
        &[
            "serve",
            "t.jsonl",
            "--cert",
            "/dev/zero",
            "--key",
            "/dev/zero",
        ],
    ];
    for verb in verbs {
        let (status, said) = run(folder.path(), verb);
        assert_eq!(status, Some(2), "{verb:?}: {said}");
        assert!(said.contains("/dev/zero"), "{verb:?}: {said}");
        assert!(!folder.path().join("o").exists(), "{verb:?}");
    }
}

#[test]
fn a_tape_that_finds_no_room_is_not_said_to_play_up_to_there_for_nothing_is_left_of_it() {
    let folder = folder();
    let steps = (0..20_000).map(|n| format!("{{\"at_ms\":{n},\"text\":\"x\"}}\n"));
    let tape = format!("{{\"tape\":1}}\n{}", steps.collect::<String>());
    fs::write(folder.path().join("long.jsonl"), tape).expect("written");
    for verb in [
        "trim long.jsonl --to 19s",
        "redact long.jsonl --redact-key x",
    ] {
        // No file may have more than this many KiB; exceeding it is an error, not a signal.
        let limited = format!("trap '' XFSZ; ulimit -f 8; exec \"$0\" {verb} --out o");
        let output = Command::new("bash")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_wstape")])
            .current_dir(folder.path())
            .output()
            .expect("a shell runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{verb}: {said}");
        let expected = "wstape: o: File too large (os error 27); nothing was kept\n";
        assert_eq!(said, expected, "{verb}");
        assert!(!folder.path().join("o").exists(), "{verb}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_said_with_what_to_do() {
    let folder = folder();
    let verbs: &[&[&str]] = &[
        &[
            "serve",
            "t.jsonl",
            "--listen",
            "127.0.0.1:0",
            "--journal",
            "OUT",
        ],
        &[
            "serve",
            "t.jsonl",
            "--listen",
            "127.0.0.1:0",
            "--tls",
            "--tls-ca",
            "OUT",
        ],
        &["draw", "t.jsonl", "--out", "OUT"],
        &["trim", "t.jsonl", "--to", "1s", "--out", "OUT"],
        &["redact", "t.jsonl", "--out", "OUT"],
        &["tap", "ws://127.0.0.1:1/", "--for", "1s", "--out", "OUT"],
        &[
            "proxy",
            "--listen",
            "127.0.0.1:0",
            "--upstream",
            "ws://127.0.0.1:1",
            "--for",
            "1s",
            "--out",
            "OUT",
        ],
    ];
    for verb in verbs {
        for (output, remedy) in [
            ("none/o", "make its folder first"),
            ("folder", "name a file in that folder"),
        ] {
            let arguments: Vec<String> = verb.iter().map(|it| it.replace("OUT", output)).collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let (status, said) = run(folder.path(), &arguments);
            assert_eq!(status, Some(2), "{arguments:?}: {said}");
            assert!(said.contains(output), "{arguments:?}: {said}");
            assert!(said.contains(remedy), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn what_this_user_may_not_do_is_said_with_what_to_do() {
    let folder = folder();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).expect("made");
    fs::copy(
        folder.path().join("t.jsonl"),
        folder.path().join("secret.jsonl"),
    )
    .expect("copied");
    let forbid = |name: &str, mode| {
        let path = folder.path().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    };
    forbid("closed", 0o500);
    forbid("secret.jsonl", 0o000);
    // A user who may do everything is never refused.
    let almighty = fs::read(folder.path().join("secret.jsonl")).is_ok();
    if !almighty {
        let (status, said) = run(folder.path(), &["show", "secret.jsonl"]);
        assert_eq!(status, Some(2), "{said}");
        assert!(
            said.contains("; let this user read it (chmod), or copy it"),
            "{said}"
        );
        let (status, said) = run(folder.path(), &["draw", "t.jsonl", "--out", "closed/o"]);
        assert_eq!(status, Some(2), "{said}");
        assert!(
            said.contains("; name a file where this user may write"),
            "{said}"
        );
    }
    forbid("closed", 0o700);
}

#[test]
fn a_packed_tape_a_folder_and_a_tape_in_a_verbs_place_say_what_to_do() {
    let folder = folder();
    fs::write(folder.path().join("t.gz"), b"\x1f\x8b\x08\x00rest").expect("written");
    fs::write(folder.path().join("t.zst"), b"\x28\xb5\x2f\xfdrest").expect("written");
    for (arguments, sentence) in [
        (
            ["show", "t.gz"].as_slice(),
            "packed with gzip; unpack it first: gunzip FILE",
        ),
        (
            &["show", "t.zst"],
            "packed with zstd; unpack it first: unzstd FILE",
        ),
        (
            &["journal", "t.gz"],
            "packed with gzip; unpack it first: gunzip FILE",
        ),
        (
            &["draw", "t.zst", "--out", "t.html"],
            "packed with zstd; unpack it first: unzstd FILE",
        ),
        (
            &["show", "folder"],
            "wstape: folder: cannot read the tape: Is a directory",
        ),
        (&["t.jsonl"], "`wstape replay t.jsonl` plays it"),
        (&["chaos", "t.jsonl"], "`wstape replay t.jsonl` plays it"),
    ] {
        let (status, said) = run(folder.path(), arguments);
        assert_eq!(status, Some(2), "{said}");
        assert!(said.contains(sentence), "{arguments:?}: {said}");
        assert!(!said.contains("rest"), "bytes that nobody reads: {said}");
    }
}

#[test]
fn what_is_no_duration_is_told_what_one_looks_like_at_every_verb() {
    let folder = folder();
    for arguments in [
        ["tap", "ws://127.0.0.1:1/", "--out", "o", "--for", "soon"].as_slice(),
        &[
            "poll",
            "http://127.0.0.1:1/",
            "--out",
            "o",
            "--every",
            "soon",
        ],
        &["diff", "t.jsonl", "t.jsonl", "--within", "soon"],
        &["replay", "t.jsonl", "--max-virtual", "soon"],
        &["chaos", "--budget", "soon"],
    ] {
        let (status, said) = run(folder.path(), arguments);
        assert_eq!(status, Some(2), "{said}");
        let sentence = "a duration is a number with its unit, such as 250ms, 90s or 1h30m";
        assert!(said.contains(sentence), "{arguments:?}: {said}");
    }
}

/// The disk is not at fault here, and what to do differs from most other errors.
const OTHERS: &[(&[&str], &str)] = &[
    (
        &["show", "binary.jsonl"],
        "is not allowed here; wstape import makes a tape of what another tool wrote",
    ),
    (
        &["serve", "empty.jsonl", "--check"],
        "the file is empty; a tape begins with {\"tape\":1}; the program that writes it has not started",
    ),
    (
        &["show", "journal.jsonl"],
        "it is a journal: wstape journal reads it, and wstape draw draws it",
    ),
    (
        &["journal", "t.jsonl"],
        "t.jsonl: not a journal, but a tape: wstape show says what it holds",
    ),
    (
        &["journal", "binary.jsonl"],
        "as `wstape serve --journal` writes it",
    ),
    (
        &["chaos", "merge", "binary.jsonl"],
        "not UTF-8; expected a file that --result wrote",
    ),
    (
        &["referee", "--expect", "binary.jsonl", "--", "true"],
        "not UTF-8); the same command with --accept rewrites it",
    ),
    (
        &["referee", "compare", "binary.jsonl"],
        "not UTF-8); create it again",
    ),
    (
        &["referee", "--healthy", "journal.jsonl", "--", "true"],
        "it is a journal: wstape journal reads it",
    ),
    (
        &["man", "t.jsonl"],
        "t.jsonl: File exists (os error 17); it is a file, but the pages need a folder",
    ),
    (
        &["serve", "t.jsonl", "--cert", "t.jsonl", "--key", "t.jsonl"],
        "--cert t.jsonl --key t.jsonl: the certificate is not PEM: it holds no certificate; a PEM file has",
    ),
    (
        &["serve", "t.jsonl", "--upstream", "ws://127.0.0.1:1"],
        "tip: a tape replaces the engine; to lay its faults over a real one, use --upstream",
    ),
    (
        &["serve", "t.jsonl", "--record", "r.jsonl"],
        "tip: a tape replaces the engine",
    ),
    (
        &["tap", "http://127.0.0.1:1/ws", "--out", "o"],
        "found http: `wstape poll` records what is only answered by HTTP",
    ),
];

#[test]
fn what_is_another_thing_than_was_meant_is_said_with_what_takes_it() {
    let folder = folder();
    let journal = r#"{"journal":1,"by":"wstape-mock-engine 0.1.0","url":"ws://127.0.0.1:1/ws","up":"2026-11-27T09:30:00Z"}"#;
    for (name, bytes) in [
        ("binary.jsonl", &b"PK\x03\x04\xff\xfe\x00"[..]),
        ("empty.jsonl", b""),
        ("journal.jsonl", journal.as_bytes()),
    ] {
        fs::write(folder.path().join(name), bytes).expect("written");
    }
    for (arguments, remedy) in OTHERS {
        let (status, said) = run(folder.path(), arguments);
        assert_eq!(status, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(remedy), "{arguments:?}: {said}");
    }
}

#[test]
fn an_engine_that_is_not_there_is_said_with_what_to_look_at() {
    let folder = folder();
    for (arguments, remedy) in [
        (
            ["tap", "ws://127.0.0.1:1/ws"],
            "; is the engine running, and is that its address?\n",
        ),
        (
            ["poll", "http://127.0.0.1:1/"],
            "; is the engine running, and is that its address?\n",
        ),
    ] {
        let all = [&arguments[..], &["--for", "1ms", "--out", "o", "--force"]].concat();
        let (status, said) = run(folder.path(), &all);
        assert_eq!(status, Some(1), "{arguments:?}: {said}");
        assert!(said.ends_with(remedy), "{arguments:?}: {said}");
    }
}
