//! Bodies of refused handshakes in other tools' files.

use std::io::Read as _;

use bytes::Bytes;

use super::session::{Headers, value_of};
use super::unpack::unpacked;

/// The longest body that a tape keeps, in bytes; the proxy has the same limit.
pub(super) const MAX_BODY_BYTES: usize = 8 << 20;

/// Why a body is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LeftOut {
    #[error("the refusal's body is left out: it has more than {} MiB", MAX_BODY_BYTES >> 20)]
    TooLong,
    #[error("the refusal's body is left out: it is encoded in {0:?}")]
    Encoded(String),
    #[error("the refusal's body is left out: it does not unpack")]
    Broken,
}

/// Takes a body that the recording has as decoded text.
pub(super) fn of_text(text: Vec<u8>) -> Result<Bytes, LeftOut> {
    if text.len() > MAX_BODY_BYTES {
        return Err(LeftOut::TooLong);
    }
    Ok(text.into())
}

/// Takes a body as it was sent, with the answer's headers. gzip and zstd are unpacked, because a
/// refusal in a tape has no content encoding.
pub(super) fn of_wire(sent: Vec<u8>, headers: &Headers) -> Result<Bytes, LeftOut> {
    let encoding = value_of(headers, "content-encoding").unwrap_or_default();
    let encoding = encoding.trim().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" => of_text(sent),
        "gzip" | "x-gzip" | "zstd" => {
            let mut body = Vec::new();
            let most = MAX_BODY_BYTES as u64 + 1;
            let read =
                unpacked(&sent[..]).and_then(|packed| packed.take(most).read_to_end(&mut body));
            read.map_err(|_| LeftOut::Broken)?;
            of_text(body)
        }
        _ => Err(LeftOut::Encoded(encoding)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn a_body_is_what_it_stands_for_or_left_out_with_a_reason() {
        let encoded = |encoding: &str, sent: &[u8]| {
            let headers = vec![("Content-Encoding".to_owned(), encoding.to_owned())];
            of_wire(sent.to_vec(), &headers)
        };
        assert_eq!(of_wire(b"no".to_vec(), &Vec::new()), Ok("no".into()));
        assert_eq!(
            encoded("GZip", &packed(b"{\"code\":7}")),
            Ok("{\"code\":7}".into())
        );
        assert_eq!(encoded("br", b"x"), Err(LeftOut::Encoded("br".to_owned())));
        assert_eq!(
            encoded("gzip", &packed(b"cut off")[..12]),
            Err(LeftOut::Broken)
        );
        let bomb = packed(&vec![b'a'; MAX_BODY_BYTES + 1]);
        assert_eq!(encoded("gzip", &bomb), Err(LeftOut::TooLong));
    }
}
