//! Scripts for `MockForge`.

use wstape_recorder::ImportFormat::Mockforge;

use crate::{import_bytes, import_with, input, steps};

#[test]
fn what_waits_for_the_client_and_what_is_a_template_is_told() {
    let (_, imported) = import_with(Mockforge, &input("mockforge.jsonl"), |import| import).unwrap();
    assert_eq!((imported.waits, imported.templates), (2, 1));
    assert_eq!((imported.connections, imported.messages), (1, 7));
}

#[test]
fn times_count_from_the_beginning_or_from_the_line_that_they_step_back_from() {
    let script = br#"
{"ts":5,"dir":"out","text":"a"}
{"text":"b"}
{"ts":7.0625,"dir":"out","text":"c"}
{"ts":1,"dir":"out","text":"d"}
{"ts":2e1,"dir":"out","text":"e"}
"#;
    let tape = import_bytes(Mockforge, script).unwrap();
    assert_eq!(
        steps(&tape),
        [
            r#"{"at_ms":0,"conn":1,"accept":{}}"#,
            r#"{"at_ms":5,"conn":1,"text":"a"}"#,
            r#"{"at_ms":5,"conn":1,"text":"b"}"#,
            r#"{"at_ms":7.063,"conn":1,"text":"c"}"#,
            r#"{"at_ms":8.063,"conn":1,"text":"d"}"#,
            r#"{"at_ms":27.063,"conn":1,"text":"e"}"#,
        ]
    );
}

#[test]
fn what_is_no_line_of_a_script_is_named_by_its_line() {
    for (script, sentence) in [
        (
            "",
            r#"in: expected lines of {"ts", "dir", "text"}, found none"#,
        ),
        (
            "\n \n",
            r#"in: expected lines of {"ts", "dir", "text"}, found none"#,
        ),
        (
            "{\"text\":\"a\"}\nnot",
            "in:2: expected {\"ts\", \"dir\", \"text\"} and perhaps \"waitFor\", \"binary\", \
             \"close\", found something else: not an object",
        ),
        (
            "{\"text\":\"a\",\"response\":\"b\"}",
            "unknown field `response`",
        ),
        ("{\"ts\":0,\"dir\":\"out\"}", "missing field `text`"),
        (
            "{\"text\":7}",
            "invalid type: integer `7`, expected a string",
        ),
        ("[0,\"out\",\"a\"]", "found something else: not an object"),
        (
            "{\"ts\":-1,\"text\":\"a\"}",
            "in:1: \"ts\" must be milliseconds since the connection began, found \"-1\"",
        ),
        (
            "{\"ts\":\"1\",\"text\":\"a\"}",
            "\"ts\" must be milliseconds",
        ),
        (
            "{\"ts\":1e99,\"text\":\"a\"}",
            "\"ts\" must be milliseconds",
        ),
        (
            "{\"dir\":\"up\",\"text\":\"a\"}",
            "in:1: \"dir\" must be \"out\" or \"in\", found \"up\"",
        ),
        ("{\"text\":\"a\"}\n{\"text\":\"b", "in:2: "),
        ("{\"text\":\"\\ud800\"}", "in:1: "),
    ] {
        let said = import_bytes(Mockforge, script.as_bytes()).unwrap_err();
        assert!(said.contains(sentence), "{script}: {said}");
    }
    let said = import_bytes(Mockforge, b"{\"text\":\"\xff\"}").unwrap_err();
    assert!(said.starts_with("in:1: "), "{said}");
}

#[test]
fn what_a_line_waits_for_loses_a_login_as_a_message_of_the_client_does() {
    for pattern in [
        r#"{\"connect\":{\"token\":\"Hunter2Geheim9\"},\"id\":1}"#,
        "PASS Hunter2Geheim9",
        r#"[\"auth\",\"Hunter2Geheim9\"]"#,
    ] {
        let script = format!("{{\"text\":\"ok\",\"waitFor\":\"{pattern}\"}}\n");
        let tape = import_bytes(Mockforge, script.as_bytes()).unwrap();
        let waits = steps(&tape).join("\n");
        assert!(waits.contains("\"x-wait-for\":"), "{waits}");
        assert!(!waits.contains("Geheim9"), "{waits}");
    }
}

#[test]
fn a_file_of_another_kind_is_named() {
    for (file, said) in [
        ("{\"tape\":1}\n", "found a tape already"),
        ("{\"log\":{\"entries\":[]}}", "found a HAR"),
    ] {
        let error = import_bytes(Mockforge, file.as_bytes()).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
