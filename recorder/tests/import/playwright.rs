//! Playwright's archives and traces, by its version.

use std::fs;

use wstape_recorder::ImportFormat::Har;

use crate::zipped::zip;
use crate::{import, import_bytes, import_with, input, steps};

#[test]
fn a_trace_of_playwrights_is_read_as_it_is() {
    let tape = import(Har, &input("field/playwright-trace.zip")).unwrap();
    let message = r#""conn":1,"emit":{"event":"heartbeat","ts":"2026-01-01T00:00:01Z","data":{}}}"#;
    assert!(
        steps(&tape).iter().any(|line| line.ends_with(message)),
        "{tape}"
    );
    assert!(tape.contains(r#""path":"/restart""#), "{tape}");
}

/// An archive of one connection, of the writer and the browser of these names, with messages at
/// these times after its beginning.
fn played_by(version: &str, browser: &str, times: [&str; 3]) -> String {
    let messages = times.map(|time| {
        format!(r#"{{"type":"receive","time":1795750565{time},"opcode":1,"data":"x"}}"#)
    });
    format!(
        r#"{{"log":{{"creator":{{"name":"Playwright","version":"{version}"}},
        "browser":{{"name":"{browser}"}},"entries":[{{"startedDateTime":"2026-11-27T03:36:05.495Z",
        "time":1.5,"_resourceType":"websocket","request":{{"url":"ws://h/ws"}},
        "response":{{"status":101}},"_webSocketMessages":[{}]}}]}}}}"#,
        messages.join(",")
    )
}

/// The times of an archive's messages, and what the import says about it.
fn times(archive: &str) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.har");
    fs::write(&path, archive).unwrap();
    let (tape, imported) = import_with(Har, &path, |import| import).unwrap();
    let said = steps(&tape)
        .into_iter()
        .filter(|line| line.contains("\"text\":\"x\""));
    let times = said.map(|line| line.split(',').next().unwrap().replace("{\"at_ms\":", ""));
    (times.collect(), imported.lacks.join("\n"))
}

#[test]
fn the_times_that_playwright_1_61_0_squeezed_are_stretched_and_that_is_said() {
    // 20 ms, 520 ms and 1,520 ms after a beginning at .495_400.
    let squeezed = ["495.42", "495.92", "496.92"];
    let (found, said) = times(&played_by("1.61.0", "chromium", squeezed));
    assert_eq!(found, ["0", "500", "1500"]);
    assert!(
        said.contains("divided by a thousand (microsoft/playwright#41360)"),
        "{said}"
    );
    // What led to 1.61.0 squeezes too, until 19 June 2026.
    let (found, said) = times(&played_by(
        "1.61.0-beta-1781605009000",
        "chromium",
        squeezed,
    ));
    assert_eq!(found, ["0", "500", "1500"]);
    assert!(
        said.contains("Playwright 1.61.0-beta-1781605009000 writes times divided by a thousand"),
        "{said}"
    );
    for (version, browser) in [
        ("1.61.1", "chromium"),
        ("1.61.0", "firefox"),
        ("1.61.0-beta-1782134816000", "chromium"),
        ("1.61.1-beta-1782139630000", "chromium"),
    ] {
        let (found, said) = times(&played_by(version, browser, squeezed));
        assert_eq!(found, ["0.42", "0.92", "1.92"], "{version} {browser}");
        assert!(!said.contains("squeezed"), "{said}");
    }
    // A beginning that can't have been later leaves the rest of the wait.
    let (found, _) = times(&played_by(
        "1.61.0",
        "chromium",
        ["497.5", "497.5005", "498.5"],
    ));
    assert_eq!(found, ["1500", "1500.5", "2500"]);
}

