//! Archives of writers that copy the browser's protocol, or leave out what a tape needs: written by
//! hand, as small as they go, in the form that the named version writes.

use std::fs;

use wstape_recorder::ImportFormat::Har;
use wstape_recorder::Imported;

use crate::{import_bytes, import_with, steps};

/// An archive's tape, and what the import says about it.
fn imported(archive: &str) -> (String, Imported) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.har");
    fs::write(&path, archive).unwrap();
    import_with(Har, &path, |import| import).unwrap()
}

/// As `chrome-har-capturer` 0.14.4 writes it: messages dated by the browser's own clock, of which
/// the last came `wait` after the beginning.
fn capturers(wait: &str, times: [&str; 2]) -> String {
    let [first, last] = times;
    format!(
        r#"{{"log":{{"creator":{{"name":"Chrome HAR Capturer","version":"0.14.4"}},"entries":[{{
        "startedDateTime":"2026-11-28T16:17:08.655Z","time":{wait},"_resourceType":"websocket",
        "request":{{"method":"GET","url":"ws://h/ws"}},"response":{{"status":101}},
        "timings":{{"blocked":-1,"dns":-1,"connect":-1,"send":0,"wait":{wait},"receive":-1,"ssl":-1}},
        "_webSocketMessages":[{{"type":"send","time":{first},"opcode":1,"data":"a"}},
        {{"type":"receive","time":{last},"opcode":2,"data":"Yg=="}}]}}]}}}}"#
    )
}

#[test]
fn messages_that_the_browsers_clock_dates_are_placed_by_the_last_of_them() {
    for (wait, first, last) in [
        ("260.134", "5.0", "260.134"),
        // No wait, or one that can't be meant: the first message came at once.
        ("-1", "0", "255.134"),
        ("3.5", "0", "255.134"),
    ] {
        let (tape, imported) = imported(&capturers(wait, ["24267.4522", "24267.707334"]));
        let first = first.trim_end_matches(".0");
        assert_eq!(
            steps(&tape)[2..],
            [
                format!(r#"{{"at_ms":{first},"conn":1,"received":{{"kind":"text","text":"a"}}}}"#),
                format!(r#"{{"at_ms":{last},"conn":1,"binary":"Yg=="}}"#),
            ],
            "{wait}"
        );
        // They have times, and the only thing that is missing is the end.
        let [said] = imported.lacks.as_slice() else {
            panic!("{imported:?}");
        };
        assert!(
            said.contains("1 of 1 connections have no end, because Chrome HAR Capturer"),
            "{said}"
        );
    }
    let said = import_bytes(Har, capturers("1", ["-5", "1"]).as_bytes()).unwrap_err();
    assert!(
        said.contains("[0].time: expected a time in seconds, found \"-5\""),
        "{said}"
    );
}

/// As `@neuralegion/cypress-har-generator` 5.17.1 writes it: every entry has a list of messages,
/// they are called requests and responses, and what is closed has a receive time.
const CYPRESS: &str = r#"{"log":{"creator":{"name":"@neuralegion/cypress-har-generator","version":"5.17.1"},"entries":[
{"startedDateTime":"2026-11-28T16:36:07.372Z","time":12.6,"timings":{"wait":7.3,"receive":0.9},
 "request":{"method":"GET","url":"http://h/"},"response":{"status":200},"_resourceType":"Document",
 "_webSocketMessages":[],"_eventSourceMessages":[]},
{"startedDateTime":"2026-11-28T16:36:08.000Z","time":700,"timings":{"send":0,"wait":260,"receive":440},
 "request":{"method":"GET","url":"ws://h/ws"},"response":{"status":101},"_resourceType":"Other",
 "_webSocketMessages":[
 {"type":"request","time":25406.75,"data":"a","opcode":1,"mask":true},
 {"type":"response","time":25407,"data":"Yg==","opcode":2,"mask":false}],"_eventSourceMessages":[]},
{"startedDateTime":"2026-11-28T16:36:09.000Z","time":93,"timings":{"send":0,"wait":92.9,"receive":0.1},
 "request":{"method":"GET","url":"ws://h/ws"},"response":{"status":0},"_resourceType":"Other",
 "_webSocketMessages":[{"time":25407.8929,"type":"error",
 "data":"Error during WebSocket handshake: Unexpected response code: 503","opcode":-1,"mask":false}]},
{"startedDateTime":"1969-12-31T23:59:59.000Z","time":25411581.4,"timings":{"wait":25411581.3,"receive":0.1},
 "request":{"method":"","url":"ws://h/ws"},"response":{"status":0},"_resourceType":"Other",
 "_webSocketMessages":[{"time":25410.581336,"type":"error",
 "data":"Error in connection establishment: net::ERR_CONNECTION_REFUSED","opcode":-1,"mask":false}]}]}}"#;

