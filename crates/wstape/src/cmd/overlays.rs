//! `wstape overlays`.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use wstape_mock_engine::field::{FOLDER, Overlay};

use super::exit;

/// Options of `overlays`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 done; 1 there is no overlay of that name.")]
pub(crate) struct OverlaysArgs {
    /// Print the tape of this overlay, such as field/caddy-2.11-reload
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl OverlaysArgs {
    /// Lists the built-in overlays, or prints one.
    pub(crate) fn run(&self) -> ExitCode {
        let Some(name) = &self.name else {
            return exit::print(&list());
        };
        let bare = name.strip_prefix(&format!("{FOLDER}/")).unwrap_or(name);
        let Some(overlay) = Overlay::all().find(|overlay| overlay.name() == bare) else {
            eprintln!("wstape: there is no overlay {name}; `wstape overlays` lists them");
            return exit::FOUND.into();
        };
        exit::print(overlay.text())
    }
}

/// One line for each: what `--overlay` takes, and its title.
fn list() -> String {
    let width = Overlay::all().map(|overlay| overlay.name().len()).max();
    let width = width.unwrap_or(0) + FOLDER.len() + 1;
    let mut text = String::new();
    for overlay in Overlay::all() {
        let title = overlay
            .tape()
            .ok()
            .and_then(|tape| tape.header.title.clone());
        let name = format!("{FOLDER}/{}", overlay.name());
        let _ = writeln!(text, "{name:width$}  {}", title.unwrap_or_default());
    }
    text
}
