//! What is known about an archive from the name and the version of the program that wrote it.

use serde_json::value::RawValue;

use super::members::{members, scalar};
use crate::import::wall::Wall;

/// A program that an archive names: its creator, or the browser that it was recorded with.
pub(super) struct Program {
    pub(super) name: Option<String>,
    version: Option<String>,
}

/// What is known about an archive from the program that wrote it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Writer {
    /// A connection whose `receive` time is above zero was closed.
    pub(super) closes: bool,
    pub(super) times: Times,
    /// Binary and long messages may be replaced by placeholders.
    pub(super) stands_in: bool,
}

/// What the times of an archive's messages mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Times {
    #[default]
    Dates,
    /// Too small by a factor of 1000, as Playwright 1.61.0 writes them.
    Squeezed,
    /// Seconds since the browser started, as in its `DevTools` protocol.
    Counted,
}

/// The name that Chrome, and browsers built on it (Edge, Brave), write as the creator.
const CHROME: &str = "WebInspector";

/// A recorder for Cypress, which records ends as Chrome does.
const CYPRESS: &str = "@neuralegion/cypress-har-generator";

/// Writers that copy the times of the `DevTools` protocol.
const COUNTING: [&str; 2] = ["Chrome HAR Capturer", CYPRESS];

/// By default it writes `[binary, 5 bytes]` instead of a binary message.
pub(super) const STANDING_IN: &str = "httpcrabber";

pub(super) const PLAYWRIGHT: &str = "Playwright";

pub(super) const FIREFOX: &str = "Firefox";

/// What to say about Firefox, whose `DevTools` show messages but do not export them.
pub(super) const FIREFOXS: &str = "Firefox and Safari export none; record with Chrome's DevTools, or \
                                   between page and engine with wstape proxy";

/// The advice for any other writer.
const OTHERWISE: &str = "record with the DevTools open before the page connects, or with recordHar \
                         of Playwright 1.61 or later";

impl Writer {
    pub(super) fn of(creator: Option<&Program>, browser: Option<&Program>) -> Self {
        let is = |program: Option<&Program>, name| program.is_some_and(|program| program.is(name));
        let squeezes = creator.is_some_and(Program::squeezes_times) && !is(browser, FIREFOX);
        let counts = COUNTING.iter().any(|name| is(creator, name));
        Self {
            closes: is(creator, CHROME) || is(creator, CYPRESS),
            times: match (squeezes, counts) {
                (true, _) => Times::Squeezed,
                (_, true) => Times::Counted,
                _ => Times::Dates,
            },
            stands_in: is(creator, STANDING_IN),
        }
    }
}

impl Program {
    /// `None` if what the archive has is not an object: then nothing is known about the program.
    pub(super) fn of(value: &RawValue) -> Option<Self> {
        let [name, version] = members(value, ["name", "version"])?;
        Some(Self {
            name: name.and_then(scalar),
            version: version.and_then(scalar),
        })
    }

    pub(super) fn is(&self, name: &str) -> bool {
        let own = self.name.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    /// Its name and version, to be shown.
    pub(super) fn shown(&self) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        let version = self.version.as_deref().unwrap_or_default();
        format!("{name} {version}").trim().to_owned()
    }

    /// What to do if an archive of this program has no `WebSocket`.
    pub(super) fn advice(of: Option<&Self>) -> String {
        const FIRST: [u32; 2] = [1, 61];
        const LACKING: [&str; 2] = ["chrome-har", "puppeteer-har"];
        let Some(own) = of else {
            return OTHERWISE.to_owned();
        };
        if let Some(name) = LACKING.iter().find(|name| own.is(name)) {
            return format!(
                "{name} leaves WebSockets out; record with recordHar of Playwright 1.61 or later, \
                 or between page and engine with wstape proxy"
            );
        }
        if own.is(FIREFOX) {
            return format!("if it had one, its messages would still be missing: {FIREFOXS}");
        }
        let Some(version) = own.version.as_deref().filter(|_| own.is(PLAYWRIGHT)) else {
            return OTHERWISE.to_owned();
        };
        let leaves_out = "leaves WebSockets out of archives and traces; use 1.61 or later, or \
                          record between page and engine with wstape proxy";
        if version.is_empty() {
            // All traces that have WebSockets name the version.
            return format!(
                "a trace that does not name Playwright's version is of one before 1.61, which \
                 {leaves_out}"
            );
        }
        let mut numbers = version.split('.').map_while(|number| number.parse().ok());
        match (numbers.next(), numbers.next()) {
            (Some(first), Some(second)) if [first, second] < FIRST => {
                format!("Playwright {version} {leaves_out}")
            }
            _ => "Playwright records what reaches the network: start recording before the page \
                  connects (a socket that routeWebSocket answers never gets there), or record with \
                  wstape proxy between page and engine"
                .to_owned(),
        }
    }

    /// Whether it is a Playwright that writes times too small by a factor of 1000
    /// (microsoft/playwright#41360): 1.61.0, and the pre-releases of it and of 1.62.0 that were made
    /// before 19 June 2026. A pre-release ends in its date or in milliseconds since 1970.
    fn squeezes_times(&self) -> bool {
        const RIGHT_FROM: &str = "2026-06-19T00:00:00Z";
        let version = self.version.as_deref().filter(|_| self.is(PLAYWRIGHT));
        let Some((number, stage)) = version.map(|v| v.split_once('-').unwrap_or((v, ""))) else {
            return false;
        };
        let stamp = stage.split_once('-').map_or("", |(_, stamp)| stamp);
        let stamped = Wall::from_date(&format!("{stamp}T00:00:00Z"));
        let stamped = stamped.or_else(|| Wall::from_epoch(stamp));
        let right_from = Wall::from_date(RIGHT_FROM);
        match number {
            "1.61.0" if stage.is_empty() => true,
            "1.61.0" | "1.62.0" => stamped.is_some() && stamped < right_from,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_of_a_playwright_that_squeezes_are_told_by_their_stamps() {
        for (version, squeezes) in [
            ("1.61.0", true),
            ("1.61.0-alpha-2026-06-04", true),
            ("1.61.0-beta-1781605009000", true),
            ("1.61.0-beta-1781741799000", true),
            ("1.61.0-beta-1781872085000", false),
            ("1.61.0-beta-1782134816000", false),
            ("1.61.1-beta-1782139630000", false),
            ("1.62.0-alpha-2026-06-13", true),
            ("1.62.0-alpha-2026-06-18", true),
            ("1.62.0-alpha-2026-06-20", false),
            ("1.62.0", false),
            ("1.61.0-next", false),
        ] {
            let program = Program {
                name: Some(PLAYWRIGHT.to_owned()),
                version: Some(version.to_owned()),
            };
            assert_eq!(program.squeezes_times(), squeezes, "{version}");
        }
    }
}
