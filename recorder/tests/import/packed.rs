//! Files that gzip or zstd packed.

use std::fs;
use std::io::Write as _;

use wstape_recorder::ImportFormat::{self, Capture, Har, Lines, Mitmproxy, Mockforge};

use crate::{import, import_bytes, input, steps};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(plain).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn a_file_of_any_format_gives_the_same_tape_packed_as_plain() {
    let each: [(ImportFormat, &str); 5] = [
        (Har, "chrome.har"),
        (Mitmproxy, "mitmproxy.flows"),
        (Mockforge, "mockforge.jsonl"),
        (Lines, "mockforge.jsonl"),
        (Capture, "capture/lo.pcap"),
    ];
    for (format, file) in each {
        let plain = import(format, &input(file)).unwrap();
        let bytes = fs::read(input(file)).unwrap();
        let zstd = ruzstd::encoding::CompressionLevel::Fastest;
        let zstd = ruzstd::encoding::compress_to_vec(&bytes[..], zstd);
        for packed in [gzip(&bytes), zstd] {
            let tape = import_bytes(format, &packed).unwrap();
            assert_eq!(steps(&tape), steps(&plain), "{format}");
        }
    }
}

#[test]
fn a_packed_file_that_is_cut_off_leaves_no_tape() {
    let flows = gzip(&fs::read(input("mitmproxy.flows")).unwrap());
    let said = import_bytes(Mitmproxy, &flows[..flows.len() / 2]).unwrap_err();
    assert!(said.contains("the gzip is cut off"), "{said}");
}
