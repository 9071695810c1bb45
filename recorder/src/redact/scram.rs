//! Redacts a client's SCRAM messages (RFC 5802), as they are or in base64: user and nonce in the
//! first message, nonce and proof in the last. With the proof, anyone who reads it can try
//! passwords.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::login::LOGIN;
use super::registry::SecretRegistry;

/// The shortest nonce, in bytes.
const MIN_NONCE_BYTES: usize = 8;

/// The longest message, in bytes.
const MAX_BYTES: usize = 4_096;

/// Redacts a text that is a SCRAM message; `None` for any other text.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let said = text.trim();
    if said.len() > MAX_BYTES {
        return None;
    }
    let start = text.find(said)?;
    let from = match place(said) {
        Some(at) => start + at,
        None if is_packed(said) => start,
        None => return None,
    };
    let end = start + said.len();
    let hidden = secrets.text(&text.as_bytes()[from..end], LOGIN);
    Some(format!("{}{hidden}{}", &text[..from], &text[end..]))
}

fn is_packed(text: &str) -> bool {
    let bytes = STANDARD_NO_PAD.decode(text.trim_end_matches('='));
    let said = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    said.is_some_and(|said| place(&said).is_some())
}

/// Where the secret part of a message begins.
fn place(said: &str) -> Option<usize> {
    first(said).or_else(|| last(said))
}

/// The first message, `n,,n=ada,r=…`: channel binding, the identity to act as, then the user.
fn first(said: &str) -> Option<usize> {
    let mut parts = said.splitn(3, ',');
    let (binding, whom, bare) = (parts.next()?, parts.next()?, parts.next()?);
    let binds = matches!(binding, "n" | "y") || binding.starts_with("p=");
    let whom = whom.is_empty() || whom.starts_with("a=");
    let mut fields = bare.split(',').skip_while(|field| field.starts_with("m="));
    let user = fields.next()?.starts_with("n=");
    let nonce = fields.next().is_some_and(is_nonce);
    (binds && whom && user && nonce).then(|| said.len() - bare.len())
}

/// The last message, `c=biws,r=…,p=…`: the channel binding again, in base64, then nonce and proof.
fn last(said: &str) -> Option<usize> {
    let (binding, rest) = said.split_once(',')?;
    let mut fields = rest.split(',');
    let nonce = fields.next().is_some_and(is_nonce);
    let proof = fields
        .next_back()
        .is_some_and(|field| field.starts_with("p="));
    (binding.starts_with("c=") && nonce && proof).then(|| said.len() - rest.len())
}

fn is_nonce(field: &str) -> bool {
    let nonce = field.strip_prefix("r=").unwrap_or_default();
    nonce.len() >= MIN_NONCE_BYTES && nonce.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::super::placeholder;
    use super::*;

    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";

    #[test]
    fn both_messages_of_a_client_go_as_they_are_and_in_base64() {
        let first = format!("n,,n=ada,r={NONCE}");
        let bound = format!("p=tls-unique,a=bob,n=ada,r={NONCE}");
        let last = format!("c=biws,r={NONCE}%hvYDpWUa2RaTC,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgs=");
        for (text, clean) in [
            (first.clone(), "n,,*"),
            (bound, "p=tls-unique,a=bob,*"),
            (last.clone(), "c=biws,*"),
            (STANDARD_NO_PAD.encode(&first), "*"),
            (format!("{}==\n", STANDARD_NO_PAD.encode(&last)), "*\n"),
        ] {
            let mut secrets = SecretRegistry::new(&[1; 32]);
            let found = redact(&text, &mut secrets).expect(&text);
            assert_eq!(placeholder::starred(&found), clean);
            assert_eq!(redact(&found, &mut secrets), None, "{found}");
        }
    }

    #[test]
    fn what_only_begins_so_stays() {
        for text in [
            "n,,n=5,r=2",
            "n,,a note, and n=1",
            "y,x,n=ada,r=rOprNGfwEbeRWgbNEkqO",
            "c=3,r=4,p=5",
            "a,b,c",
            "aGVsbG8gd29ybGQ=",
            "",
        ] {
            let mut secrets = SecretRegistry::new(&[1; 32]);
            assert_eq!(redact(text, &mut secrets), None, "{text}");
        }
    }
}
