//! A run drawn in one HTML file: the page, followed by the lines of a journal or a tape.

use std::io::{self, Write};
use std::time::Duration;

use super::frame::{html, policy};

/// The most bytes of lines in one element, not counting its last line: what a browser reads before
/// the page can draw any of it.
pub const MAX_DRAWN_CHUNK_BYTES: usize = 256 << 10;

/// Writes a run as one HTML file, line by line, so that one of any length takes constant memory.
///
/// The lines are in it as text that a script reads: each `<` is written as `\u003c`, so that no
/// payload ends its element. They are those of a journal or of a tape, the header first. Removing
/// secrets is up to the caller.
///
/// ```
/// use wstape_mock_engine::Drawing;
///
/// let mut drawing = Drawing::begin(Vec::new(), "run.jsonl", None).unwrap();
/// drawing.line(r#"{"tape":1}"#).unwrap();
/// drawing.line(r#"{"at_ms":0,"text":"</script>"}"#).unwrap();
/// let html = String::from_utf8(drawing.finish().unwrap()).unwrap();
/// assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
/// assert!(html.contains(r#"{"at_ms":0,"text":"\u003c/script>"}"#));
/// ```
#[derive(Debug)]
pub struct Drawing<W> {
    output: W,
    chunk: String,
}

/// What surrounds the lines of an element.
const BEFORE: &str = "<script type=\"application/jsonl\" class=\"data\">\n";
const AFTER: &str = "</script>\n";

impl<W: Write> Drawing<W> {
    /// Writes the page, with `title` at the top. `backoff` is the first and the highest cap on a
    /// client's delays; with it, gaps are drawn next to what it allows.
    ///
    /// # Errors
    /// Those of writing.
    pub fn begin(
        mut output: W,
        title: &str,
        backoff: Option<(Duration, Duration)>,
    ) -> io::Result<Self> {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let backoff = backoff.map(|(first, most)| format!("{},{}", ms(first), ms(most)));
        let page = html(
            &policy("connect-src 'none'"),
            "file",
            title,
            &backoff.unwrap_or_default(),
        );
        output.write_all(page.as_bytes())?;
        let chunk = String::new();
        Ok(Self { output, chunk })
    }

    /// Writes a line of JSON, with or without its newline.
    ///
    /// # Errors
    /// Those of writing.
    pub fn line(&mut self, json: &str) -> io::Result<()> {
        let mut pieces = json.trim_end_matches(['\r', '\n']).split('<');
        self.chunk += pieces.next().unwrap_or_default();
        for piece in pieces {
            self.chunk += "\\u003c";
            self.chunk += piece;
        }
        self.chunk.push('\n');
        if self.chunk.len() < MAX_DRAWN_CHUNK_BYTES {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        self.output.write_all(BEFORE.as_bytes())?;
        self.output.write_all(self.chunk.as_bytes())?;
        self.chunk.clear();
        self.output.write_all(AFTER.as_bytes())
    }

    /// Writes the end of the file.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.output.write_all(b"</body>\n</html>\n")?;
        self.output.flush()?;
        Ok(self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_element_is_longer_than_a_line_beyond_its_bound_and_no_line_is_cut() {
        let mut drawing = Drawing::begin(Vec::new(), "t", None).unwrap();
        let line = format!("{{\"x\":\"{}\"}}", "<".repeat(10_000));
        for _ in 0..40 {
            drawing.line(&line).unwrap();
        }
        let html = String::from_utf8(drawing.finish().unwrap()).unwrap();
        let mut lines = 0;
        for element in html.split(BEFORE).skip(1) {
            let (text, _) = element.split_once(AFTER).unwrap();
            assert!(text.len() < MAX_DRAWN_CHUNK_BYTES + 6 * line.len());
            assert!(!text.contains('<'));
            lines += text.lines().filter(|text| text.ends_with("\"}")).count();
        }
        assert_eq!(lines, 40);
    }
}
