//! Secrets in WebRTC session descriptions (SDP), wherever they are: in a text, in a JSON string, in
//! a protobuf field.

use std::ops::Range;

use memchr::memmem;

use super::login::LOGIN;
use super::places::{FILLING, are_filling, replaced};
use super::registry::SecretRegistry;

/// The texts before a secret (RFC 8839, 5.4; RFC 4568, 9.2).
const PASSWORD: &[u8] = b"a=ice-pwd:";
const CRYPTO: &[u8] = b"a=crypto:";
const KEY: &[u8] = b"inline:";

/// Redacts the passwords and keys of sessions in a text; `None` if there are none.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    replaced(text, places(text.as_bytes()), LOGIN, secrets)
}

/// Like [`redact`], for bytes in another format: each secret is replaced by as many bytes.
pub(super) fn redact_bytes(bytes: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    for place in places(bytes) {
        if !are_filling(&bytes[place.clone()]) {
            // From here on the value is also searched for elsewhere.
            secrets.text(&bytes[place.clone()], LOGIN);
            out[place].fill(FILLING);
        }
    }
    (out != bytes).then_some(out)
}

/// The positions of the passwords and keys, in order.
fn places(bytes: &[u8]) -> Vec<Range<usize>> {
    if memchr::memchr(b'=', bytes).is_none() {
        return Vec::new();
    }
    let passwords = memmem::find_iter(bytes, PASSWORD).map(|at| at + PASSWORD.len());
    let keys = memmem::find_iter(bytes, CRYPTO).filter_map(|at| {
        let line = at..at + value_length(&bytes[at..], b"\r\n\0\"\\");
        let key = memmem::find(&bytes[line], KEY)?;
        Some(at + key + KEY.len())
    });
    let place = |start| start..start + value_length(&bytes[start..], b"\r\n\0\"\\ |;");
    let mut places: Vec<Range<usize>> = passwords.chain(keys).map(place).collect();
    places.retain(|place| !place.is_empty());
    places.sort_by_key(|place| place.start);
    places
}

/// The number of bytes before the first one that ends a value.
fn value_length(bytes: &[u8], ends: &[u8]) -> usize {
    bytes.iter().take_while(|b| !ends.contains(b)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\na=ice-ufrag:Yw2k\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n\
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywj|2^20|1:32\r\n";

    #[test]
    fn password_and_key_go_and_all_else_stays() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let clean = redact(SDP, &mut secrets).unwrap();
        let password = secrets.text(b"asd88fgpdd777uzjYhagZg", LOGIN);
        let key = secrets.text(b"PS1uQCVeeCFCanVmcjkpPywj", LOGIN);
        let expected = SDP
            .replace("asd88fgpdd777uzjYhagZg", &password)
            .replace("PS1uQCVeeCFCanVmcjkpPywj", &key);
        assert_eq!(clean, expected);
        assert_eq!(redact(&clean, &mut secrets), None);
        assert_eq!(redact("a=ice-ufrag:Yw2k\r\na=ice-pwd:", &mut secrets), None);
    }

    #[test]
    fn in_bytes_of_another_form_their_number_stays() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let bytes = [b"\x0a\xff", SDP.as_bytes(), b"\x10\x01"].concat();
        let clean = redact_bytes(&bytes, &mut secrets).unwrap();
        assert_eq!(clean.len(), bytes.len());
        assert!(memmem::find(&clean, b"asd88").is_none() && memmem::find(&clean, b"PS1").is_none());
        assert!(memmem::find(&clean, b"|2^20|").is_some());
        assert_eq!(redact_bytes(&clean, &mut secrets), None);
    }
}
