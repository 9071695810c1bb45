//! What is redacted is nowhere in a tape, in any form; the rest is unchanged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};
use wstape_recorder::{Redactor, Rules};
use wstape_tape::{Header, Step, TapeReader};

const KEY: [u8; 32] = [7; 32];

fn redactor() -> Redactor {
    let rules = Rules::default().key("wallet").pointer("/data/account");
    Redactor::new(rules.expect("a pointer"), KEY)
}

/// The whole tape of such steps, redacted.
fn redacted(redactor: &mut Redactor, steps: &[String]) -> String {
    let mut tape = redactor.header(Header::new("a test")).to_line() + "\n";
    for (line, step) in (2..).zip(steps) {
        let step = Step::parse("tape", line, step).expect(step);
        tape += &redactor.step(step).to_line();
        tape.push('\n');
    }
    tape
}

/// Everything that a tape says to someone who undoes whatever can be undone: each string of its
/// lines, what that is in base64, what JSON it holds, and so on. Knows nothing of how a scan looks.
fn all_said(tape: &str) -> Vec<String> {
    fn within(value: &Value, said: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    text(name, said);
                    within(value, said);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| within(value, said)),
            Value::String(string) => text(string, said),
            other => said.push(other.to_string()),
        }
    }
    fn text(string: &str, said: &mut Vec<String>) {
        said.push(string.to_owned());
        let bytes = STANDARD
            .decode(string)
            .or_else(|_| URL_SAFE_NO_PAD.decode(string));
        if let Some(decoded) = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok())
            && !decoded.is_empty()
        {
            text(&decoded, said);
        }
        if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(string) {
            within(&value, said);
        }
    }
    let mut said = vec![tape.to_owned()];
    for line in tape.lines() {
        within(&serde_json::from_str(line).expect(line), &mut said);
    }
    said
}

/// Something that is looked for: long enough, not one character again and again, and no part of
/// what the tapes below say anyway.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "0x[0-9a-f]{8,40}",
        "[A-Za-z0-9_-]{10,40}",
        "[ -~]{10,30}",
        "\\PC{10,20}",
        "[\"\\\\/\n%&=+]{3,6}[a-z0-9]{8,12}[\"\\\\/\u{e9}\u{1f600}]{0,4}",
    ]
    .prop_map(|text| format!("{text}#7q"))
}

fn percent_encoded(text: &str) -> String {
    let encoded: Vec<String> = text.bytes().map(|b| format!("%{b:02x}")).collect();
    encoded.concat()
}

