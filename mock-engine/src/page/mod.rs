//! The page: a run drawn in a browser, live over the control port or in one HTML file.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `drawing` | the page with its lines in the same file |
//! | `frame` | the page up to its data, and its policy |
//! | `html_text` | a text in which nothing is markup |
//! | `page.html`, `page.css` | its structure, and how it looks |
//! | `code/` | what it does: a file each for columns, lanes, clients, drawing, tables, buttons |
//!
//! Style and code are in the page itself, and its policy names them by their hashes: nothing else
//! runs, whatever a payload holds, and nothing is fetched but from the control port.

mod drawing;
mod frame;
mod html_text;

use std::sync::LazyLock;

pub use self::drawing::{Drawing, MAX_DRAWN_CHUNK_BYTES};
use self::frame::{html, policy};
pub use self::html_text::HtmlText;

/// The page of a control port, and the policy for its answer's header.
#[derive(Debug)]
pub(crate) struct LivePage {
    pub(crate) html: String,
    pub(crate) policy: String,
}

/// The page of every control port, which holds nothing of a run.
pub(crate) fn live() -> &'static LivePage {
    static PAGE: LazyLock<LivePage> = LazyLock::new(|| {
        let policy = policy("connect-src 'self'");
        LivePage {
            html: html(&policy, "live", "", "") + "</body>\n</html>\n",
            // Only the answer's header can say who may frame the page.
            policy: format!("{policy}; frame-ancestors 'none'"),
        }
    });
    &PAGE
}
