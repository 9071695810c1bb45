//! Tests which values the rules match, and what becomes of them and of everything else.

use super::super::placeholder;
use super::*;

/// The edited text, with a star for each string's placeholder and a hash for each number's.
fn edited(rules: &Rules, text: &str) -> String {
    let mut secrets = SecretRegistry::new(&[1; 32]);
    let edited = JsonRedactor::new(rules, false).edit(text.as_bytes(), &mut secrets);
    let edited = edited.map_or_else(|| text.to_owned(), |e| String::from_utf8(e).unwrap());
    let out = placeholder::starred(&edited);
    // The original numbers in these tests have few digits.
    let mut shown = String::new();
    for part in out.split_inclusive(|c: char| !c.is_ascii_digit() && c != '.') {
        let digits = part.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.');
        shown.push_str(if digits.len() > 4 { "#" } else { digits });
        shown.push_str(&part[digits.len()..]);
    }
    shown
}

#[test]
fn a_key_is_redacted_wherever_it_stands_and_all_other_bytes_stay() {
    let rules = Rules::default().key("wallet");
    for (text, expected) in [
        (r#"{"wallet":"a" , "b":1}"#, r#"{"wallet":"*" , "b":1}"#),
        (
            r#"{ "Wallet" : 1,"wallets":1}"#,
            r#"{ "Wallet" : #,"wallets":1}"#,
        ),
        (
            r#"[[{"a":{"wallet":true}}]]"#,
            r#"[[{"a":{"wallet":false}}]]"#,
        ),
        (r#"{"wallet":null}"#, r#"{"wallet":null}"#),
        (r#"{"w\u0061llet":"a"}"#, r#"{"w\u0061llet":"*"}"#),
        (
            r#"{"wallet":"a","wallet":"b"}"#,
            r#"{"wallet":"*","wallet":"*"}"#,
        ),
        (r#"{"wallet":"a \" b"}"#, r#"{"wallet":"*"}"#),
        (r#"{"a":"wallet","b":"c"}"#, r#"{"a":"wallet","b":"c"}"#),
        (
            r#"{"a":"{\"wallet\":\"b\"}"}"#,
            r#"{"a":"{\"wallet\":\"*\"}"}"#,
        ),
        (
            r#"{"a":"{\"b\":\"{\\\"wallet\\\":1}\"}"}"#,
            r#"{"a":"{\"b\":\"{\\\"wallet\\\":#}\"}"}"#,
        ),
    ] {
        assert_eq!(edited(&rules, text), expected, "{text}");
    }
}

#[test]
fn what_is_in_a_redacted_container_is_redacted_piece_by_piece() {
    let rules = Rules::default().key("w");
    for (text, expected) in [
        (
            r#"{"w":["a",1,null,true,[]],"b":1}"#,
            r#"{"w":["*",#,null,false,[]],"b":1}"#,
        ),
        (
            r#"{"w":{"size":1,"0xabc":{"x":"y"}},"b":"c"}"#,
            r#"{"w":{"size":#,"*":{"x":"*"}},"b":"c"}"#,
        ),
        (r#"{"w":{},"b":[]}"#, r#"{"w":{},"b":[]}"#),
    ] {
        assert_eq!(edited(&rules, text), expected, "{text}");
    }
}

#[test]
fn what_breaks_off_or_is_no_json_is_redacted_as_far_as_it_goes() {
    let rules = Rules::default().key("w");
    for (text, expected) in [
        (r#"{"w":"abc"#, r#"{"w":"*"#),
        (r#"{"w":"abc\"#, r#"{"w":"*"#),
        (r#"{"w":[1,"ab"#, r#"{"w":[#,"*"#),
        (r#"{"w":"#, r#"{"w":"#),
        (r#"data: {"w":"a"}"#, r#"data: {"w":"*"}"#),
        (r#"{"w":1}{"w":2}]}"w":3"#, r#"{"w":#}{"w":#}]}"w":#"#),
        (r#"{"w":one two,"b":1}"#, r#"{"w":"*","b":1}"#),
        (r#"{"w":"a":"b"}"#, r#"{"w":"*":"b"}"#),
        (r#"{"w":NaN,"b":NaN}"#, r#"{"w":#,"b":NaN}"#),
    ] {
        assert_eq!(edited(&rules, text), expected, "{text}");
    }
}

#[test]
fn a_pointer_leads_to_one_place() {
    let rules = Rules::default().pointer("/data/list/1/w").unwrap();
    let rules = rules.pointer("/data/a~1b").unwrap();
    for (text, expected) in [
        (
            r#"{"data":{"list":[{"w":1},{"w":2,"x":{"w":3}},{"w":4}]}}"#,
            r#"{"data":{"list":[{"w":1},{"w":#,"x":{"w":3}},{"w":4}]}}"#,
        ),
        (
            r#"{"data":{"list":{"1":{"w":"a"}}}}"#,
            r#"{"data":{"list":{"1":{"w":"*"}}}}"#,
        ),
        (
            r#"{"list":[1,{"w":2}],"w":1}"#,
            r#"{"list":[1,{"w":2}],"w":1}"#,
        ),
        (
            r#"{"x":{"data":{"a/b":1}},"data":{"a/b":1}}"#,
            r#"{"x":{"data":{"a/b":1}},"data":{"a/b":#}}"#,
        ),
        (
            r#"{"data":{"x":[[],{}],"a\/b":"c"}}"#,
            r#"{"data":{"x":[[],{}],"a\/b":"*"}}"#,
        ),
    ] {
        assert_eq!(edited(&rules, text), expected, "{text}");
    }
    let whole = Rules::default().pointer("").unwrap();
    assert_eq!(edited(&whole, r#"{"event":"a"}"#), r#"{"event":"*"}"#);
}

#[test]
fn within_data_a_pointer_holds_without_its_first_token_too() {
    let rules = Rules::default().pointer("/data/w").unwrap();
    let mut secrets = SecretRegistry::new(&[1; 32]);
    let text = br#"{"w":"a","data":{"w":"a"}}"#;
    let edited = JsonRedactor::new(&rules, true)
        .edit(text, &mut secrets)
        .unwrap();
    let a = secrets.text(b"a", "a");
    assert_eq!(
        String::from_utf8(edited).unwrap(),
        format!(r#"{{"w":"{a}","data":{{"w":"{a}"}}}}"#)
    );
}

#[test]
fn a_million_brackets_cost_no_stack_and_no_frame_each() {
    let rules = Rules::default().pointer("/data/w").unwrap().key("w");
    let open = "[".repeat(1_000_000);
    let text = format!(r#"{open}{{"w":1}}"#);
    assert!(edited(&rules, &text).ends_with(r#"{"w":#}"#));
}
