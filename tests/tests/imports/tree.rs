//! A crate's files, and which of them depends on which.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::file::{File, Names};

/// The most imports that lead on to further imports: a sound crate has far fewer.
const MAX_IMPORTS_ON_THE_WAY: u32 = 16;

/// A crate.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) modules: Vec<Module>,
    /// The modules that each module depends on, with a path that leads there.
    pub(crate) arrows: BTreeMap<(usize, usize), String>,
}

/// A module that has a file of its own.
#[derive(Debug)]
pub(crate) struct Module {
    /// Its file, below `src`.
    pub(crate) file: String,
    pub(crate) parent: Option<usize>,
    parts: BTreeMap<String, usize>,
    text: File,
}

impl Tree {
    /// Reads the library in `folder`, or its program if it is not a library.
    pub(crate) fn load(folder: &Path) -> Self {
        let src = folder.join("src");
        let mut tree = Self {
            modules: Vec::new(),
            arrows: BTreeMap::new(),
        };
        tree.add(&src, &src.join("lib.rs"), None);
        for from in 0..tree.modules.len() {
            tree.point(from);
        }
        tree
    }

    fn add(&mut self, src: &Path, path: &Path, parent: Option<usize>) -> usize {
        let text =
            fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let text = File::read(&text);
        let folder = match path.file_name().and_then(|name| name.to_str()) {
            Some("lib.rs" | "mod.rs") => path.parent().unwrap().to_owned(),
            _ => path.with_extension(""),
        };
        let number = self.modules.len();
        let names = text.parts.clone();
        self.modules.push(Module {
            file: path.strip_prefix(src).unwrap().display().to_string(),
            parent,
            parts: BTreeMap::new(),
            text,
        });
        for name in names {
            let part = file_of(&folder, &name);
            let part = self.add(src, &part, Some(number));
            self.modules[number].parts.insert(name, part);
        }
        number
    }

    /// Finds what a module depends on.
    fn point(&mut self, from: usize) {
        let text = &self.modules[from].text;
        let mut arrows = Vec::new();
        for path in text.paths.iter().chain(&text.globs) {
            if let Some(to) = self.resolve(from, path, MAX_IMPORTS_ON_THE_WAY)
                && to != from
            {
                arrows.push((to, path.join("::")));
            }
        }
        for (to, path) in arrows {
            self.arrows.entry((from, to)).or_insert(path);
        }
    }

    /// Returns the module that defines what `path` means in `from`; `None` if another crate does.
    fn resolve(&self, from: usize, path: &[String], imports: u32) -> Option<usize> {
        let (mut at, mut rest) = self.start(from, path, imports)?;
        while let Some((name, after)) = rest.split_first() {
            let module = &self.modules[at];
            if let Some(part) = module.parts.get(name) {
                at = *part;
                rest = after.to_vec();
            } else if module.text.inline.contains(name) {
                // What is in it may be imported from anywhere: its names count as this file's.
                rest = after.to_vec();
            } else if module.text.defines.contains(name) || imports == 0 {
                return Some(at);
            } else if let Some(import) = module.text.imports.get(name).filter(|i| **i != rest) {
                let path = [import, after].concat();
                return self.resolve(at, &path, imports - 1).or(Some(at));
            } else {
                let glob = module.text.globs.iter().find_map(|glob| {
                    let of = self.resolve(at, glob, imports - 1).filter(|of| *of != at)?;
                    let module = &self.modules[of];
                    (module.text.defines.contains(name) || module.text.imports.contains_key(name))
                        .then_some(of)
                });
                return Some(glob.unwrap_or(at));
            }
        }
        Some(at)
    }

    /// Returns the module that the first words of a path stand for, and the words after them.
    fn start(&self, from: usize, path: &[String], imports: u32) -> Option<(usize, Names)> {
        let (first, after) = path.split_first()?;
        let module = &self.modules[from];
        match first.as_str() {
            "crate" => Some((0, after.to_vec())),
            "self" | "super" => {
                let mut at = from;
                let mut rest = path;
                while let Some((first @ ("self" | "super"), after)) = rest
                    .split_first()
                    .map(|(first, after)| (first.as_str(), after))
                {
                    if first == "super" {
                        at = self.modules[at].parent.unwrap_or(at);
                    }
                    rest = after;
                }
                Some((at, rest.to_vec()))
            }
            first if module.parts.contains_key(first) => Some((from, path.to_vec())),
            first => {
                let import = module.text.imports.get(first).filter(|i| *i != path)?;
                let whole = [import, after].concat();
                self.start(from, &whole, imports.checked_sub(1)?)
            }
        }
    }
}

/// Returns the file of a module that is a part of another, which keeps its parts in `folder`.
fn file_of(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(format!("{name}.rs"));
    if file.exists() {
        file
    } else {
        folder.join(name).join("mod.rs")
    }
}
