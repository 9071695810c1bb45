//! Recognizes signatures, keys and tokens by their look, whatever their name.

use crate::redact::base58;
use crate::redact::names::is_token_like;
use crate::redact::open_value::is_contract;

/// The fewest hexadecimal digits of a signature or a key.
const MIN_HEX_DIGITS: usize = 64;

/// The fewest characters of a token with letters of both cases and digits; a UUID has fewer.
const MIN_TOKEN_BYTES: usize = 40;

/// Whether a string is 32 bytes in hexadecimal: a hash, a public key, or a private key.
pub(in crate::redact) fn is_hash(value: &str) -> bool {
    let digits = value.strip_prefix("0x").unwrap_or(value);
    digits.len() == MIN_HEX_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a word looks random rather than chosen: it has letters of both cases and digits, and
/// nothing that separates words.
pub(in crate::redact) fn is_drawn(value: &str) -> bool {
    const MIN_BYTES: usize = 12;
    let has = |of: fn(&u8) -> bool| value.bytes().any(|b| of(&b));
    value.len() >= MIN_BYTES
        && value.bytes().all(|b| b.is_ascii_alphanumeric())
        && is_token_like(value, MIN_BYTES)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
}

/// Whether a text is a token and nothing else: long, with letters of both cases and digits, or only
/// hexadecimal digits.
pub(in crate::redact) fn is_bare_token(text: &str) -> bool {
    const MIN_BYTES: usize = 24;
    const MIN_HEX_BYTES: usize = 32;
    let hex = text.len() >= MIN_HEX_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit());
    let cases = text.bytes().any(|b| b.is_ascii_lowercase())
        && text.bytes().any(|b| b.is_ascii_uppercase());
    hex || cases && is_token_like(text, MIN_BYTES)
}

/// Whether a string looks like a signature, a key or a token.
pub(in crate::redact) fn is_signature(value: &str) -> bool {
    let digits = value.strip_prefix("0x").unwrap_or(value);
    if digits.len() >= MIN_HEX_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        // Only decimal digits are a number, such as the ID of an outcome in a prediction market.
        return !digits.bytes().all(|b| b.is_ascii_digit());
    }
    is_token_like(value, MIN_TOKEN_BYTES)
        && value.bytes().any(|b| b.is_ascii_lowercase())
        && value.bytes().any(|b| b.is_ascii_uppercase())
        && !base58::is_public_key(value)
        && !is_content_id(value)
        && !is_contract(value)
        && !is_media(value)
        || is_small_token(value)
        || is_written_key(value)
        || base58::is_private_key(value)
}

/// Whether a string is a token of lowercase letters and digits, as the listen keys of some
/// exchanges are: long, with more than hexadecimal digits, and so mixed that nobody chose it.
/// Public strings that look like this are recognized by how they begin.
fn is_small_token(value: &str) -> bool {
    const MIN_BYTES: usize = 48;
    /// A random string changes between letters and digits at two of five places, words with numbers
    /// in them at one of ten.
    const MIN_SHARE_OF_TURNS: usize = 5;
    let small = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let turn = |two: &&[u8]| two[0].is_ascii_digit() != two[1].is_ascii_digit();
    value.len() >= MIN_BYTES
        && value.bytes().all(small)
        && !value.bytes().all(|b| b.is_ascii_hexdigit())
        && value.as_bytes().windows(2).filter(turn).count() >= value.len() / MIN_SHARE_OF_TURNS
        && !is_public_in_small(value)
}

