//! No file, however garbled, makes an import panic or leave half a tape: `import_bytes` checks
//! both, and that an error is one sentence.

use std::fs;

use proptest::prelude::*;
use wstape_recorder::ImportFormat::{self, Har, Mitmproxy, Mockforge};

use crate::{import_bytes, input};

/// Cases of each property: each writes and reads files.
const CASES: u32 = 150;

const FORMATS: [(ImportFormat, &str); 4] = [
    (Har, "chrome.har"),
    (Har, "playwright-embed.har"),
    (Mitmproxy, "mitmproxy.flows"),
    (Mockforge, "mockforge.jsonl"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_give_a_tape_or_a_sentence(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        which in 0..FORMATS.len(),
    ) {
        let _ = import_bytes(FORMATS[which].0, &bytes);
    }

    #[test]
    fn a_genuine_file_with_some_bytes_changed_gives_a_tape_or_a_sentence(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::weighted(0.3, any::<prop::sample::Index>()),
        which in 0..FORMATS.len(),
    ) {
        let (format, name) = FORMATS[which];
        let mut bytes = fs::read(input(name)).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            // Digits stay digits half of the time, so that lengths and times are wrong ones.
            bytes[at] = if bytes[at].is_ascii_digit() && byte % 2 == 0 { b'0' + byte % 10 } else { byte };
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = import_bytes(format, &bytes);
    }
}
