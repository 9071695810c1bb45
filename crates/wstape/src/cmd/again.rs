//! The command that does something again, written for the reader's shell and current folder.

use std::path::Path;
use std::{env, fs};

/// The package whose binary `cargo run` runs here; the aliases `cargo chaos` and `cargo replay` run
/// it too.
const PACKAGE: &str = env!("CARGO_PKG_NAME");
/// Folders from a package's own up to the workspace that holds the aliases.
const UP_TO_WORKSPACE: usize = 2;

/// How this program was started.
struct Started<'a> {
    /// The name it was called by.
    program: &'a str,
    /// The package that `cargo` says it runs, and its folder.
    package: Option<(&'a str, &'a Path)>,
    /// The current folder.
    here: &'a Path,
}

impl Started<'_> {
    /// The test target that cargo built this program as: `target/debug/deps/NAME-HASH`.
    fn test_target(&self) -> Option<&str> {
        self.package?;
        let path = Path::new(self.program);
        let (name, hash) = path.file_name()?.to_str()?.rsplit_once('-')?;
        let is_hash = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let in_deps = path.parent()?.file_name()? == "deps";
        (is_hash && in_deps).then_some(name)
    }

    /// The command for this verb that works here.
    fn verb(&self, verb: &str) -> String {
        let workspace = |folder: &Path| folder.ancestors().nth(UP_TO_WORKSPACE).map(Path::to_owned);
        let by_alias = self.package.is_some_and(|(package, folder)| {
            let workspace = workspace(folder);
            package == PACKAGE && workspace.is_some_and(|it| self.here.starts_with(it))
        });
        if by_alias {
            return format!("cargo {verb}");
        }
        if let Some(test) = self.test_target() {
            let manifest = self.package.map(|(_, folder)| folder.join("Cargo.toml"));
            let manifest = manifest.and_then(|it| fs::read_to_string(it).ok());
            let named = manifest.as_deref().and_then(|it| named_test(it, test));
            let test = named.unwrap_or(test);
            return format!("cargo test --test {} -- {verb}", quoted(Path::new(test)));
        }
        format!("{} {verb}", quoted(Path::new(self.program)))
    }
}

/// The manifest's test target whose program is called `program`: cargo writes `_` for `-`.
fn named_test<'a>(manifest: &'a str, program: &str) -> Option<&'a str> {
    let mut in_test = false;
    let mut names = manifest.lines().filter_map(|line| {
        let line = line.trim();
        if line.starts_with('[') {
            in_test = line.starts_with("[[test]]");
        }
        let value = line.strip_prefix("name")?.trim_start().strip_prefix('=')?;
        let name = value.trim().trim_matches(['"', '\'']);
        in_test.then_some(name)
    });
    names.find(|name| name.replace('-', "_") == program)
}

/// The command for this `verb` with these arguments: through `cargo` in a checkout that runs it
/// that way, elsewhere by the name this program was called by.
pub(crate) fn again(verb: &str, arguments: &str) -> String {
    let program = env::args_os().next().unwrap_or_else(|| PACKAGE.into());
    let folder = env::var_os("CARGO_MANIFEST_DIR");
    let package = env::var("CARGO_PKG_NAME").ok();
    let here = env::current_dir().unwrap_or_default();
    let started = Started {
        program: &program.to_string_lossy(),
        package: package.as_deref().zip(folder.as_ref().map(Path::new)),
        here: &here,
    };
    format!("{} {arguments}", started.verb(verb))
}

/// A path quoted for a shell.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_target_is_called_as_its_manifest_calls_it() {
        let manifest = "[package]\nname = \"my-feed\"\n\n[[test]]\nname = \"a-stream\"\nharness = false\n\
                        \n[[bench]]\nname = \"of-b\"\n";
        assert_eq!(named_test(manifest, "a_stream"), Some("a-stream"));
        for other in ["my_feed", "of_b", "a"] {
            assert_eq!(named_test(manifest, other), None);
        }
    }

    #[test]
    fn in_a_checkout_that_cargo_runs_it_in_the_alias_is_named_and_elsewhere_the_program() {
        let package = Some(("wstape", Path::new("/src/crates/wstape")));
        let other = Some(("someone", Path::new("/else/crates/someone")));
        for (program, package, here, expected) in [
            ("target/debug/wstape", package, "/src/tests", "cargo chaos"),
            (
                "/src/target/debug/wstape",
                package,
                "/tmp",
                "/src/target/debug/wstape chaos",
            ),
            ("wstape", None, "/src", "wstape chaos"),
            ("./my wstape", None, "/", "'./my wstape' chaos"),
            ("wstape", other, "/else", "wstape chaos"),
            (
                "/else/target/debug/deps/stream-0a1b2c3d4e5f6789",
                other,
                "/else",
                "cargo test --test stream -- chaos",
            ),
        ] {
            let here = Path::new(here);
            let started = Started {
                program,
                package,
                here,
            };
            assert_eq!(started.verb("chaos"), expected);
        }
    }
}
