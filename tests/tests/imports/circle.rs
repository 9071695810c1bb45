//! Circles among files, and among folders.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::Tree;

/// Returns every circle in a crate, described by the arrows that form it.
///
/// In each folder, every part counts as one, together with everything below it, and so does the
/// folder's own file. If these don't depend on each other in a circle, no files do.
pub(crate) fn circles(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for room in 0..tree.modules.len() {
        let mut arrows: BTreeMap<usize, BTreeMap<usize, String>> = BTreeMap::new();
        for ((from, to), path) in &tree.arrows {
            if let (Some(part), Some(other)) = (part(tree, room, *from), part(tree, room, *to))
                && part != other
            {
                let files = [from, to].map(|at| &tree.modules[*at].file);
                let why = format!("    {} → {} ({path})", files[0], files[1]);
                arrows.entry(part).or_default().entry(other).or_insert(why);
            }
        }
        found.extend(
            circle(&arrows)
                .map(|lines| format!("in {}:\n{}", tree.modules[room].file, lines.join("\n"))),
        );
    }
    found
}

/// Returns the part of a room that holds a module: one of the modules right below the room, or the
/// room's own file; `None` if the module is elsewhere.
fn part(tree: &Tree, room: usize, module: usize) -> Option<usize> {
    if module == room {
        return Some(room);
    }
    let parent = tree.modules[module].parent?;
    if parent == room {
        Some(module)
    } else {
        part(tree, room, parent)
    }
}

/// Returns the shortest circle, if there is one, described by its arrows.
fn circle(arrows: &BTreeMap<usize, BTreeMap<usize, String>>) -> Option<Vec<String>> {
    arrows
        .keys()
        .filter_map(|start| back_to(*start, arrows))
        .min_by_key(Vec::len)
}

/// Returns the shortest way from `start` back to it.
fn back_to(start: usize, arrows: &BTreeMap<usize, BTreeMap<usize, String>>) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![(start, Vec::new())];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for (at, way) in ways {
            for (to, why) in arrows.get(&at).into_iter().flatten() {
                let mut way: Vec<String> = way.clone();
                way.push(why.clone());
                if *to == start {
                    return Some(way);
                }
                if seen.insert(*to) {
                    longer.push((*to, way));
                }
            }
        }
        ways = longer;
    }
    None
}