#[test]
fn an_archive_of_cypresss_recorder_gives_its_sockets_with_their_ends() {
    let (tape, imported) = imported(CYPRESS);
    let open = |at: &str, conn: u8| {
        format!(r#"{{"at_ms":{at},"conn":{conn},"received":{{"kind":"open","path":"/ws"}}}}"#)
    };
    let failed = "Error in connection establishment: net::ERR_CONNECTION_REFUSED";
    assert_eq!(
        steps(&tape),
        [
            &open("0", 1),
            r#"{"at_ms":0,"conn":1,"accept":{}}"#,
            r#"{"at_ms":10,"conn":1,"received":{"kind":"text","text":"a"}}"#,
            r#"{"at_ms":260,"conn":1,"binary":"Yg=="}"#,
            r#"{"at_ms":700,"conn":1,"drop":"fin"}"#,
            &open("1000", 2),
            r#"{"at_ms":1000,"conn":2,"refuse":{"status":503}}"#,
            r#"{"at_ms":1092.9,"conn":2,"mark":"Error during WebSocket handshake: Unexpected response code: 503"}"#,
            &open("1093", 3),
            r#"{"at_ms":1093,"conn":3,"mark":"the archive does not say when this dial was; placed between its neighbours"}"#,
            r#"{"at_ms":1093,"conn":3,"drop":"reset"}"#,
            &format!(r#"{{"at_ms":1093,"conn":3,"mark":"{failed}"}}"#),
        ]
    );
    assert!(imported.lacks.is_empty(), "{imported:?}");
}

#[test]
fn what_stands_in_for_a_message_is_a_mark_and_is_counted() {
    // As httpcrabber 1.4.0 writes it, unless it is told to keep bytes.
    let archive = |creator: &str| {
        format!(
            r#"{{"log":{{"creator":{{"name":"{creator}","version":"1.4.0"}},"entries":[{{
            "startedDateTime":"2026-11-28T16:31:14.396+00:00","time":78.8,"_resourceType":"websocket",
            "request":{{"url":"http://h/ws"}},"response":{{"status":101}},"_webSocketMessages":[
            {{"type":"receive","time":1795883474.496,"opcode":2,"data":"[binary, 5 bytes]"}},
            {{"type":"send","time":1795883474.546,"opcode":1,"data":"[binary, 5 bytes]"}},
            {{"type":"send","time":1795883474.596,"opcode":1,"data":"{{\"a\":...[TRUNCATED]"}},
            {{"type":"receive","time":1795883474.646,"opcode":2,"data":"Yg=="}}]}}]}}}}"#
        )
    };
    let (tape, imported) = imported(&archive("httpcrabber"));
    assert_eq!(
        steps(&tape)[2..],
        [
            r#"{"at_ms":100,"conn":1,"mark":"a message of the engine's is missing here: the archive has [binary, 5 bytes]"}"#,
            r#"{"at_ms":150,"conn":1,"received":{"kind":"text","text":"[binary, 5 bytes]"}}"#,
            r#"{"at_ms":200,"conn":1,"mark":"a message of the client's is missing here: the archive has a long text cut off"}"#,
            r#"{"at_ms":250,"conn":1,"binary":"Yg=="}"#,
        ]
    );
    let said = imported.lacks.join("\n");
    assert!(
        said.contains("2 messages are missing, each with a mark"),
        "{said}"
    );
    // Of any other writer that is no message at all.
    let said = import_bytes(Har, archive("other").as_bytes()).unwrap_err();
    assert!(said.contains("[0].data: expected base64"), "{said}");
}

#[test]
fn an_archive_without_messages_says_what_its_own_writer_leaves_out() {
    // Firefox 153.8 keeps none; Playwright 1.65.1 leaves them out with content: 'omit'.
    for (creator, sentence) in [
        (
            "Firefox",
            "Firefox and Safari export none; record with Chrome's DevTools",
        ),
        (
            "Playwright",
            "Playwright leaves them out with content: 'omit'; record with content: 'embed'",
        ),
    ] {
        let (_, imported) = imported(&format!(
            r#"{{"log":{{"creator":{{"name":"{creator}","version":"1.65.1"}},"entries":[{{
            "startedDateTime":"2026-11-28T16:14:17.731+00:00","request":{{"url":"ws://h/ws"}},
            "response":{{"status":101}}}}]}}}}"#
        ));
        let said = imported.lacks.join("\n");
        assert!(said.contains(sentence), "{said}");
        assert!(said.contains("1 of 1 connections have no end"), "{said}");
    }
}

#[test]
fn an_archive_of_firefoxs_without_sockets_does_not_advise_its_own_devtools() {
    // As 153.8 exports a page by itself once it is loaded, before its script dials.
    let archive = r#"{"log":{"creator":{"name":"Firefox","version":"153.8.0"},"entries":[{
        "startedDateTime":"2026-11-28T16:14:17.263+00:00","request":{"method":"GET","url":"http://h/"},
        "response":{"status":200}}]}}"#;
    let said = import_bytes(Har, archive.as_bytes()).unwrap_err();
    assert!(
        said.contains("found none among 1; if it had one, its messages would still be missing"),
        "{said}"
    );
    assert!(said.contains("record with Chrome's DevTools"), "{said}");
}
