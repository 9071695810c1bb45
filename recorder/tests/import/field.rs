//! Archives as people have them: what the tools of 2026 write, made as small as possible.

use std::fs;
use std::io::Write as _;

use wstape_recorder::Import;
use wstape_recorder::ImportFormat::{Capture, Har, Lines as LinesFormat, Mitmproxy};

use crate::{import, import_bytes, import_with, input, steps};

#[test]
fn a_dial_that_chrome_dates_1969_is_placed_by_its_neighbours_and_marked() {
    let tape = import(Har, &input("field/devtools-refused-1969.har")).unwrap();
    let lines = steps(&tape);
    assert!(
        lines[0].contains(r#"{"at_ms":0,"conn":1,"received":{"kind":"open""#),
        "{tape}"
    );
    let second: Vec<&&str> = lines
        .iter()
        .filter(|line| line.contains(r#""conn":2"#))
        .collect();
    // Where the first ended: 1072.3 ms after it began.
    assert!(
        second[0].starts_with(r#"{"at_ms":1072.3,"conn":2,"received":{"kind":"open""#),
        "{tape}"
    );
    assert!(tape.contains("placed between its neighbours"), "{tape}");
    assert!(tape.contains("net::ERR_CONNECTION_REFUSED"), "{tape}");
    assert!(tape.contains(r#""conn":2,"drop":"reset""#), "{tape}");
}

#[test]
fn dials_without_a_date_keep_their_differences_and_never_pass_the_next() {
    let refused = |clock: &str| {
        format!(
            r#"{{"_resourceType":"websocket","startedDateTime":"1969-12-31T23:59:59.000Z",
            "request":{{"url":"ws://h/ws"}},"response":{{"status":0}},"_webSocketMessages":[
            {{"type":"error","time":{clock},"opcode":-1,"data":"refused"}}]}}"#
        )
    };
    let dated = |date: &str| {
        format!(
            r#"{{"_resourceType":"websocket","startedDateTime":"{date}","time":1000,
            "request":{{"url":"ws://h/ws"}},"response":{{"status":101}}}}"#
        )
    };
    let archive = format!(
        r#"{{"log":{{"entries":[{},{},{},{},{}]}}}}"#,
        refused("10.5"),
        dated("2026-11-24T00:00:00Z"),
        refused("20.5"),
        refused("21.25"),
        dated("2026-11-24T00:00:01.5Z"),
    );
    let tape = import_bytes(Har, archive.as_bytes()).unwrap();
    let opens = steps(&tape)
        .into_iter()
        .filter(|line| line.contains(r#""kind":"open""#));
    let times: Vec<&str> = opens.map(|line| line.split(',').next().unwrap()).collect();
    let expected = ["0", "0", "1000", "1500", "1500"].map(|at| format!("{{\"at_ms\":{at}"));
    assert_eq!(times, expected, "{tape}");
}

#[test]
fn a_flaw_of_a_connection_that_is_not_chosen_is_nobodys() {
    let archive = r#"{"log":{"entries":[
        {"startedDateTime":"2026-11-24T00:00:00Z","request":{"url":"ws://h/good"},"response":{"status":101}},
        {"startedDateTime":"2026-11-24T00:00:01Z","request":{"url":"ws://h/bad"},"response":{"status":"x"}}]}}"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.har");
    fs::write(&path, archive).unwrap();
    assert!(
        import(Har, &path)
            .unwrap_err()
            .contains("log.entries[1].response.status")
    );
    for choose in [
        |import: Import| import.entry(1),
        |import: Import| import.url("good"),
    ] {
        let (_, imported) = import_with(Har, &path, choose).unwrap();
        assert_eq!(imported.connections, 1);
    }
}

#[test]
fn a_close_that_is_timed_from_a_processs_start_ends_the_connection_at_its_length() {
    let tape = import(Har, &input("field/httptoolkit-close-relative.har")).unwrap();
    let close = r#"{"at_ms":514.28,"conn":1,"close":{"code":1012,"reason":"service restart"}}"#;
    assert_eq!(steps(&tape).last(), Some(&close), "{tape}");
}

#[test]
fn an_archive_without_ends_says_so_and_each_ends_at_the_next_dial_where_asked() {
    let path = input("field/har-without-ends.har");
    let (tape, imported) = import_with(Har, &path, |import| import).unwrap();
    assert!(
        imported.lacks[0].contains("2 of 2 connections have no end, because Playwright"),
        "{imported:?}"
    );
    assert!(imported.lacks[0].contains("--ends next-dial"));
    assert!(
        tape.lines().next().unwrap().contains("have no end"),
        "{tape}"
    );
    assert!(!tape.contains(r#""drop""#), "{tape}");
    let (tape, _) = import_with(Har, &path, Import::end_at_next_dial).unwrap();
    let first: Vec<&str> = steps(&tape);
    let end = r#"{"at_ms":2046,"conn":1,"drop":"fin"}"#;
    assert!(first.contains(&end), "{tape}");
    assert!(!tape.contains(r#""conn":2,"drop""#), "{tape}");
}

#[test]
fn an_archive_whose_messages_have_no_times_says_so() {
    let archive = r#"{"log":{"creator":{"name":"WebInspector"},"entries":[{"startedDateTime":"2026-11-24T00:00:00Z",
        "request":{"url":"ws://h/ws"},"response":{"status":101},"timings":{"receive":1},
        "_webSocketMessages":[{"type":"receive","opcode":1,"data":"a"}]}]}}"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.har");
    fs::write(&path, archive).unwrap();
    let (_, imported) = import_with(Har, &path, |import| import).unwrap();
    let said = "the messages of 1 of 1 connections have no times";
    assert!(imported.lacks[0].starts_with(said), "{imported:?}");
}

