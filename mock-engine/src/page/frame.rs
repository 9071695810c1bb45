//! What the page is made of: its frame, with style and code inside, and its policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use super::html_text::HtmlText;

const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// The code: one script, its files in order of dependency.
const CODE: &str = concat!(
    "'use strict';\n",
    include_str!("code/columns.js"),
    include_str!("code/kinds.js"),
    include_str!("code/lane.js"),
    include_str!("code/clients.js"),
    include_str!("code/states.js"),
    include_str!("code/tape.js"),
    include_str!("code/run.js"),
    include_str!("code/view.js"),
    include_str!("code/palette.js"),
    include_str!("code/canvas.js"),
    include_str!("code/stage.js"),
    include_str!("code/head.js"),
    include_str!("code/overview.js"),
    include_str!("code/grid.js"),
    include_str!("code/lists.js"),
    include_str!("code/search.js"),
    include_str!("code/details.js"),
    include_str!("code/feed.js"),
    include_str!("code/faults.js"),
    include_str!("code/hands.js"),
    include_str!("code/main.js"),
    include_str!("code/controls.js"),
    include_str!("code/start.js"),
);

/// What a browser may do with the page; `connect` says where it may send requests.
pub(super) fn policy(connect: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64.encode(Sha256::digest(text)));
    let (code, style) = (hash(CODE), hash(STYLE));
    format!(
        "default-src 'none'; script-src {code}; style-src {style}; {connect}; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'"
    )
}

/// The page up to where its data begins.
pub(super) fn html(policy: &str, source: &str, title: &str, backoff: &str) -> String {
    let parts = [
        ("{{policy}}", policy),
        ("{{style}}", STYLE),
        ("{{source}}", source),
        ("{{title}}", &HtmlText(title).to_string()),
        ("{{backoff}}", &HtmlText(backoff).to_string()),
        ("{{code}}", CODE),
    ];
    let mut html = String::new();
    let mut rest = FRAME;
    // Inserted parts are not searched again, whatever they hold.
    for (place, part) in parts {
        if let Some((before, after)) = rest.split_once(place) {
            html += before;
            html += part;
            rest = after;
        }
    }
    html + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_code_or_style_ends_its_element_and_each_place_is_filled() {
        for text in [CODE, STYLE] {
            let text = text.to_lowercase();
            assert!(
                !text.contains("</script") && !text.contains("</style") && !text.contains("<!--")
            );
        }
        let page = html("a policy", "live", "", "");
        assert!(!page.contains("{{policy}}") && !page.contains("{{code}}") && page.contains(CODE));
        for place in ["policy", "style", "source", "title", "backoff", "code"] {
            assert_eq!(
                FRAME.matches(&format!("{{{{{place}}}}}")).count(),
                1,
                "{place}"
            );
        }
    }

    #[test]
    fn the_page_asks_the_network_for_nothing_and_makes_no_markup_of_text() {
        for word in [
            "http://",
            "https://",
            "innerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "import(",
        ] {
            assert!(!CODE.contains(word) && !STYLE.contains(word), "{word}");
        }
        assert!(!FRAME.contains("src=") && !FRAME.contains("href="));
    }

    #[test]
    fn a_title_is_text_whatever_it_holds() {
        let page = html("", "file", r#"<a b="c">&'"#, "");
        assert!(page.contains("&lt;a b=&quot;c&quot;&gt;&amp;&#39;"));
        assert!(!page.contains("<a b="));
    }
}
