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
    let after: [&[u8]; 5] = [
        b"a",
        b"abc",
        b"\x1fabc",
        b"a longer text than a gzip's head",
        b"\0\0\0a",
    ];
    for after in after {
        for (packed, what) in [(gzip(script), "gzip"), (zstd(script), "zstd")] {
            if what == "zstd" && after.len() < 4 {
                continue;
            }
            let longer = [&packed[..], after].concat();
            let said = import_bytes(Mockforge, &longer).unwrap_err();
            let sentence = format!("something else after the {what} data; to import only");
            assert!(said.contains(&sentence), "{}: {said}", after.escape_ascii());
        }
    }
    let longer = [&zstd(script)[..], &[0; 64]].concat();
    let said = import_bytes(Mockforge, &longer).unwrap_err();
    assert!(
        said.contains("something else after the zstd data"),
        "{said}"
    );
}

#[test]
fn zeros_that_fill_up_a_gzip_and_further_members_are_read_as_gzip_does() {
    let script = b"{\"text\":\"a\"}\n";
    let plain = import_bytes(Mockforge, script).unwrap();
    for zeros in [1, 9, 64, 100_000] {
        let filled = [&gzip(script)[..], &vec![0; zeros]].concat();
        let tape = import_bytes(Mockforge, &filled).unwrap();
        assert_eq!(steps(&tape), steps(&plain), "{zeros}");
    }
    let (head, tail) = script.split_at(5);
    let members = [gzip(head), gzip(b""), gzip(tail)].concat();
    let tape = import_bytes(Mockforge, &members).unwrap();
    assert_eq!(steps(&tape), steps(&plain));
    // A member that has begun is one, and gzip says so too.
    for torn in [&b"\x1f"[..], b"\x1f\x8b\x08"] {
        let said = import_bytes(Mockforge, &[&gzip(script)[..], torn].concat()).unwrap_err();
        assert!(said.contains("the gzip is cut off"), "{said}");
    }
}

#[test]
fn a_damaged_gzip_is_not_said_to_be_followed_by_something() {
    let mut flows = gzip(&fs::read(input("mitmproxy.flows")).unwrap());
    let at = flows.len() - 6;
    flows[at] ^= 1;
    let said = import_bytes(Mitmproxy, &flows).unwrap_err();
    assert!(said.contains("corrupt gzip stream"), "{said}");
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
