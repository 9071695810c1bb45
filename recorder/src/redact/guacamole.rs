//! Redacts Apache Guacamole's instructions: elements preceded by their length in characters, as in
//! `7.connect,9.localhost,4.5900;`. The arguments of a `connect` have no names, so all of them
//! count as part of the login.

use std::ops::Range;

use super::registry::SecretRegistry;

/// Begins a connection, with all arguments of the remote desktop in a fixed order.
const CONNECT: &str = "connect";

/// Data of a stream: a password that was asked for later, a clipboard, a file.
const BLOB: &str = "blob";

/// The index of a blob's data, after the stream's number.
const BLOB_DATA: usize = 2;

/// The beginning of the version that a client speaks.
const VERSION: &str = "VERSION_";

/// The instructions in a text, each with the positions of its elements; `None` for any other text.
fn instructions(text: &str) -> Option<Vec<Vec<Range<usize>>>> {
    let mut all = Vec::new();
    let mut elements = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (count, rest) = text[at..].split_once('.')?;
        let count: usize = count.parse().ok()?;
        let start = text.len() - rest.len();
        let (length, _) = rest.char_indices().nth(count)?;
        elements.push(start..start + length);
        match rest.as_bytes().get(length)? {
            b',' => {}
            b';' => all.push(std::mem::take(&mut elements)),
            _ => return None,
        }
        at = start + length + 1;
    }
    (elements.is_empty() && !all.is_empty()).then_some(all)
}

/// Whether a text consists of instructions only.
pub(super) fn is_of_instructions(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && instructions(text).is_some()
}

/// Redacts what a client connects with; `None` if the text holds nothing of the kind.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for elements in instructions(text)? {
        let opcode = elements.first().map_or("", |first| &text[first.clone()]);
        for (index, element) in elements.iter().enumerate() {
            let value = &text[element.clone()];
            let secret = match opcode {
                CONNECT => index > 0,
                BLOB => index == BLOB_DATA,
                _ => false,
            };
            let clean = if secret { hidden(value, secrets) } else { None };
            let value = clean.as_deref().unwrap_or(value);
            let ends = if index + 1 == elements.len() {
                ';'
            } else {
                ','
            };
            out.push_str(&value.chars().count().to_string());
            out.push('.');
            out.push_str(value);
            out.push(ends);
        }
    }
    (out != text).then_some(out)
}

/// The replacement for an argument; `None` if it stays.
fn hidden(value: &str, secrets: &mut SecretRegistry) -> Option<String> {
    if value.is_empty() || value.starts_with(VERSION) || matches!(value, "true" | "false" | "0") {
        return None;
    }
    if value.bytes().all(|b| b.is_ascii_digit()) {
        return Some("0".to_owned());
    }
    Some(secrets.of_login(value.as_bytes(), value))
}

#[cfg(test)]
mod tests {
    use super::super::login::LOGIN;
    use super::*;

    #[test]
    fn what_a_client_connects_with_goes_and_the_instruction_stays_one() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let text = "4.size,4.1024;7.connect,13.VERSION_1_5_0,5.grüße,4.5900,0.,4.true,8.hunter2x;";
        let clean = redact(text, &mut secrets).unwrap();
        let host = secrets.hide("grüße".as_bytes(), LOGIN);
        let word = secrets.hide(b"hunter2x", LOGIN);
        let expected =
            format!("4.size,4.1024;7.connect,13.VERSION_1_5_0,25.{host},1.0,0.,4.true,25.{word};");
        assert_eq!(clean, expected);
        assert_eq!(redact(&clean, &mut secrets), None);
        let blob = redact("4.blob,1.2,12.aHVudGVyMng=;", &mut secrets).unwrap();
        assert!(blob.starts_with("4.blob,1.2,25.redacted-"), "{blob}");
    }

    #[test]
    fn what_is_typed_or_is_no_instruction_stays() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        for text in [
            "5.mouse,3.120,3.240,1.0;3.key,5.65293,1.1;",
            "7.connect,9.localhost",
            "7.connect,8.localhost;",
            "7.connect",
            "1.5",
            "",
        ] {
            assert_eq!(redact(text, &mut secrets), None, "{text}");
        }
    }
}
