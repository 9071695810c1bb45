//! Recordings of other tools become tapes that play; any other file gets a one-sentence error.

mod capture;
mod feed;
mod field;
mod flows;
mod garbled;
mod genuine;
mod har;
mod har_flaws;
mod mockforge;
mod one_way;
mod packed;
mod packet;
mod pcapng;
mod play;
mod playwright;
mod recorders;
mod writers;
mod zipped;

use std::fs;
use std::path::{Path, PathBuf};

use wstape_recorder::{
    Import, ImportFormat, Imported, Output, RecordError, Redactor, Rules, UNSAFE_SUFFIX,
};
use wstape_tape::TapeReader;

/// What the placeholders of these tests' tapes are made with.
const KEY: [u8; 32] = [7; 32];

/// A file that another tool wrote.
fn input(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/inputs")
        .join(name)
}

/// Imports a file. Where that fails nothing may be left of the tape; a tape must be sound and
/// whole.
fn import_with(
    format: ImportFormat,
    path: &Path,
    choose: impl FnOnce(Import) -> Import,
) -> Result<(String, Imported), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("tape.jsonl");
    let import = Import::open(format, path).map_err(|error| error.to_string())?;
    let output = Output::whole(&out, false).expect("an output");
    let redactor = Redactor::new(Rules::default(), KEY);
    let result = choose(import).run(output, redactor, || ());
    match result {
        Ok(imported) => {
            let tape = fs::read_to_string(&out).expect("the tape is there");
            let reader = TapeReader::new("tape.jsonl", tape.as_bytes()).expect("a tape");
            let summary = wstape_tape::check(reader).expect("a sound tape");
            assert!(summary.ended, "{tape}");
            assert_eq!(summary.duration, imported.duration);
            Ok((tape, imported))
        }
        Err(error) => {
            let left: Vec<_> = fs::read_dir(&folder)
                .expect("the folder")
                .map(|entry| entry.expect("an entry").path())
                // What would be a tape except for a secret in it keeps another name.
                .filter(|path| {
                    let mut unsafe_name = out.clone().into_os_string();
                    unsafe_name.push(UNSAFE_SUFFIX);
                    !(matches!(error, RecordError::Secret { .. }) && **path == *unsafe_name)
                })
                .collect();
            assert!(left.is_empty(), "{left:?}");
            let said = error.to_string();
            assert_eq!(said.lines().count(), 1, "{said}");
            Err(said)
        }
    }
}

fn import(format: ImportFormat, path: &Path) -> Result<String, String> {
    import_with(format, path, |import| import).map(|(tape, _)| tape)
}

/// Imports bytes as a file called `in`, which errors begin with.
fn import_bytes(format: ImportFormat, bytes: &[u8]) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("in");
    fs::write(&path, bytes).expect("a file");
    let place = format!("{}/", folder.path().display());
    import(format, &path).map_err(|said| said.replace(&place, ""))
}

/// The lines of a tape between its header, its first step and its end.
fn steps(tape: &str) -> Vec<&str> {
    let lines: Vec<&str> = tape.lines().collect();
    let [_header, held, steps @ .., end] = lines.as_slice() else {
        panic!("{tape}");
    };
    assert_eq!(*held, r#"{"at_ms":0,"answers":"held"}"#);
    assert!(end.ends_with(r#""end":true}"#), "{end}");
    steps.to_vec()
}
