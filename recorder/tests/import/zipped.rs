//! Archives in a zip.

use std::fs;
use std::io::Write as _;

use wstape_recorder::ImportFormat::Har;

use crate::{import, import_bytes, input, steps};

/// A zip of these files.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn an_archive_in_a_zip_gives_the_tape_that_it_gives_unpacked() {
    let folder = input("playwright-attach");
    let unpacked = import(Har, &folder.join("session.har")).unwrap();
    let read = |path: &std::path::Path| fs::read(path).unwrap();
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("deep/{}", path.file_name().unwrap().to_str().unwrap());
        files.push((name, read(&path)));
    }
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(n, b)| (n.as_str(), b.as_slice()))
        .collect();
    let packed = import_bytes(Har, &zip(&files)).unwrap();
    assert_eq!(steps(&packed), steps(&unpacked));
}

#[test]
fn a_zip_of_something_else_says_what_is_expected() {
    let said = import_bytes(Har, &zip(&[("a.txt", b"x")])).unwrap_err();
    assert!(
        said.contains("expected a zip with a .har in it, or Playwright's trace.zip"),
        "{said}"
    );
    let said = import_bytes(Har, &zip(&[("a.har", b"{}"), ("b.har", b"{}")])).unwrap_err();
    assert!(
        said.contains("expected one .har in the zip, found 2"),
        "{said}"
    );
    let artifact = zip(&[("index.html", b"x"), ("data/0f1e.zip", b"PK")]);
    let said = import_bytes(Har, &artifact).unwrap_err();
    assert!(
        said.contains("found 1 in other zips, as an artifact"),
        "{said}"
    );
    let log = b"{\"type\":\"resource-snapshot\",\"snapshot\":{}}\n".as_slice();
    let traces = zip(&[("a/trace.network", log), ("b/trace.network", log)]);
    let said = import_bytes(Har, &traces).unwrap_err();
    assert!(
        said.contains("expected one trace in the zip, found 2"),
        "{said}"
    );
    let said = import_bytes(Har, b"PK\x03\x04 and no more").unwrap_err();
    assert!(said.contains("the zip can't be read"), "{said}");
}