/// Whether a string of lowercase letters and digits is public: an address in Bech32 (BIP-173), with
/// data after the last 1 that lacks four characters; a content ID of IPFS or a name of IPNS; an
/// address of Filecoin.
fn is_public_in_small(value: &str) -> bool {
    const MAX_PREFIX_BYTES: usize = 16;
    const MIN_DATA_BYTES: usize = 38;
    let bech32 = value.rsplit_once('1').is_some_and(|(prefix, data)| {
        let named = (1..=MAX_PREFIX_BYTES).contains(&prefix.len());
        named
            && prefix.bytes().all(|b| b.is_ascii_lowercase())
            && data.len() >= MIN_DATA_BYTES
            && !data.contains(['b', 'i', 'o'])
    });
    let of_base32 = |b: u8| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b);
    let content = value.starts_with("baf") && value.bytes().all(of_base32);
    let name = value.starts_with("k51qzi5uqu5");
    let filecoin = ["f3", "f2", "f1"].iter().any(|begin| {
        let data = value.strip_prefix(begin);
        data.is_some_and(|data| data.bytes().all(of_base32))
    });
    bech32 && !value.starts_with("nsec1") || content || name || filecoin
}

/// Whether a string is a private key of Nostr or Stellar, which have letters of one case only
/// (NIP-19; SEP-23).
fn is_written_key(value: &str) -> bool {
    const NOSTR: (&str, usize) = ("nsec1", 63);
    const STELLAR: (&str, usize) = ("S", 56);
    let is = |(begin, length): (&str, usize), of: fn(u8) -> bool| {
        value.len() == length && value.starts_with(begin) && value.bytes().all(of)
    };
    let of_bech32 = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let of_base32 = |b: u8| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b);
    let digits = value.bytes().any(|b| b.is_ascii_digit());
    digits && (is(NOSTR, of_bech32) || is(STELLAR, of_base32))
}

/// Whether a string is a content ID of IPFS: SHA-256 in Base58, which always begins like this.
fn is_content_id(value: &str) -> bool {
    const LENGTH: usize = 46;
    value.len() == LENGTH && value.starts_with("Qm") && base58::is_written(value)
}

/// Whether a string is a picture, a document or a sound in base64. It begins like one of these
/// formats, or is longer than any token or signature in use: an RSA signature of 8,192 bits takes
/// 1,366 characters. Only a JSON Web Token may be of any length.
pub(in crate::redact) fn is_media(value: &str) -> bool {
    const MAX_TOKEN_BYTES: usize = 2048;
    /// PNG, GIF, JPEG, WebP and WAV (RIFF), PDF, Ogg.
    const BEGINS: [&str; 6] = [
        "iVBORw0KGgo",
        "R0lGODlh",
        "/9j/4",
        "UklGR",
        "JVBERi0",
        "T2dnUwAC",
    ];
    let long = value.len() > MAX_TOKEN_BYTES && !value.contains('.');
    long || BEGINS.iter().any(|begin| value.starts_with(begin))
}

/// Whether a string is the signature of a Solana transaction: 64 bytes in Base58. Explorers, logs
/// and subscriptions use it as the transaction's ID.
pub(in crate::redact) fn is_transaction(value: &str) -> bool {
    const LENGTHS: std::ops::RangeInclusive<usize> = 86..=88;
    LENGTHS.contains(&value.len()) && base58::is_written(value)
}

/// Whether a string is the call data of a contract: the bytes of a method and its arguments.
pub(in crate::redact) fn is_call_data(value: &str) -> bool {
    let digits = value.strip_prefix("0x").unwrap_or_default();
    digits.len() > MIN_HEX_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_told_by_its_look() {
        let hex = "0f".repeat(32);
        assert!(is_signature(&hex) && is_signature(&format!("0x{hex}")));
        let listen = "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1";
        assert!(is_signature(listen));
        assert!(is_signature("4f8Kz01mQ7xW2nB5vC9dTx7Q4f8Kz01mQ7xW2nB5vC9="));
        for open in [
            "5a1f0b9c-7f0e-4a55-9d0d-2f6d1b7c8e90",
            "0xc64cc00b46101bd40aa1c3121195e85c0b0918d8",
            // Capitals in an address are its checksum (EIP-55).
            "0xdAC17F958D2ee523a2206206994597C13D831ec7",
            "/contractMarket/level2Depth50:XBTUSDTM,ETHUSDTM",
            "willthefedcutratesbymorethan25bpsin2026orwaitforlongerperiods2027",
            "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
            "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
            "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6",
            "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
            "k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8",
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        ] {
            assert!(!is_signature(open), "{open}");
        }
    }
}
