//! How the files of each crate depend on each other: never in a circle, never back up.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `token` | a file's tokens, without comments, strings and tests |
//! | `file` | what one file imports, names and defines |
//! | `tree` | a crate's files, and which of them depends on which |
//! | `circle` | the circles among them |

mod circle;
mod file;
mod token;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use circle::circles;
use tree::Tree;

/// The folders of the workspace's crates.
fn crates() -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut crates: Vec<PathBuf> = ["client", "mock-engine", "recorder"]
        .map(|name| workspace.join(name))
        .into();
    for entry in fs::read_dir(workspace.join("crates")).unwrap() {
        crates.push(entry.unwrap().path());
    }
    crates.sort();
    crates
}

/// Makes a crate of these files, and returns the circles in it.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join("src").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    circles(&Tree::load(folder.path()))
}

#[test]
fn no_file_imports_another_in_a_circle_and_none_what_stands_above_it() {
    let crates = crates();
    assert!(crates.len() > 8, "the workspace's crates: {crates:?}");
    let found: Vec<String> = crates
        .iter()
        .flat_map(|folder| circles(&Tree::load(folder)))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn two_files_that_import_each_other_are_a_circle() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "pub struct B; fn f() { super::a::g() }"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("a.rs → b.rs (crate::b::B)"), "{found:?}");
    assert!(found[0].contains("b.rs → a.rs (super::a::g)"), "{found:?}");
}

#[test]
fn a_name_leads_to_the_file_that_defines_it_by_whatever_way_it_is_exported() {
    let circle = [
        ("a.rs", "use crate::{other::{self, B as C}}; fn a(_: C) {}"),
        ("b/mod.rs", "mod inner; pub use inner::*;"),
        ("b/inner.rs", "pub struct B; pub fn f() { crate::a::a() }"),
    ];
    for lib in [
        "mod a; mod b; mod other { pub use super::b::B; }",
        "mod a; mod b; pub use b as other;",
    ] {
        let mut files = circle.to_vec();
        files.push(("lib.rs", lib));
        assert_eq!(circles_of(&files).len(), 1, "{lib}");
    }
}

#[test]
fn folders_that_lean_on_each_other_are_a_circle_though_their_files_are_none() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod low; mod high;"),
        ("a/low.rs", "pub struct Low;"),
        ("a/high.rs", "use crate::b::B;"),
        ("b.rs", "use crate::a::low::Low; pub struct B(Low);"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn what_a_folder_s_own_file_uses_of_a_part_does_not_use_that_file() {
    let files = |part| {
        [
            (
                "lib.rs",
                "mod part; const MAX: u8 = 1; fn f() { part::g() }",
            ),
            ("part.rs", part),
        ]
    };
    assert_eq!(circles_of(&files("pub fn g() { super::MAX; }")).len(), 1);
    assert_eq!(circles_of(&files("pub fn g() {}")).len(), 0);
}

#[test]
fn comments_texts_visibilities_and_tests_import_nothing() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        (
            "b.rs",
            concat!(
                "// crate::a::A\n/* crate::a::A /* */ crate::a::A */ pub struct B;\n",
                "const T: [&str; 2] = [\"\\\"crate::a::A\", r#\"\"crate::a::A\"#]; ",
                "const Q: char = '\"'; fn f<'a>() {} pub(in crate::a) fn g() {}\n",
                "#[cfg(test)]\nmod tests { use crate::a::A; fn t() { crate::a::A; } }\n",
                "#[cfg(test)]\nuse crate::a::A;\n",
            ),
        ),
    ]);
    assert!(found.is_empty(), "{found:?}");
}