#[test]
fn an_archive_without_messages_says_what_to_record_with() {
    let archive = r#"{"log":{"creator":{"name":"Firefox"},"entries":[{"startedDateTime":"2026-11-24T00:00:00Z",
        "request":{"url":"ws://h/ws"},"response":{"status":101}}]}}"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.har");
    fs::write(&path, archive).unwrap();
    let (_, imported) = import_with(Har, &path, |import| import).unwrap();
    let said = "none of the 1 accepted connections has a message: Firefox and Safari export none";
    assert!(imported.lacks[0].starts_with(said), "{imported:?}");
}

#[test]
fn a_connection_that_the_browser_gave_up_is_reset_with_its_words() {
    let archive = r#"{"log":{"entries":[{"startedDateTime":"2026-11-24T00:00:00Z","time":250,
        "request":{"url":"ws://h/ws"},"response":{"status":101,"_failureText":"Could not decode a text frame as UTF-8."}}]}}"#;
    let tape = import_bytes(Har, archive.as_bytes()).unwrap();
    assert_eq!(
        steps(&tape)[2..],
        [
            r#"{"at_ms":250,"conn":1,"mark":"Could not decode a text frame as UTF-8."}"#,
            r#"{"at_ms":250,"conn":1,"drop":"reset"}"#,
        ]
    );
}

#[test]
fn a_gap_of_years_is_an_error_that_names_both_ends() {
    let entry = |date: &str| {
        format!(
            r#"{{"startedDateTime":"{date}","request":{{"url":"ws://h/ws"}},"response":{{"status":101}}}}"#
        )
    };
    let archive = format!(
        r#"{{"log":{{"entries":[{},{}]}}}}"#,
        entry("2024-01-02T03:04:05Z"),
        entry("2026-11-24T00:00:00Z")
    );
    let said = import_bytes(Har, archive.as_bytes()).unwrap_err();
    assert!(
        said.contains("2026-11-24T00:00:00Z after 2024-01-02T03:04:05Z"),
        "{said}"
    );
}

#[test]
fn a_file_given_as_another_says_which_it_is() {
    let har = fs::read(input("chrome.har")).unwrap();
    let flows = fs::read(input("mitmproxy.flows")).unwrap();
    let capture = fs::read(input("capture/any.pcapng")).unwrap();
    let tape = b"{\"tape\":1}\n{\"at_ms\":0,\"end\":true}\n".to_vec();
    let (as_har, as_flows) = (
        "a HAR; import it with wstape import har",
        "wstape import mitmproxy",
    );
    let (as_capture, as_tape) = (
        "a capture; import it with wstape import pcap",
        "a tape already",
    );
    for (format, bytes, sentence) in [
        (Har, &capture, as_capture),
        (Har, &flows, as_flows),
        (Har, &tape, as_tape),
        (Mitmproxy, &har, as_har),
        (Mitmproxy, &capture, as_capture),
        (Capture, &har, as_har),
        (Capture, &flows, as_flows),
        (LinesFormat, &har, as_har),
        (LinesFormat, &flows, as_flows),
        (LinesFormat, &capture, as_capture),
        (LinesFormat, &tape, as_tape),
    ] {
        let said = import_bytes(format, bytes).unwrap_err();
        assert!(said.contains(sentence), "{format}: {said}");
    }
}

#[test]
fn an_archive_of_pages_packed_with_a_mark_and_carriage_returns_gives_its_sockets() {
    let entry = |url: &str, at: &str, kind: &str| {
        format!(
            "{{\"pageref\":\"page_1\",\"startedDateTime\":\"2026-11-24T00:00:0{at}Z\",\r\n\"request\":\
             {{\"method\":\"GET\",\"url\":\"{url}\"}},\r\n\"response\":{{\"status\":{kind}}}"
        )
    };
    let said = |at: &str, data: &str| {
        format!(
            "{{\"type\":\"receive\",\"time\":1795478400.{at},\"opcode\":1,\"data\":\"{data}\"}}"
        )
    };
    let socket = |url: &str, at: &str, said: &[String]| {
        let messages = said.join(",\r\n");
        format!(
            "{},\"_webSocketMessages\":[{messages}]}}",
            entry(url, at, "101")
        )
    };
    let entries = [
        entry("https://h/index.html", "0", "200") + "}",
        socket("wss://h/a", "0.1", &[said("2", "a1"), said("4", "a2")]),
        entry("https://h/app.js", "0.15", "304") + "}",
        socket("wss://h/b", "0.2", &[said("3", "b1"), said("5", "b2")]),
    ];
    let archive = format!(
        "\u{feff}{{\"log\":{{\"version\":\"1.2\",\r\n\"pages\":[{{\"id\":\"page_1\"}}],\r\n\"entries\":[{}]}}}}",
        entries.join(",\r\n")
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(archive.as_bytes()).unwrap();
    for bytes in [archive.into_bytes(), gzip.finish().unwrap()] {
        let tape = import_bytes(Har, &bytes).unwrap();
        let said: Vec<&str> = steps(&tape)
            .into_iter()
            .filter(|line| line.contains("\"text\""))
            .collect();
        assert_eq!(
            said,
            [
                r#"{"at_ms":100,"conn":1,"text":"a1"}"#,
                r#"{"at_ms":200,"conn":2,"text":"b1"}"#,
                r#"{"at_ms":300,"conn":1,"text":"a2"}"#,
                r#"{"at_ms":400,"conn":2,"text":"b2"}"#,
            ]
        );
    }
}
