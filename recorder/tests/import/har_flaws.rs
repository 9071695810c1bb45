//! Files that aren't archives, and archives with parts that can't be read.

use wstape_recorder::ImportFormat::Har;

use crate::har::{OPENED, REQUEST, STARTED, archive};
use crate::import_bytes;

#[test]
fn what_is_no_archive_is_one_sentence_that_says_what_to_do() {
    let table: &[(&[u8], &str)] = &[
        (b" \n", "in: expected a HAR, found an empty file"),
        (
            b"{\"log\":{\"entries\":[{",
            "the HAR is cut off here: it was not completely written",
        ),
        (
            b"[]",
            "in: expected a HAR, which is a JSON object with log.entries, found something else",
        ),
        (
            b"[{\"startedDateTime\":\"x\"}]",
            "found a list of entries; put it into one: jq '{log:{entries:.}}' FILE > NEW.har",
        ),
        (
            b"{\"entries\":[]}",
            "found what stands in log; put it into one",
        ),
        (b"<html>", "found a page or XML; export again"),
        (
            b"{\"log\":{\"creator\":{\"name\":\"chrome-har\"},\"entries\":[]}}",
            "chrome-har leaves WebSockets out; record with recordHar of Playwright",
        ),
        (b"{}", "missing field `log`; export one with Export HAR"),
        (b"{\"log\":{}}", "missing field `entries`"),
        (b"{\"log\":{\"entries\":{}}}", "expected a list of entries"),
        (
            b"{\"log\":{\"entries\":[null]}}",
            "found none among 1; record with",
        ),
        (
            b"{\"log\":{\"entries\":[]}}",
            "in: expected an entry with _webSocketMessages, found none among 0; record with",
        ),
        (
            b"{\"log\":{\"entries\":[{},{\"request\":{\"url\":\"http://x/\"}}]}}",
            "found none among 2",
        ),
        (b"{\"log\":{\"entries\":[]}} x", "trailing characters"),
        (
            b"{\"log\":\xff}",
            "in: expected a HAR, which is UTF-8, but it is not at byte 7",
        ),
        (b"PK\x03\x04....", "the zip can't be read"),
        (b"\x1f\x8b\x08", "in: cannot read it: "),
        (b"\x78\xda\x00", "found zlib"),
        (b"\xff\xfe{\x00", "found UTF-16"),
        (b"12:abc", "wstape import mitmproxy"),
    ];
    for (bytes, sentence) in table {
        let said = import_bytes(Har, bytes).unwrap_err();
        assert!(said.contains(sentence), "{}: {said}", bytes.escape_ascii());
    }
}

#[test]
fn a_message_that_is_none_is_named_by_its_place() {
    let message = |message: &str| {
        format!(r#""_webSocketMessages":[{{"type":"send","opcode":1,"data":""}},{message}]"#)
    };
    for (member, sentence) in [
        (
            message("[\"send\",1795478400,1,\"x\"]"),
            "[1]: expected {\"type\", \"time\", \"opcode\", \"data\"}, found something else: not \
             an object",
        ),
        (
            message("7"),
            "in: log.entries[0]._webSocketMessages[1]: expected {\"type\", \"time\", \"opcode\", \"data\"}",
        ),
        (
            message(r#"{"type":"up","opcode":1}"#),
            "[1].type: expected \"send\", \"receive\" or \"error\", found \"up\"",
        ),
        (
            message(r#"{"type":"send","opcode":16}"#),
            "[1].opcode: expected 0 to 15, found \"16\"",
        ),
        (
            message(r#"{"type":"send","opcode":1.5}"#),
            "[1].opcode: expected 0 to 15",
        ),
        (
            message(r#"{"type":"send"}"#),
            "[1].opcode: expected 0 to 15, found none",
        ),
        (
            message(r#"{"type":"send","opcode":2,"data":"?"}"#),
            "[1].data: expected base64",
        ),
        (
            message(r#"{"type":"send","opcode":1,"time":12}"#),
            "[1].time: expected seconds or milliseconds since 1970, found \"12\"",
        ),
        (
            message(r#"{"type":"send","opcode":1,"time":"x"}"#),
            "[1].time: expected seconds",
        ),
        (
            message(r#"{"type":"send","opcode":1,"data":"\ud800"}"#),
            "[1].data: expected a text, found",
        ),
        (
            message(r#"{"type":"send","opcode":1,"data":7}"#),
            "[1].data: expected a text, found \"7\"; the entry is a connection to \"wss://engine\"",
        ),
        (
            message(r#"{"opcode":1}"#),
            "[1].type: expected \"send\", \"receive\" or \"error\", found none",
        ),
        (
            r#""_webSocketMessages":{}"#.into(),
            "._webSocketMessages: expected a list",
        ),
        (
            r#""_webSocketClose":"closed""#.into(),
            "._webSocketClose: expected",
        ),
        (
            r#""_webSocketClose":{"code":70000}"#.into(),
            "._webSocketClose.code: expected a number up to 65535, found \"70000\"",
        ),
        (
            r#""_webSocketClose":{"reason":7}"#.into(),
            "._webSocketClose.reason: expected a text",
        ),
        (
            r#""_webSocketClose":{"timestamp":"x"}"#.into(),
            "._webSocketClose.timestamp: expected seconds",
        ),
    ] {
        let said = import_bytes(
            Har,
            archive(&[STARTED, REQUEST, OPENED, &member]).as_bytes(),
        );
        let said = said.unwrap_err();
        assert!(said.contains(sentence), "{member}: {said}");
    }
}

#[test]
fn what_is_no_part_of_an_archive_is_named_by_its_place() {
    let web_socket = r#""_webSocketMessages":[]"#;
    for (members, sentence) in [
        (
            [REQUEST, OPENED],
            "in: log.entries[0]: expected a startedDateTime, found none",
        ),
        (
            [r#""startedDateTime":"now""#, OPENED],
            ".startedDateTime: expected a date and time (RFC 3339), found \"now\"",
        ),
        (
            [STARTED, r#""response":{"status":7}"#],
            ".response.status: expected the status of an answer, found \"7\"",
        ),
        (
            [STARTED, r#""response":{"headers":{}}"#],
            ".response.headers: expected a list of {\"name\", \"value\"}",
        ),
        (
            [STARTED, r#""request":{"headers":[{"name":"a"}]}"#],
            ".request.headers: expected a list",
        ),
        (
            [r#""startedDateTime":true"#, OPENED],
            "in: log.entries[0].startedDateTime: expected a date and time",
        ),
        (
            [STARTED, r#""time":"soon""#],
            ".time: expected milliseconds, found \"soon\"",
        ),
        (
            [STARTED, r#""timings":[]"#],
            ".timings: expected an object, found \"[]\"",
        ),
        (
            [STARTED, r#""request":"GET /""#],
            ".request: expected an object, found \"GET /\"",
        ),
        (
            [STARTED, r#""request":{"url":7}"#],
            ".request.url: expected a text, found \"7\"",
        ),
        (
            [STARTED, r#""response":101"#],
            ".response: expected an object, found \"101\"",
        ),
        (
            [STARTED, r#""response":{"status":{}}"#],
            ".response.status: expected the status of an answer, found \"{}\"",
        ),
        (
            [STARTED, r#""response":{"content":7}"#],
            ".response.content: expected an object",
        ),
    ] {
        let archive = archive(&[members[0], members[1], web_socket]);
        let said = import_bytes(Har, archive.as_bytes()).unwrap_err();
        assert!(said.contains(sentence), "{members:?}: {said}");
    }
}
