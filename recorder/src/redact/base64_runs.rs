//! What a text says in base64, wherever it stands in it and in either alphabet.

/// Shorter runs of base64 digits say nothing that is looked for.
const MIN_RUN_DIGITS: usize = 12;

/// What divides what runs say.
const BETWEEN: u8 = b'\n';

/// What each byte is as a base64 digit.
const DIGITS: [Option<u8>; 256] = {
    let mut digits = [None; 256];
    let mut at = 0;
    while at < 26 {
        digits[b'A' as usize + at as usize] = Some(at);
        digits[b'a' as usize + at as usize] = Some(at + 26);
        if at < 10 {
            digits[b'0' as usize + at as usize] = Some(at + 52);
        }
        at += 1;
    }
    digits[b'+' as usize] = Some(62);
    digits[b'-' as usize] = Some(62);
    digits[b'/' as usize] = Some(63);
    digits[b'_' as usize] = Some(63);
    digits
};

/// What each run of base64 digits says, read from each of the four places at which its groups may
/// begin: three bytes for each byte of a text at most.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.iter().take_while(|b| DIGITS[**b as usize].is_some());
        let run = run.count();
        if run >= MIN_RUN_DIGITS {
            for start in 0..4 {
                decode(&rest[start..run], &mut said);
                said.push(BETWEEN);
            }
        }
        let other = rest[run..].iter();
        let other = other.take_while(|b| DIGITS[**b as usize].is_none());
        rest = &rest[run + other.count()..];
    }
    said
}

fn decode(digits: &[u8], said: &mut Vec<u8>) {
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits.iter().filter_map(|b| DIGITS[*b as usize]) {
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            said.push((bits >> count).to_le_bytes()[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_in_base64_is_read_wherever_it_begins(
            text in proptest::collection::vec(any::<u8>(), 12..60),
            before in "[a-z]{0,5}",
        ) {
            for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                let said = decoded(format!("\"{before}{encoded}\"").as_bytes());
                prop_assert!(memchr::memmem::find(&said, &text).is_some());
            }
        }
    }
}
