//! Files that gzip or zstd packed.

use std::fs;
use std::io::Write as _;

use wstape_recorder::ImportFormat::{self, Capture, Har, Lines, Mitmproxy, Mockforge};

use crate::{import, import_bytes, input, steps};

/// A file of each format.
const EACH: [(ImportFormat, &str); 5] = [
    (Har, "chrome.har"),
    (Mitmproxy, "mitmproxy.flows"),
    (Mockforge, "mockforge.jsonl"),
    (Lines, "mockforge.jsonl"),
    (Capture, "capture/lo.pcap"),
];

fn zstd(plain: &[u8]) -> Vec<u8> {
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    ruzstd::encoding::compress_to_vec(plain, level)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(plain).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn a_file_of_any_format_gives_the_same_tape_packed_as_plain() {
    for (format, file) in EACH {
        let plain = import(format, &input(file)).unwrap();
        let bytes = fs::read(input(file)).unwrap();
        // As pzstd writes it: before each frame, the frame's length in one to be skipped.
        let frame = zstd(&bytes);
        let length = u32::try_from(frame.len()).unwrap().to_le_bytes();
        let pzstd = [b"\x50\x2a\x4d\x18\x04\0\0\0", &length[..], &frame].concat();
        for packed in [gzip(&bytes), frame, pzstd] {
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
    let flows = zstd(&fs::read(input("mitmproxy.flows")).unwrap());
    for cut in [6, flows.len() / 2, flows.len() - 1] {
        let said = import_bytes(Mitmproxy, &flows[..cut]).unwrap_err();
        assert!(said.contains("the zstd is cut off"), "{cut}: {said}");
    }
}

#[test]
fn what_follows_the_packed_part_is_no_part_of_it() {
    let script = b"{\"text\":\"a\"}\n";
    for (packed, what) in [(gzip(script), "gzip"), (zstd(script), "zstd")] {
        let longer = [&packed[..], &[0; 64]].concat();
        let said = import_bytes(Mockforge, &longer).unwrap_err();
        let sentence = format!("something else after the {what} data; to import only");
        assert!(said.contains(&sentence), "{said}");
    }
}

#[test]
fn a_file_that_is_compressed_twice_is_an_error_that_says_so() {
    for (format, file) in EACH {
        let bytes = fs::read(input(file)).unwrap();
        for (packed, command) in [
            (gzip(&gzip(&bytes)), "gzip -dc FILE |"),
            (gzip(&zstd(&bytes)), "gzip -dc FILE |"),
            (zstd(&gzip(&bytes)), "zstd -dc FILE |"),
        ] {
            let said = import_bytes(format, &packed).unwrap_err();
            assert!(said.contains("compressed twice"), "{said}");
            assert!(said.contains(command), "{said}");
        }
    }
}