/// A step for each place in which a secret may come.
fn steps_with(secret: &str, cut: usize) -> Vec<String> {
    let message = json!({"event": "fill", "data": {"account": secret, "x": [{"wallet": secret}]}});
    let text = message.to_string();
    let inner = json!({"wallet": secret, "x": [secret.len()]}).to_string();
    let nested = json!({"event": "log", "line": inner}).to_string();
    // Python's json writes what is not ASCII as escapes.
    let ascii: String = text
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(b) if b.is_ascii() => char::from(b).to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect();
    let cut = (0..=cut % text.len())
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let (first, last) = text.split_at(cut);
    let b64 = |text: &str| STANDARD.encode(text);
    let percent = percent_encoded(secret);
    let bearer = format!("Bearer {}", b64(secret));
    let url = format!("wss://{percent}:{percent}@engine/ws?token={percent}");
    let step = |action: Value| {
        let mut step = json!({"at_ms": 1});
        step.as_object_mut()
            .unwrap()
            .append(&mut action.as_object().unwrap().clone());
        step.to_string()
    };
    vec![
        format!(r#"{{"at_ms":1, "emit": {text} }}"#),
        format!(r#"{{"at_ms":1,"emit":{ascii}}}"#),
        format!(
            r#"{{"at_ms":1,"emit":{nested},"note":{}}}"#,
            Value::from(url.as_str())
        ),
        step(json!({"text": text})),
        step(json!({"text": format!("not json {text}")})),
        step(json!({"text": nested})),
        step(json!({"binary": b64(&text)})),
        step(json!({"ping": text})),
        step(json!({"frame": {"fin": false, "opcode": 1, "payload": first}})),
        step(json!({"frame": {"opcode": 0, "payload": last}})),
        step(
            json!({"conn": 1, "received": {"kind": "frame", "binary": b64(first), "fin": false, "opcode": 2}}),
        ),
        step(json!({"conn": 1, "received": {"kind": "frame", "binary": b64(last), "opcode": 0}})),
        step(json!({"conn": 1, "received": {"kind": "text", "text": text}})),
        step(json!({"conn": 1, "received": {"kind": "bytes", "binary": b64(secret)}})),
        step(
            json!({"conn": 1, "received": {"kind": "open", "path": format!("/ws?access_token={percent}"), "headers": {"authorization": bearer, "cookie": format!("a={percent}")}}}),
        ),
        step(
            json!({"refuse": {"status": 302, "headers": {"location": url, "x-auth-token": b64(secret)}}}),
        ),
        step(json!({"accept": {"headers": {"set-cookie": [bearer, b64(secret)]}}})),
        step(json!({"garbage": format!("HTTP/1.1 401 No\r\nX-Api-Key: {}\r\n\r\n", b64(secret))})),
        step(
            json!({"http": {"path": "/positions", "body": {"account": secret, "wallet": [secret]}}}),
        ),
        step(json!({"http": {"path": "/raw", "body_b64": b64(&text)}})),
        step(json!({"mark": format!("reconnected to {url}")})),
        step(json!({"close": {"code": 1008, "reason": url}})),
        step(json!({"expect": {"mirror": {"wallet": secret}}})),
    ]
}

proptest! {
    #[test]
    fn no_secret_is_left_in_any_form(secret in secret(), cut in any::<usize>()) {
        let mut redactor = redactor();
        let tape = redacted(&mut redactor, &steps_with(&secret, cut));
        let forms = [secret.clone(), STANDARD.encode(&secret), percent_encoded(&secret)];
        for said in all_said(&tape) {
            for form in &forms {
                prop_assert!(!said.contains(form.as_str()), "{form:?} in {said:?}");
            }
        }
        prop_assert_eq!(redactor.scan(tape.as_bytes()).unwrap(), None);
    }

    #[test]
    fn a_secret_that_stands_elsewhere_is_found_in_any_form_and_not_repeated(
        secret in secret(),
        before in "[a-z ]{0,5}",
        form in 0..8_usize,
        late in any::<bool>(),
    ) {
        let text = format!("{before}{secret} and more");
        let quoted = |text: &str| Value::from(text).to_string();
        let leak = match form {
            0 => text.clone(),
            1 => quoted(&text),
            2 => quoted(&quoted(&text)),
            3 => STANDARD.encode(&text),
            4 => URL_SAFE_NO_PAD.encode(&text),
            5 => percent_encoded(&text),
            6 => STANDARD.encode(quoted(&text)),
            _ => text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat(),
        };
        let known = format!(r#"{{"at_ms":1,"text":{}}}"#, quoted(&json!({"wallet": secret}).to_string()));
        let leaks = format!(r#"{{"at_ms":1,"text":{}}}"#, quoted(&leak));
        let steps = if late { [known, leaks] } else { [leaks, known] };
        let mut redactor = redactor();
        let tape = redacted(&mut redactor, &steps);
        let hit = redactor.scan(tape.as_bytes()).unwrap();
        let Some(hit) = hit else { return Err(TestCaseError::fail(tape)) };
        prop_assert_eq!(hit.line, if late { 3 } else { 2 });
        prop_assert!(hit.what.contains("wallet") && !hit.what.contains(&secret));
        let line = tape.lines().nth(if late { 2 } else { 1 }).unwrap();
        prop_assert_eq!(redactor.line(line.as_bytes()), Some(hit.what));
    }
}

/// A piece of a message: what stays, or a value under a rule.
#[derive(Debug, Clone)]
enum Piece {
    Stays(String),
    Goes(String),
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i32>().prop_map(|n| n.to_string()),
        (-1e6..1e6_f64).prop_map(|x| format!("{x:e}")),
        (-1e6..1e6_f64).prop_map(|x| format!("{x:.2}")),
        "\\PC{0,12}".prop_map(|text| Value::from(text).to_string()),
        Just("true".to_owned()),
        Just("null".to_owned()),
    ]
}

/// A JSON value in pieces, spaced as no serialiser would.
fn value() -> impl Strategy<Value = Vec<Piece>> {
    let leaf = scalar().prop_map(|text| vec![Piece::Stays(text)]);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let member = prop_oneof![
            ("[ \t]{0,2}", "[a-v]{1,6}", inner.clone()).prop_map(|(gap, name, value)| {
                let mut pieces = vec![Piece::Stays(format!("{gap}\"{name}\":{gap}"))];
                pieces.extend(value);
                pieces
            }),
            ("[ \t]{0,2}", scalar()).prop_map(|(gap, value)| {
                vec![
                    Piece::Stays(format!("\"wallet\"{gap}: ")),
                    Piece::Goes(value),
                ]
            }),
        ];
        let joined = |open: &'static str, close: &'static str| {
            move |items: Vec<Vec<Piece>>| {
                let mut pieces = vec![Piece::Stays(open.to_owned())];
                for (at, item) in items.into_iter().enumerate() {
                    if at > 0 {
                        pieces.push(Piece::Stays(" ,".to_owned()));
                    }
                    pieces.extend(item);
                }
                pieces.push(Piece::Stays(close.to_owned()));
                pieces
            }
        };
        prop_oneof![
            proptest::collection::vec(member, 0..4).prop_map(joined("{", "}")),
            proptest::collection::vec(inner, 0..4).prop_map(joined("[", " ]")),
        ]
    })
}

proptest! {
    #[test]
    fn equal_stays_equal_types_are_kept_and_other_bytes_stay(value in value()) {
        let pieces = [
            vec![Piece::Stays(r#"{"event":"x" , "data":"#.to_owned())],
            value,
            vec![Piece::Stays("}".to_owned())],
        ]
        .concat();
        let text: String = pieces
            .iter()
            .map(|piece| match piece { Piece::Stays(text) | Piece::Goes(text) => text.as_str() })
            .collect();
        let before = "{ \"at_ms\":1.50, \"note\":\"kept\",\"emit\":";
        let step = Step::parse("tape", 2, &format!("{before}{text} }}")).unwrap();
        let line = redactor().step(step).to_line();

        let mut rest = line.strip_prefix(before).unwrap();
        let mut placeholders: BTreeMap<String, String> = BTreeMap::new();
        for piece in &pieces {
            match piece {
                Piece::Stays(text) => match rest.strip_prefix(text.as_str()) {
                    Some(after) => rest = after,
                    None => prop_assert!(false, "expected {:?} at {:?}", text, rest),
                },
                Piece::Goes(value) => {
                    let value: Value = serde_json::from_str(value).unwrap();
                    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
                    let placeholder = values.next().unwrap().unwrap();
                    rest = &rest[values.byte_offset()..];
                    let same_type = match (&value, &placeholder) {
                        (Value::Null, Value::Null) | (Value::Bool(_), Value::Bool(false)) => continue,
                        (Value::String(a), Value::String(b)) => a != b,
                        (Value::Number(a), Value::Number(b)) => a.is_f64() == b.is_f64(),
                        _ => false,
                    };
                    prop_assert!(same_type, "{} became {}", value, placeholder);
                    // Numbers are equal by value.
                    let of = |value: &Value| match value.as_f64() {
                        Some(number) => format!("{}", number + 0.0),
                        None => value.to_string(),
                    };
                    let kept = placeholders.entry(of(&value)).or_insert_with(|| of(&placeholder));
                    prop_assert_eq!(&*kept, &of(&placeholder), "{}", value);
                }
            }
        }
        prop_assert_eq!(rest, " }");
        let mut different: Vec<&String> = placeholders.values().collect();
        different.sort();
        different.dedup();
        prop_assert_eq!(different.len(), placeholders.len());
    }
}

#[test]
fn the_projects_own_tapes_hold_no_secret_and_stay_as_they_are() {
    let mut tapes = 0;
    for folder in [
        "fixtures/tapes",
        "fixtures/recordings",
        "fixtures/overlays",
        "crates/tape/format",
        "mock-engine/field",
    ] {
        let all = files(&workspace().join(folder));
        let is_tape = |path: &PathBuf| path.extension().is_some_and(|it| it == "jsonl");
        for path in all.into_iter().filter(is_tape) {
            let mut redactor = Redactor::new(Rules::default(), KEY);
            let hit = redactor.scan(&*fs::read(&path).unwrap()).unwrap();
            assert_eq!(hit, None, "{}", path.display());
            tapes += 1;
            // The one that has every key has cookies too.
            if path.ends_with("full.jsonl") {
                continue;
            }
            for step in TapeReader::open(&path).unwrap() {
                let step = step.unwrap();
                let line = step.to_line();
                assert_eq!(redactor.step(step).to_line(), line, "{}", path.display());
            }
        }
    }
    assert!(tapes > 50, "{tapes}");
}

#[test]
fn payloads_and_timelines_hold_no_secret() {
    for folder in [
        "client/tests/payloads",
        "fixtures/snapshots/tapes",
        "fixtures/snapshots/recordings",
    ] {
        for path in files(&workspace().join(folder)) {
            let redactor = Redactor::new(Rules::default(), KEY);
            let hit = redactor.scan(&*fs::read(&path).unwrap()).unwrap();
            assert_eq!(hit, None, "{}", path.display());
        }
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_line_of_megabytes_is_looked_through_to_its_last_byte() {
    let mut redactor = redactor();
    redactor.remember("the token", "correct-horse-battery");
    for at in [0, (1 << 20) - 10, 1 << 20, (3 << 20) + 12_345] {
        let filling = "x".repeat(at);
        let text = format!("{{\"tape\":1}}\n{filling}correct-horse-battery\n");
        let hit = redactor
            .scan(text.as_bytes())
            .unwrap()
            .expect("it stands there");
        assert_eq!((hit.line, &*hit.what), (2, "the token"), "{at}");
    }
    let clean = format!("{{\"tape\":1}}\n{}\n", "correct-horse ".repeat(300_000));
    assert_eq!(redactor.scan(clean.as_bytes()).unwrap(), None);
}
