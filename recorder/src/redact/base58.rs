//! Recognizes private keys by their checksum: Base58 as wallets of Bitcoin and of the XRP Ledger
//! write it.
//!
//! A checksum of 32 bits is not right by accident: neither a name nor an address (which has another
//! version byte) is taken for a key.

use ring::digest::{SHA256, digest};

/// The digits of Bitcoin's Base58, and those of the XRP Ledger's
/// (<https://xrpl.org/docs/references/protocol/data-types/base58-encodings>).
const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const XRP_LEDGER: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/// The length of the checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// The version bytes before a seed of the XRP Ledger, for secp256k1 and for Ed25519.
const XRP_SEEDS: [&[u8]; 2] = [&[0x21], &[0x01, 0xe1, 0x4b]];
const XRP_SEED_BYTES: usize = 16;

/// The version bytes before a private key in the wallet import format: Bitcoin's, its test
/// network's, Litecoin's, Dogecoin's.
const WIF: [u8; 4] = [0x80, 0xef, 0xb0, 0x9e];
const KEY_BYTES: usize = 32;

/// Whether a text has only Base58 digits.
pub(super) fn is_written(text: &str) -> bool {
    let of_base58 = |b: u8| b.is_ascii_alphanumeric() && !b"0OIl".contains(&b);
    text.bytes().all(of_base58)
}

/// Whether a text looks like an account's public key as Solana writes it: 32 bytes in Base58. One
/// in twenty random tokens of that length does too.
pub(super) fn is_public_key(text: &str) -> bool {
    const LENGTHS: std::ops::RangeInclusive<usize> = 43..=44;
    LENGTHS.contains(&text.len()) && is_written(text)
}

/// Whether a text is a private key with a correct checksum.
pub(super) fn is_private_key(text: &str) -> bool {
    // A seed has 29 or 31 digits, a key 51 or 52; other lengths need no calculation.
    match text.len() {
        29 | 31 => checked(text, XRP_LEDGER).is_some_and(|said| is_seed(&said)),
        51 | 52 => checked(text, BITCOIN).is_some_and(|said| is_wif(&said)),
        _ => false,
    }
}

fn is_seed(said: &[u8]) -> bool {
    XRP_SEEDS.iter().any(|version| {
        let seed = said.strip_prefix(*version);
        seed.is_some_and(|seed| seed.len() == XRP_SEED_BYTES)
    })
}

fn is_wif(said: &[u8]) -> bool {
    /// Follows a private key if its public key is used in compressed form.
    const COMPRESSED: u8 = 1;
    let Some((version, key)) = said.split_first() else {
        return false;
    };
    let key = key
        .strip_suffix(&[COMPRESSED])
        .filter(|_| key.len() > KEY_BYTES)
        .unwrap_or(key);
    WIF.contains(version) && key.len() == KEY_BYTES
}

/// The bytes before the checksum, if that is correct.
fn checked(text: &str, alphabet: &[u8; 58]) -> Option<Vec<u8>> {
    let mut said = decoded(text, alphabet)?;
    let at = said.len().checked_sub(CHECKSUM_BYTES)?;
    let checksum = said.split_off(at);
    let twice = digest(&SHA256, digest(&SHA256, &said).as_ref());
    twice.as_ref().starts_with(&checksum).then_some(said)
}

/// Decodes a Base58 number. Leading zeros are not needed here.
fn decoded(text: &str, alphabet: &[u8; 58]) -> Option<Vec<u8>> {
    // The least significant byte comes first until the end.
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    for digit in text.bytes() {
        let mut carry = alphabet.iter().position(|known| *known == digit)?;
        for byte in &mut bytes {
            carry += usize::from(*byte) * alphabet.len();
            *byte = u8::try_from(carry & 0xff).ok()?;
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push(u8::try_from(carry).ok()?);
        }
    }
    bytes.reverse();
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From public documentation: XRP Ledger's master passphrase, Bitcoin's wiki.
    const SEED: &str = "snoPBrXtMeMyMHUVTgbuqAfg1SUTb";
    const KEYS: [&str; 2] = [
        "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
        "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617",
    ];

    #[test]
    fn a_key_is_told_by_its_checksum_and_what_differs_by_a_digit_is_none() {
        for key in KEYS
            .into_iter()
            .chain([SEED, "sEdTM1uX8pu2do5XvTnutH6HsouMaM2"])
        {
            assert!(is_private_key(key), "{key}");
            let last = if key.ends_with('b') { "c" } else { "b" };
            let other = format!("{}{last}", &key[..key.len() - 1]);
            assert!(!is_private_key(&other), "{other}");
        }
        for open in [
            // An account, a transaction's ID of as many digits, and an empty text.
            "rhub8VRN55s94qWKDv6jmDy1pUykJzF3wq",
            "sssssssssssssssssssssssssssss",
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "",
        ] {
            assert!(!is_private_key(open), "{open}");
        }
    }
}