#[test]
fn a_trace_of_an_older_playwright_names_its_messages_otherwise() {
    let entry = |content: &str| {
        format!(
            r#"{{"type":"resource-snapshot","snapshot":{{"startedDateTime":"2026-11-27T03:43:03.538Z",
            "request":{{"url":"ws://h/ws"}},"response":{{"status":101,"content":{{{content}}}}},
            "_resourceType":"websocket"}}}}"#
        )
        .replace('\n', " ")
    };
    let options = |version: &str| {
        format!(
            "{{\"version\":9,\"type\":\"context-options\",\"browserName\":\"chromium\",\
             \"playwrightVersion\":\"{version}\"}}\n"
        )
    };
    let message = |time: &str| {
        format!("{{\"type\":\"receive\",\"time\":1795750983{time},\"opcode\":1,\"data\":\"x\"}}\n")
    };
    let messages = message("538.01") + &message("538.51");
    let log = entry(r#""_sha1":"0a1b.jsonl""#);
    let trace = |version: &str| {
        zip(&[
            ("0-trace.trace", options(version).as_bytes()),
            ("0-trace.network", log.as_bytes()),
            ("resources/0a1b.jsonl", messages.as_bytes()),
        ])
    };
    let tape = import_bytes(Har, &trace("1.61.0")).unwrap();
    assert!(
        tape.contains(r#"{"at_ms":500,"conn":1,"text":"x"}"#),
        "{tape}"
    );
    let tape = import_bytes(Har, &trace("1.62.1")).unwrap();
    assert!(
        tape.contains(r#"{"at_ms":0.51,"conn":1,"text":"x"}"#),
        "{tape}"
    );
}

#[test]
fn a_trace_without_web_sockets_is_told_by_whether_it_names_its_version() {
    let page = r#"{"type":"resource-snapshot","snapshot":{"startedDateTime":"2026-11-28T16:19:17.818Z","request":{"method":"GET","url":"http://h/"},"response":{"status":200}}}"#;
    let said = |options: &str| {
        let trace = zip(&[
            ("trace.trace", options.as_bytes()),
            ("trace.network", page.as_bytes()),
        ]);
        import_bytes(Har, &trace).unwrap_err()
    };
    // As 1.40.0 and 1.55.0, 1.58.0 and 1.65.1 begin it.
    for (options, sentence) in [
        (
            r#"{"version":6,"type":"context-options","browserName":"chromium"}"#,
            "a trace that does not name Playwright's version is of one before 1.61",
        ),
        (
            r#"{"version":8,"type":"context-options","browserName":"chromium","playwrightVersion":"1.58.0"}"#,
            "Playwright 1.58.0 leaves WebSockets out of archives and traces",
        ),
        (
            r#"{"version":10,"type":"context-options","browserName":"chromium","playwrightVersion":"1.65.1"}"#,
            "start recording before the page connects",
        ),
        ("{}", "or with recordHar of Playwright 1.61 or later"),
    ] {
        let said = said(options);
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn ends_that_playwright_leaves_out_are_said_even_where_one_connection_was_given_up() {
    // As 1.65.1 writes them: the second one had invalid UTF-8.
    let entry = |failure: &str| {
        format!(
            r#"{{"startedDateTime":"2026-11-28T16:22:18.923Z","time":250,"_resourceType":"websocket",
            "request":{{"url":"ws://h/ws"}},"response":{{"status":101{failure}}},
            "_webSocketMessages":[{{"type":"receive","time":1795882938950,"opcode":1,"data":"x"}}]}}"#
        )
    };
    let given_up = r#","_failureText":"Could not decode a text frame as UTF-8.""#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.har");
    let said = |creator: &str| {
        let archive = format!(
            r#"{{"log":{{"creator":{{"name":"{creator}","version":"1.65.1"}},"entries":[{},{}]}}}}"#,
            entry(""),
            entry(given_up)
        );
        fs::write(&path, archive).unwrap();
        let (_, imported) = import_with(Har, &path, |import| import).unwrap();
        imported.lacks.join("\n")
    };
    let playwrights = said("Playwright");
    assert!(
        playwrights.contains("1 of 2 connections have no end, because Playwright does not"),
        "{playwrights}"
    );
    // Where another tells of ends, one that has none was open.
    assert_eq!(said("other"), "");
}
