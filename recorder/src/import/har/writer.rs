//! The programs that write archives: what theirs have and lack, by the name and the version that
//! stand in them.

use serde::Deserialize;

use crate::import::wall::Wall;

/// A program as an archive names it: what made it, or the browser that was driven.
#[derive(Deserialize)]
pub(super) struct Program {
    pub(super) name: Option<String>,
    version: Option<String>,
}

/// What the archive's writer implies about it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Writer {
    /// A receive time above zero is a closed connection's.
    pub(super) closes: bool,
    pub(super) times: Times,
    /// Where a message is binary or long, something else stands in its place.
    pub(super) stands_in: bool,
}

/// How an archive has its messages' times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Times {
    #[default]
    Dates,
    /// Of Playwright 1.61.0: a thousandfold too small.
    Squeezed,
    /// Seconds since the browser's own start, as its protocol has them.
    Counted,
}

/// What Chrome and what is built on it (Edge, Brave) call themselves.
const CHROME: &str = "WebInspector";

/// Cypress's recorder, which tells of ends as Chrome does.
const CYPRESS: &str = "@neuralegion/cypress-har-generator";

/// Those that copy the times of Chrome's protocol.
const COUNTING: [&str; 2] = ["Chrome HAR Capturer", CYPRESS];

/// Writes `[binary, 5 bytes]` for a message, unless it is told otherwise.
pub(super) const STANDING_IN: &str = "httpcrabber";

pub(super) const PLAYWRIGHT: &str = "Playwright";

pub(super) const FIREFOX: &str = "Firefox";

/// Of Firefox's messages, which its DevTools show.
pub(super) const FIREFOXS: &str = "Firefox and Safari export none; record with Chrome's DevTools, or \
                                   between page and engine with wstape proxy";

/// Where those record that can.
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
    pub(super) fn is(&self, name: &str) -> bool {
        let own = self.name.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    /// Its name and version, for sentences.
    pub(super) fn shown(&self) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        let version = self.version.as_deref().unwrap_or_default();
        format!("{name} {version}").trim().to_owned()
    }

    /// What to do where an archive of it has no `WebSocket`.
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
            // Traces name their version since long before these.
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

    /// Whether it is a Playwright whose times are squeezed (microsoft/playwright#41360): 1.61.0,
    /// what led to it, and 1.62's first nights. A stage's stamp is a day or milliseconds since
    /// 1970; that of 18 June 2026 squeezes, that of 19 June does not.
    fn squeezes_times(&self) -> bool {
        const RIGHT_FROM: &str = "2026-06-19";
        let version = self.version.as_deref().filter(|_| self.is(PLAYWRIGHT));
        let Some((number, stage)) = version.map(|v| v.split_once('-').unwrap_or((v, ""))) else {
            return false;
        };
        let stamp = stage.split_once('-').map_or("", |(_, stamp)| stamp);
        let stamped = Wall::from_date(&format!("{stamp}T00:00:00Z"));
        let stamped = stamped.or_else(|| Wall::from_epoch(stamp));
        let right_from = Wall::from_date(&format!("{RIGHT_FROM}T00:00:00Z"));
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
