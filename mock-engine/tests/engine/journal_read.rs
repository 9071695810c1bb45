//! Reading journals: lines as they were written, and files that aren't journals.

use wstape_mock_engine::{JournalLine, JournalReader};

#[test]
fn a_journal_is_read_as_it_was_written_and_what_is_unknown_is_skipped() {
    let header = r#"{"journal":1,"by":"x 1","url":"ws://h/ws","up":"2026-01-01T00:00:00Z"}"#;
    let lines = [
        r#"{"at_ms":0,"waited_ms":1.5,"kind":"began"}"#,
        r#"{"at_ms":1,"kind":"dial_refused"}"#,
        r#"{"at_ms":1,"kind":"dial_reset"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"accepted"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"request","method":"GET","path":"/ws?a=1","subprotocols":["a","b"],"headers":{"sec-websocket-protocol":["a","b"],"host":"h"},"cut":true}"#,
        r#"{"at_ms":1,"conn":1,"kind":"upgraded"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"refused","status":503}"#,
        r#"{"at_ms":1,"conn":1,"kind":"hung"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"held"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"garbage_sent","bytes":7}"#,
        r#"{"at_ms":1,"conn":1,"kind":"http_answered","method":"GET","path":"/s","status":200}"#,
        r#"{"at_ms":1,"kind":"sent","what":"risk","to":3}"#,
        r#"{"at_ms":1,"conn":2,"kind":"lost","what":"risk"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"received","frame":"text","text":"é"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"received","frame":"binary","fin":false,"len":9,"binary":"/w=="}"#,
        r#"{"at_ms":1,"conn":1,"kind":"received","frame":"close","code":1000,"text":"bye"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"dropped","end":"fin"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"client_closed"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"client_reset"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"state","text":"pongs withheld"}"#,
        r#"{"at_ms":1,"kind":"down"}"#,
        r#"{"at_ms":1,"kind":"up"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"released","to_client_bytes":5,"from_client_bytes":0}"#,
        r#"{"at_ms":1,"kind":"mark","name":"here"}"#,
        r#"{"at_ms":1,"kind":"expect","expect":{"after_ms":10,"received":{"kind":"text","text":"sub"}}}"#,
        r#"{"at_ms":1,"conn":1,"kind":"overrun"}"#,
        r#"{"at_ms":1,"conn":1,"kind":"protocol_error","text":"reserved opcode"}"#,
        r#"{"at_ms":1,"kind":"note","text":"a remark"}"#,
        r#"{"at_ms":2,"kind":"accepted","times":1204,"over_ms":1000,"what":"accepted","text":"accepted ×1,204 in 1.0 s"}"#,
        r#"{"at_ms":2,"kind":"missing","entries":3}"#,
        r#"{"at_ms":2.001,"kind":"end"}"#,
    ];
    let mut text = format!("{header}\n{}\n", lines.join("\n"));
    text += "{\"at_ms\":3,\"kind\":\"of_tomorrow\",\"x\":[1]}\n{\"at_ms\":4,\"ki";
    let mut reader = JournalReader::new("journal", text.as_bytes()).unwrap();
    let read: Vec<JournalLine> = reader.by_ref().collect::<Result<_, _>>().unwrap();
    let again: Vec<String> = read
        .iter()
        .map(|line| String::from_utf8(line.to_json().unwrap()).unwrap())
        .collect();
    let again: Vec<&str> = again.iter().map(|line| line.trim_end()).collect();
    assert_eq!(again, lines);
    assert_eq!((reader.skipped(), reader.torn()), (1, true));
}

#[test]
fn what_is_no_journal_is_an_error_that_says_what_one_is() {
    let header = r#"{"journal":1,"by":"x","url":"","up":"2026-01-01T00:00:00Z"}"#;
    for (text, says) in [
        (String::new(), "not a journal"),
        ("{\"tape\":1}\n".to_owned(), "not a journal"),
        ("{\"journal\":9}\n".to_owned(), "has version 9"),
        (
            format!("{header}\n{{}}\n"),
            "j:2: the key \"at_ms\" is missing",
        ),
        (
            format!("{header}\n{{\"at_ms\":-1,\"kind\":\"up\"}}\n"),
            "j:2: \"at_ms\" must be milliseconds, found -1",
        ),
        (
            format!("{header}\n{{\"at_ms\":1,\"kind\":\"refused\"}}\n"),
            "j:2: the key \"status\" of \"refused\" is missing or wrong",
        ),
    ] {
        let read = JournalReader::new("j", text.as_bytes());
        let read = read.and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let error = read.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
