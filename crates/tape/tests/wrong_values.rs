//! Each value of the wrong type or out of range is named with what was expected.

use wstape_tape::Step;

/// A member of a step, the column of its flaw, and the sentence.
const WRONG_VALUES: &[(&str, u64, &str)] = &[
    (
        r#""drop":3"#,
        19,
        "\"drop\" must be \"fin\" or \"reset\", found 3",
    ),
    (
        r#""drop":"rst""#,
        19,
        "\"drop\" must be \"fin\" or \"reset\", found \"rst\"",
    ),
    (r#""end":false"#, 18, "\"end\" must be true, found false"),
    (
        r#""text":{}"#,
        19,
        "\"text\" must be a string, found an object",
    ),
    (
        r#""bytes":"a""#,
        20,
        "\"bytes\" must be base64 (A-Z a-z 0-9 + /, padded with =), found \"a\"",
    ),
    (
        r#""ping":7"#,
        19,
        "\"ping\" must be a string or {\"b64\":\"…\"}, found 7",
    ),
    (
        r#""pongs":"no""#,
        20,
        "\"pongs\" must be \"auto\", \"withheld\" or {\"delay_ms\":N}, found \"no\"",
    ),
    (
        r#""close":null"#,
        20,
        "\"close\" must be an object such as {\"code\":1001,\"reason\":\"bye\"}, found null",
    ),
    (
        r#""close":{"code":70000}"#,
        28,
        "\"code\" must be a whole number from 0 to 65535, found 70000",
    ),
    (
        r#""frame":{"opcode":16}"#,
        30,
        "\"opcode\" must be a whole number from 0 to 15, found 16",
    ),
    (
        r#""frame":{}"#,
        20,
        "the key \"opcode\" is missing, as in {\"opcode\":1,\"payload\":\"…\"}",
    ),
    (
        r#""frame":{"opcode":1,"rsv":8}"#,
        38,
        "\"rsv\" must be a whole number from 0 to 7, found 8",
    ),
    (
        r#""frame":{"opcode":1,"mask":"AA=="}"#,
        39,
        "\"mask\" must be four bytes in base64, found \"AA==\"",
    ),
    (
        r#""refuse":{"status":99}"#,
        31,
        "\"status\" must be a whole number from 200 to 599, found 99",
    ),
    (
        r#""refuse":{}"#,
        21,
        "the key \"status\" is missing, as in {\"status\":503}",
    ),
    (
        r#""refuse":{"status":500,"headers":{"a b":"x"}}"#,
        46,
        "\"a b\" is not the name of a header",
    ),
    (
        r#""refuse":{"status":500,"headers":{"a":"x\r\ny"}}"#,
        50,
        "\"a\" must be a header's value, without control characters, found \"x\\r\\ny\"",
    ),
    (
        r#""refuse":{"status":500,"headers":{"a":["x",1]}}"#,
        55,
        "\"a\" must be a string, found 1",
    ),
    (
        r#""hang":"yes""#,
        19,
        "\"hang\" must be true or false, found \"yes\"",
    ),
    (
        r#""hang":true,"times":0"#,
        32,
        "\"times\" must be a whole number from 1 to 4294967295, found 0",
    ),
    (
        r#""garbage":{"repeat":2}"#,
        22,
        "\"garbage\" needs a \"text\" or a \"b64\"",
    ),
    (
        r#""garbage":{"text":"abcd","repeat":16777217}"#,
        22,
        "\"garbage\" of 4 bytes 16777217 times over; at most 64 MiB in all",
    ),
    (
        r#""partition":true"#,
        24,
        "\"partition\" must be \"both\", \"to_client\", \"from_client\" or \"none\", found true",
    ),
    (
        r#""latency_ms":{"jitter_ms":1}"#,
        25,
        "the key \"base_ms\" is missing, as in {\"base_ms\":40,\"jitter_ms\":5}",
    ),
    (
        r#""bytes_per_s":0"#,
        26,
        "\"bytes_per_s\" must be a whole number from 1 to 18446744073709551615, found 0",
    ),
    (
        r#""slice_bytes":1.5"#,
        26,
        "\"slice_bytes\" must be a whole number from 1 to 4294967295, found 1.5",
    ),
    (
        r#""http":{"path":"status","body":""}"#,
        27,
        "\"path\" must be a path that starts with \"/\", without a query or spaces, found \"status\"",
    ),
    (
        r#""http":{"path":"/"}"#,
        19,
        "the key \"body\" is missing; use \"\" for an empty body",
    ),
    (
        r#""received":{}"#,
        23,
        "the key \"kind\" is missing, as in {\"kind\":\"text\",\"text\":\"…\"}",
    ),
    (
        r#""expect":{"mirror":[]}"#,
        31,
        "\"mirror\" must be an object, found an array",
    ),
    (
        r#""expect":{"after_ms":1}"#,
        21,
        "\"expect\" needs a \"mirror\" or a \"received\"",
    ),
    (
        r#""expect":{"received":{"kind":"open"}}"#,
        41,
        "\"kind\" must be \"text\", \"binary\", \"ping\", \"pong\" or \"close\" in an \"expect\", found \"open\"",
    ),
    (
        r#""emit":[]"#,
        19,
        "\"emit\" must be an object such as {\"event\":\"heartbeat\"}, found an array",
    ),
    (
        r#""emit":{"event":1}"#,
        28,
        "\"event\" must be a string, found 1",
    ),
    (
        r#""emit":{}"#,
        19,
        "\"emit\" needs an \"event\" (a string); to send JSON that is no event, use \"text\"",
    ),
    (
        r#""text":"","note":1"#,
        29,
        "\"note\" must be a string, found 1",
    ),
    (
        r#""text":"","conn":0"#,
        29,
        "\"conn\" must be \"all\" or the number of a connection, from 1, found 0",
    ),
    (
        r#""text":"","seed":1,"probability":1.5"#,
        45,
        "\"probability\" must be a number from 0 to 1, found 1.5",
    ),
];

#[test]
fn a_value_of_the_wrong_type_or_range_says_what_was_expected_and_found() {
    for (member, column, sentence) in WRONG_VALUES {
        let step = Step::parse("t.jsonl", 2, &format!("{{\"at_ms\":1,{member}}}"));
        let error = step.expect_err(member);
        assert_eq!(
            (error.message(), error.column()),
            (*sentence, *column),
            "{member}"
        );
    }
}
