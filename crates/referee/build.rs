//! Has the crate built again when a case or a healthy tape is added or removed: their folders are
//! embedded whole, and no list names the files.

fn main() {
    println!("cargo::rerun-if-changed=cases");
    println!("cargo::rerun-if-changed=healthy");
}
