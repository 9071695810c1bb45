//! The JSON Schema of a tape's line agrees with the reader, as far as one line goes.

mod keywords;

use std::collections::BTreeSet;
use std::path::Path;

use keywords::valid;
use serde_json::Value;
use wstape_tape::{ACTION_KEYS, Step};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../format/tape.schema.json")).unwrap()
}

fn is_valid(schema: &Value, line: &str) -> bool {
    valid(schema, schema, &serde_json::from_str(line).unwrap())
}

/// The tapes of a folder of this workspace; none if the package stands alone.
fn tapes(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let tapes = paths.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    tapes
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn every_line_of_every_tape_is_valid() {
    let schema = schema();
    let folders = [
        "format",
        "../../fixtures/tapes",
        "../../fixtures/overlays",
        "../../mock-engine/field",
    ];
    let mut lines = 0;
    for line in folders
        .iter()
        .flat_map(|folder| tapes(folder))
        .flat_map(|tape| tape.lines().map(str::to_owned).collect::<Vec<_>>())
    {
        assert!(is_valid(&schema, &line), "{line}");
        lines += 1;
    }
    assert!(lines > 50, "{lines}");
}

#[test]
fn it_knows_each_action_and_no_other_key() {
    let schema = schema();
    let properties = schema
        .pointer("/$defs/step/properties")
        .unwrap()
        .as_object()
        .unwrap();
    let actions = schema
        .pointer("/$defs/step/allOf/1/oneOf")
        .unwrap()
        .as_array()
        .unwrap();
    let named: BTreeSet<&str> = actions
        .iter()
        .map(|one| one["required"][0].as_str().unwrap())
        .collect();
    assert_eq!(
        named,
        BTreeSet::from(ACTION_KEYS),
        "the actions of the table"
    );
    for key in properties.keys() {
        // A key that the reader knows is refused here too, but for its value and not for its name.
        let line = format!(r#"{{"{key}":[[]]}}"#);
        let error = Step::parse("t", 2, &line).unwrap_err();
        assert!(
            !error.message().starts_with("unknown key"),
            "{key}: {error}"
        );
    }
}

/// States take `for_ms`, conditions of a link take `direction`: as the table has it.
#[test]
fn it_lets_a_modifier_stand_where_the_reader_does() {
    let schema = schema();
    let full = include_str!("../../format/full.jsonl");
    for line in full.lines().filter(|line| line.starts_with(r#"{"at_ms""#)) {
        for more in [
            r#""for_ms":5"#,
            r#""direction":"to_client""#,
            r#""instead":true"#,
            r#""every_ms":5"#,
            r#""after_ms":1"#,
            r#""at":1"#,
        ] {
            let key = more.split(':').next().unwrap();
            if line.contains(key) {
                continue;
            }
            let longer = format!("{},{more}}}", line.strip_suffix('}').unwrap());
            let read = Step::parse("t", 2, &longer).is_ok();
            assert_eq!(is_valid(&schema, &longer), read, "{longer}");
        }
    }
}

/// An `expect` is about a frame or about a message, which have different members.
#[test]
fn what_an_expect_may_be_about_is_valid_where_the_reader_takes_it() {
    let schema = schema();
    for (received, valid) in [
        (r#"{"kind":"text","text":"a"}"#, true),
        (r#"{"kind":"close","code":1000}"#, true),
        (r#"{"kind":"fin"}"#, false),
        (r#"{"kind":"open","path":"/"}"#, false),
        (r#"{"contains":"a"}"#, true),
        (r#"{"json":{"op":"ping"},"kind":"text"}"#, true),
        (r#"{"regex":"^a","note":"why"}"#, true),
        (r#"{"jsonpath":"$.op","nth":1}"#, false),
        (r#"{"contains":"a","unmatched":true}"#, false),
        (r#"{"nth":1}"#, false),
        ("{}", false),
    ] {
        let line = format!(r#"{{"at_ms":1,"expect":{{"received":{received}}}}}"#);
        assert_eq!(Step::parse("t", 2, &line).is_ok(), valid, "{line}");
        assert_eq!(is_valid(&schema, &line), valid, "{line}");
    }
}

#[test]
fn a_line_that_the_reader_refuses_is_not_valid() {
    let schema = schema();
    let wrong = [
        r#"{"tape":2}"#,
        r#"{"tape":1,"titel":"x"}"#,
        r#"{"tape":1,"needs":["corrupt"]}"#,
        r#"{"tape":1,"epoch":"yesterday"}"#,
        "{}",
        r#"{"at_ms":1}"#,
        r#"{"text":"x"}"#,
        r#"{"at_ms":1,"text":"x","drop":"fin"}"#,
        r#"{"at_ms":1,"on_connect":1,"text":"x"}"#,
        r#"{"at_ms":-1,"text":"x"}"#,
        r#"{"at_ms":1,"drop":"rst"}"#,
        r#"{"at_ms":1,"end":false}"#,
        r#"{"at_ms":1,"half_close":false}"#,
        r#"{"at_ms":1,"bytes":"a"}"#,
        r#"{"at_ms":1,"ping":7}"#,
        r#"{"at_ms":1,"ping":{"base64":""}}"#,
        r#"{"at_ms":1,"pongs":"no"}"#,
        r#"{"at_ms":1,"close":null}"#,
        r#"{"at_ms":1,"close":{"code":70000}}"#,
        r#"{"at_ms":1,"close":{"reason":"bye"}}"#,
        r#"{"at_ms":1,"frame":{"opcode":16}}"#,
        r#"{"at_ms":1,"frame":{}}"#,
        r#"{"at_ms":1,"frame":{"opcode":1,"rsv":8}}"#,
        r#"{"at_ms":1,"frame":{"opcode":1,"mask":"AA=="}}"#,
        r#"{"at_ms":1,"refuse":{"status":99}}"#,
        r#"{"at_ms":1,"refuse":{}}"#,
        r#"{"at_ms":1,"hang":"yes"}"#,
        r#"{"at_ms":1,"hang":true,"times":0}"#,
        r#"{"at_ms":1,"garbage":{"repeat":2}}"#,
        r#"{"at_ms":1,"partition":true}"#,
        r#"{"at_ms":1,"latency_ms":{"jitter_ms":1}}"#,
        r#"{"at_ms":1,"bytes_per_s":0}"#,
        r#"{"at_ms":1,"slice_bytes":1.5}"#,
        r#"{"at_ms":1,"corrupt":{"flip":0}}"#,
        r#"{"at_ms":1,"corrupt":{"every_bytes":0}}"#,
        r#"{"at_ms":1,"reading":{"room":0}}"#,
        r#"{"at_ms":1,"idle_drop":0}"#,
        r#"{"at_ms":1,"clock":{}}"#,
        r#"{"at_ms":1,"clock":{"ahead_ms":1,"behind_ms":1}}"#,
        r#"{"at_ms":1,"clock":{"ahead_ms":1,"drift_ppm":1000001}}"#,
        r#"{"at_ms":1,"down":{"dials":0}}"#,
        r#"{"at_ms":1,"down":{"dials":"refused"}}"#,
        r#"{"at_ms":1,"down":{"open":"lost"}}"#,
        r#"{"at_ms":1,"down":{"open":"kept","dials":1}}"#,
        r#"{"at_ms":1,"http":{"path":"status","body":""}}"#,
        r#"{"at_ms":1,"http":{"path":"/"}}"#,
        r#"{"at_ms":1,"emit":{"event":1}}"#,
        r#"{"at_ms":1,"emit":{}}"#,
        r#"{"at_ms":1,"text":"","note":1}"#,
        r#"{"at_ms":1,"text":"","conn":0}"#,
        r#"{"at_ms":1,"text":"","probability":0.5}"#,
        r#"{"at_ms":1,"text":"","seed":1,"probability":1.5}"#,
        r#"{"on_connect":"each","after_frames":1,"after_bytes":1,"text":"x"}"#,
        r#"{"on_connect":"each","after_received":{"txt":"ping"},"text":"pong"}"#,
        r#"{"on_message":{"nth":0},"text":"x"}"#,
    ];
    for line in wrong {
        let read = if line.contains("\"tape\"") {
            wstape_tape::Tape::parse("t", &format!("{line}\n")).is_ok()
        } else {
            Step::parse("t", 2, line).is_ok()
        };
        assert!(!read, "the reader takes {line}");
        assert!(!is_valid(&schema, line), "{line}");
    }
}
