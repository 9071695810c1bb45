//! The memory an import takes is bounded by the size of its file.

use std::alloc::System;
use std::fs;

use cap::Cap;
use wstape_recorder::{Import, ImportFormat, Output, Redactor, Rules};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Bytes of memory for each byte of a file, and what an import takes at least.
const MAX_BYTES_EACH: usize = 40;
const BASE_BYTES: usize = 16 << 20;

/// The most that was allocated at once while that was imported, beyond what was before.
fn peak(format: ImportFormat, bytes: &[u8]) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("in");
    fs::write(&path, bytes).expect("a file");
    let output = Output::whole(&folder.path().join("out"), false).expect("an output");
    let redactor = Redactor::new(Rules::default(), [7; 32]);
    let before = ALLOCATOR.allocated();
    let import = Import::open(format, &path).expect("a file");
    let _ = import.run(output, redactor, || ());
    ALLOCATOR.max_allocated().saturating_sub(before)
}

/// Archives whose size is in what costs a reader most: names that stand before many values, many
/// headers, entries and messages, each as short as it goes.
fn archives(bytes: usize) -> Vec<(&'static str, String)> {
    let entry = |members: &str| {
        format!(
            r#"{{"log":{{"entries":[{{"startedDateTime":"2026-11-24T00:00:00Z",
            "_resourceType":"websocket",{members}}}]}}}}"#
        )
    };
    let long = "a".repeat(1 << 10);
    let many = |unit: &str| unit.repeat(bytes / unit.len());
    let list = |unit: &str| many(&format!("{unit},")).trim_end_matches(',').to_owned();
    vec![
        (
            "values of one long name",
            entry(&format!(
                r#""request":{{"url":"ws://h","headers":[{{"name":"{long}","value":"{}"}}]}},
                "response":{{"status":101}}"#,
                many("x\\n")
            )),
        ),
        (
            "headers",
            entry(&format!(
                r#""request":{{"url":"ws://h","headers":[{}]}}"#,
                list(r#"{"name":"a","value":""}"#)
            )),
        ),
        (
            "messages",
            entry(&format!(
                r#""response":{{"status":101}},"_webSocketMessages":[{}]"#,
                list(r#"{"type":"receive","opcode":1}"#)
            )),
        ),
        (
            "entries",
            format!(
                r#"{{"log":{{"entries":[{}]}}}}"#,
                list(r#"{"_webSocketClose":1}"#)
            ),
        ),
        ("brackets", format!(r#"{{"log":{{"entries":[{}"#, many("["))),
    ]
}

#[test]
fn an_archive_takes_memory_in_proportion_to_its_size() {
    const BYTES: usize = 400 << 10;
    for (what, archive) in archives(BYTES) {
        let peak = peak(ImportFormat::Har, archive.as_bytes());
        let bound = BASE_BYTES + MAX_BYTES_EACH * archive.len();
        assert!(peak <= bound, "{what}: {peak} of {bound} bytes");
    }
}
