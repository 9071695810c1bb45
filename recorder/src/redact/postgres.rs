//! Redacts `PostgreSQL`'s protocol over WebSocket, as drivers speak it through a proxy: the message
//! with which a client gives its password.

use super::login::LOGIN;
use super::registry::SecretRegistry;

/// The major version of the protocol, which the first message has (protocol 3).
const PROTOCOL: u16 = 3;

/// The type of the message that answers the server's request for authentication: a password, an MD5
/// hash, a step of SASL.
const PASSWORD: u8 = b'p';

/// The size of a length field, which counts itself.
const LENGTH_BYTES: usize = 4;

/// Redacts the password in messages; `None` if these are others, or there is no password.
pub(super) fn redact(bytes: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    if let Some((first, behind)) = startup(bytes) {
        out.extend_from_slice(first);
        rest = behind;
    }
    while !rest.is_empty() {
        let (kind, behind) = rest.split_first()?;
        let (body, behind) = body(behind)?;
        if !kind.is_ascii_alphabetic() {
            return None;
        }
        out.push(*kind);
        match password(*kind, body) {
            Some(password) => {
                let placeholder = secrets.text(password, LOGIN);
                let length = u32::try_from(LENGTH_BYTES + placeholder.len() + 1).ok()?;
                out.extend(length.to_be_bytes());
                out.extend_from_slice(placeholder.as_bytes());
                out.push(0);
            }
            None => out.extend_from_slice(&rest[1..rest.len() - behind.len()]),
        }
        rest = behind;
    }
    (out != bytes).then_some(out)
}

/// The message that begins a connection, and what follows it.
fn startup(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, behind) = body(bytes)?;
    let protocol = u16::from_be_bytes([*body.first()?, *body.get(1)?]);
    (protocol == PROTOCOL && body.ends_with(&[0]))
        .then(|| bytes.split_at(bytes.len() - behind.len()))
}

/// The body after a length, and what follows it.
fn body(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    rest.split_at_checked(length.checked_sub(LENGTH_BYTES)?)
}

/// The password in a message, which consists of a single text; a step of SASL does not.
fn password(kind: u8, body: &[u8]) -> Option<&[u8]> {
    let text = body.strip_suffix(&[0])?;
    let is_one = kind == PASSWORD && !text.is_empty() && !text.contains(&0);
    is_one.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(LENGTH_BYTES + body.len()).unwrap();
        [kind, &length.to_be_bytes(), body].concat()
    }

    #[test]
    fn a_password_goes_alone_and_behind_the_message_that_begins() {
        let begins = message(b"", b"\0\x03\0\0user\0ada\0database\0d\0\0");
        let asks = message(b"Q", b"select 1\0");
        for before in [&[][..], &begins] {
            let mut secrets = SecretRegistry::new(&[1; 32]);
            let said = [before, &message(b"p", b"hunter2x\0"), &asks].concat();
            let clean = redact(&said, &mut secrets).unwrap();
            let placeholder = secrets.text(b"hunter2x", LOGIN);
            let password = message(b"p", format!("{placeholder}\0").as_bytes());
            assert_eq!(clean, [before, &password, &asks].concat());
            assert_eq!(redact(&clean, &mut secrets), None);
        }
    }

    #[test]
    fn other_messages_and_torn_ones_stay() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let whole = message(b"p", b"hunter2x\0");
        for length in 0..whole.len() {
            assert_eq!(redact(&whole[..length], &mut secrets), None, "{length}");
        }
        for bytes in [
            message(b"Q", b"select 1\0"),
            message(b"p", b"SCRAM-SHA-256\0\0\0\0\x0cn,,n=*,r=abcd"),
            b"ping".to_vec(),
            b"p\0\0\0\x03".to_vec(),
        ] {
            assert_eq!(redact(&bytes, &mut secrets), None, "{bytes:?}");
        }
    }
}
