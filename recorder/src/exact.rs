//! JSON whose numbers are kept as the decimals that they are, because a float holds only some 16
//! digits: 9007199254740993 and 9007199254740992 would be the same.

use serde_json::Value;
use serde_json::value::RawValue;

/// The only key of the object that stands for a number, and how it is written in JSON.
const NUMBER: &str = "\0";
const WRITTEN: &[u8] = b"\"\\u0000\"";

/// The most zeros that are written out where an exponent would do.
const MAX_ZEROS: i64 = 24;

/// Parses a message; `None` if it is not JSON. Each number becomes an object that compares by its
/// value, so 1, 1.0 and 1e0 are the same. A message that has that object's key itself is taken as it
/// is, with floats.
pub(crate) fn parse(json: &[u8]) -> Option<Value> {
    if json.windows(WRITTEN.len()).any(|part| part == WRITTEN) {
        return serde_json::from_slice(json).ok();
    }
    let mut marked = Vec::with_capacity(json.len() + json.len() / 4);
    let mut rest = json;
    while let Some((first, after)) = rest.split_first() {
        let length = match first {
            b'"' => string(rest),
            b'-' | b'0'..=b'9' => {
                let is_part =
                    |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let length = rest.iter().take_while(|byte| is_part(byte)).count();
                let number = std::str::from_utf8(&rest[..length]).ok()?;
                // What is no number by JSON's rules makes the message none of JSON.
                serde_json::from_str::<&RawValue>(number).ok()?;
                marked.extend_from_slice(b"{\"\\u0000\":\"");
                marked.extend_from_slice(plain(number).as_bytes());
                marked.extend_from_slice(b"\"}");
                rest = &rest[length..];
                continue;
            }
            _ => 1,
        };
        marked.extend_from_slice(&rest[..length]);
        rest = if length == 1 { after } else { &rest[length..] };
    }
    serde_json::from_slice(&marked).ok()
}

/// The number that an object stands for.
pub(crate) fn number(value: &Value) -> Option<&str> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.get(NUMBER)?.as_str()
}

/// The JSON text of a value, with its numbers in it.
pub(crate) fn text(value: &Value) -> String {
    if let Some(number) = number(value) {
        return number.to_owned();
    }
    match value {
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(text).collect();
            format!("[{}]", list.join(","))
        }
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                format!("{}:{}", Value::from(key.as_str()), text(value))
            };
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

/// How many bytes the string is long that this begins with.
fn string(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// A number in the one way of writing that all numbers of its value share.
fn plain(number: &str) -> String {
    let (sign, unsigned) = match number.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", number),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let zeros = significant.len();
    let significant = significant.trim_end_matches('0');
    let zeros = zeros - significant.len();
    let moved = |by: usize| i64::try_from(by).ok();
    let exponent = exponent.parse::<i64>().ok();
    let exponent = exponent.and_then(|by| by.checked_sub(moved(fraction.len())?));
    let Some(exponent) = exponent.and_then(|by| by.checked_add(moved(zeros)?)) else {
        // Beyond all that is computed with: as it is written.
        return number.to_owned();
    };
    let length = i64::try_from(significant.len()).unwrap_or(i64::MAX);
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    match exponent {
        0..=MAX_ZEROS => format!("{sign}{significant}{}", zeros(exponent)),
        _ if exponent < 0 && exponent > -length => {
            let (whole, fraction) =
                significant.split_at(usize::try_from(length + exponent).unwrap_or_default());
            format!("{sign}{whole}.{fraction}")
        }
        _ if exponent < 0 && length.saturating_add(exponent) >= -MAX_ZEROS => {
            format!("{sign}0.{}{significant}", zeros(-length - exponent))
        }
        _ => format!("{sign}{significant}e{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_way_of_writing() {
        for (numbers, written) in [
            (&["1", "1.0", "1e0", "10e-1", "0.1E+1"][..], "1"),
            (&["0", "-0", "0.00", "0e99", "-0e-9"], "0"),
            (&["9007199254740993"], "9007199254740993"),
            (&["-1500", "-1.5e3", "-15E2"], "-1500"),
            (&["1.25", "125e-2", "0.0125e2"], "1.25"),
            (&["0.001", "1e-3", "0.0010"], "0.001"),
            (&["1e400", "10e399"], "1e400"),
            (&["12e-400", "1.2e-399"], "12e-400"),
            (&["1e99999999999999999999"], "1e99999999999999999999"),
        ] {
            for number in numbers {
                assert_eq!(plain(number), written, "{number}");
            }
        }
    }

    #[test]
    fn what_is_no_json_stays_none_and_what_is_keeps_its_text() {
        for json in ["1-2", "01", "[1 2]", "{\"a\":.5}", "1.", "\"a", "{", ""] {
            assert_eq!(parse(json.as_bytes()), None, "{json}");
        }
        for json in [
            r#"{"a":[1,-2.5,{"b":"3 \" 4"}],"c":null,"d":1e400}"#,
            r#"["a\u0000b",1.25]"#,
            "\"1\"",
            "7",
        ] {
            assert_eq!(text(&parse(json.as_bytes()).unwrap()), json);
        }
        assert_ne!(parse(b"1"), parse(b"\"1\""));
    }
}
