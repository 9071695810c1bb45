//! A case or a healthy tape is found by being there: what embeds them is built anew when one comes.

fn main() {
    println!("cargo::rerun-if-changed=cases");
    println!("cargo::rerun-if-changed=healthy");
}
