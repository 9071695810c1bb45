//! Text escaped for HTML.

use std::fmt::{self, Write as _};

/// A text as HTML writes it, in an element or an attribute: nothing in it is markup.
///
/// ```
/// use wstape_mock_engine::HtmlText;
///
/// let shown = HtmlText(r#"<a b="c">&'"#).to_string();
/// assert_eq!(shown, "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct HtmlText<'a>(pub &'a str);

impl fmt::Display for HtmlText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
