//! The report as one HTML file that needs no network: the matrix, each problem in a sentence, then
//! each case with its lanes. If a case has several runs, the good ones are folded.

use std::fmt::{self, Write as _};

use wstape_mock_engine::HtmlText;

use super::terminal::{said, shortened};
use super::{Report, Row, RunReport};
use crate::facts::count;
use crate::lanes::{Lane, Lanes};
use crate::verdict::Verdict;

const STYLE: &str = include_str!("report.css");

/// Width of a drawing, in units of its own.
const WIDTH: f64 = 1000.0;
/// Height of a lane.
const LANE: f64 = 20.0;
/// Room for the scale below the lanes.
const SCALE: f64 = 26.0;
/// The most characters about a row outside its own section.
const MAX_TOLD_CHARS: usize = 240;
/// The most lines on the scale.
const MAX_TICKS: f64 = 8.0;

/// The verdict's class in the style sheet.
fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotApplicable => "na",
        other => other.word(),
    }
}

impl Report {
    /// The report as one self-contained HTML page.
    #[must_use]
    pub fn html(&self) -> String {
        let mut page = String::new();
        // Writing to a String does not fail.
        let _ = self.write_html(&mut page);
        page
    }

    fn write_html(&self, page: &mut String) -> fmt::Result {
        let client = HtmlText(&self.client);
        write!(
            page,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <title>{client}: referee</title><style>{STYLE}</style></head><body>\
             <h1>Referee</h1><p class=\"client\"><code>{client}</code></p><p class=\"counts\">"
        )?;
        for verdict in Verdict::ALL.into_iter().rev() {
            let n = self.count(verdict);
            write!(
                page,
                "<span class=\"chip {}\">{n} {verdict}</span> ",
                class(verdict)
            )?;
        }
        write!(page, "</p>")?;
        for told in self.unjudged() {
            write!(page, "<p class=\"note\">{}</p>", HtmlText(&told))?;
        }
        write!(page, "<nav aria-label=\"cases\">")?;
        for row in &self.rows {
            let (id, title) = (row.id, HtmlText(&row.played));
            let class = class(row.verdict);
            write!(
                page,
                "<a class=\"cell {class}\" href=\"#{id}\" title=\"{title}\">{id}<small>{}</small></a>",
                row.verdict
            )?;
        }
        page.push_str("</nav>");
        self.write_wrong(page)?;
        page.push_str("<main>");
        for row in &self.rows {
            write_row(page, row, &self.again(&row.id.to_string()))?;
        }
        writeln!(
            page,
            "</main><footer>Healthy tape: {}. One after another, the runs would take {:.0} \
             s.</footer></body></html>",
            HtmlText(&self.healthy),
            self.one_by_one_s()
        )
    }

    /// The problems, the worst first, each with a link to its section.
    fn write_wrong(&self, page: &mut String) -> fmt::Result {
        let mut wrong: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| is_wrong(row.verdict))
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        wrong.sort_by_key(|row| (std::cmp::Reverse(row.verdict), row.id));
        page.push_str("<ul class=\"wrong\">");
        for row in wrong {
            let (id, verdict) = (row.id, row.verdict);
            let said = shortened(&said(row), MAX_TOLD_CHARS);
            write!(
                page,
                "<li><span class=\"chip {}\">{verdict}</span> <a href=\"#{id}\">{id} {}</a>: {}</li>",
                class(verdict),
                HtmlText(&row.played),
                HtmlText(&said)
            )?;
        }
        page.push_str("</ul>");
        Ok(())
    }
}

fn is_wrong(verdict: Verdict) -> bool {
    verdict >= Verdict::Warn
}

fn write_row(page: &mut String, row: &Row, again: &str) -> fmt::Result {
    let (id, class) = (row.id, class(row.verdict));
    write!(
        page,
        "<section id=\"{id}\"><h2><span class=\"chip {class}\">{}</span> {id} {}</h2><p>Asked: {}.</p>",
        row.verdict,
        HtmlText(&row.played),
        HtmlText(&row.asked)
    )?;
    if let Some(source) = &row.source {
        write!(page, "<p class=\"source\">Source: {}</p>", HtmlText(source))?;
    }
    if is_wrong(row.verdict) {
        for (what, text) in [("Why", &row.why), ("Good clients", &row.good)] {
            if !text.is_empty() {
                write!(page, "<p>{what}: {}</p>", HtmlText(text))?;
            }
        }
        if !row.runs.is_empty() {
            let again = HtmlText(again);
            write!(page, "<p>Again: <code>{again}</code></p>")?;
        }
    }
    write_findings(page, &row.findings)?;
    for run in &row.runs {
        if row.runs.len() > 1 && !is_wrong(run.verdict()) {
            write_folded(page, run)?;
        } else {
            write_run(page, run)?;
        }
    }
    page.push_str("</section>");
    Ok(())
}

/// Writes a good run among others: its name and its verdict, with the rest folded away.
fn write_folded(page: &mut String, run: &RunReport) -> fmt::Result {
    let (verdict, name) = (run.verdict(), HtmlText(&run.name));
    write!(
        page,
        "<details class=\"run\"><summary><span class=\"chip {}\">{verdict}</span> {name}</summary>",
        class(verdict)
    )?;
    write_run(page, run)?;
    page.push_str("</details>");
    Ok(())
}

fn write_findings(page: &mut String, findings: &[crate::Finding]) -> fmt::Result {
    if findings.is_empty() {
        return Ok(());
    }
    page.push_str("<ul>");
    for finding in findings {
        let class = class(finding.verdict);
        let (verdict, what) = (finding.verdict, HtmlText(&finding.what));
        write!(
            page,
            "<li><span class=\"chip {class}\">{verdict}</span> {what}"
        )?;
        for figure in &finding.figures {
            write!(page, "<br><code>{}</code>", HtmlText(&figure.to_string()))?;
        }
        page.push_str("</li>");
    }
    page.push_str("</ul>");
    Ok(())
}

fn write_run(page: &mut String, run: &RunReport) -> fmt::Result {
    if !run.name.is_empty() {
        write!(page, "<h3>{}</h3>", HtmlText(&run.name))?;
    }
    write_findings(page, &run.findings)?;
    for note in &run.notes {
        write!(page, "<p class=\"note\">{}</p>", HtmlText(note))?;
    }
    write_lanes(page, &run.lanes)?;
    let journal = run.journal.join("\n");
    write!(
        page,
        "<details><summary>Journal, {} lines</summary><pre>{}</pre></details>",
        run.journal.len(),
        HtmlText(&journal)
    )?;
    if !run.printed.is_empty() {
        let printed = HtmlText(&run.printed);
        write!(
            page,
            "<details><summary>What it printed</summary><pre>{printed}</pre></details>"
        )?;
    }
    Ok(())
}

/// Returns the step between two lines of the scale: 1, 2 or 5 with zeros.
fn step(length_s: f64) -> f64 {
    let least = (length_s / MAX_TICKS).max(1e-3);
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|it| it * power);
    steps
        .into_iter()
        .find(|it| *it >= least)
        .unwrap_or(10.0 * power)
}

fn write_lanes(page: &mut String, lanes: &Lanes) -> fmt::Result {
    if lanes.lanes.is_empty() {
        return Ok(());
    }
    let height = count(lanes.lanes.len()) * LANE + SCALE;
    let length = lanes.length_s.max(1e-3);
    let x = |at: f64| WIDTH * at / length;
    let n = lanes.lanes.len();
    write!(
        page,
        "<div class=\"lanes\"><svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{n} attempts over {length:.1} seconds\">"
    )?;
    let step = step(length);
    let mut tick = 0.0;
    while tick <= length {
        let at = x(tick);
        let bottom = height - SCALE;
        write!(
            page,
            "<line class=\"tick\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{bottom:.0}\"/>\
             <text x=\"{at:.1}\" y=\"{:.0}\">{tick} s</text>",
            height - 8.0
        )?;
        tick += step;
    }
    let mut y = 0.0;
    for lane in &lanes.lanes {
        write_lane(page, lane, y, length)?;
        y += LANE;
    }
    page.push_str("</svg></div>");
    if lanes.more > 0 {
        write!(
            page,
            "<p class=\"note\">{} more attempts are not drawn.</p>",
            lanes.more
        )?;
    }
    Ok(())
}

/// Draws a bar from accept to end: thin until it is upgraded, then thick.
fn write_lane(page: &mut String, lane: &Lane, y: f64, length: f64) -> fmt::Result {
    let x = |at: f64| WIDTH * at / length;
    let to = lane.to_s.unwrap_or(length).max(lane.from_s);
    let up = lane.upgraded_s.unwrap_or(to).min(to);
    let width = |from: f64, to: f64| (x(to) - x(from)).max(2.0);
    let title = format!(
        "accepted at {:.3} s, {} at {to:.3} s",
        lane.from_s, lane.how
    );
    write!(
        page,
        "<g><title>{}</title><rect class=\"dial\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"6\"/>",
        HtmlText(&title),
        x(lane.from_s),
        y + 6.0,
        width(lane.from_s, up)
    )?;
    if lane.upgraded_s.is_some() {
        write!(
            page,
            "<rect class=\"up\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"14\"/>",
            x(up),
            y + 2.0,
            width(up, to)
        )?;
    }
    let (at, anchor) = if x(to) > 0.8 * WIDTH {
        (x(lane.from_s) - 4.0, "end")
    } else {
        (x(to) + 4.0, "start")
    };
    write!(
        page,
        "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text></g>",
        y + 14.0,
        HtmlText(&lane.how)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::cases;
    use crate::verdict::Finding;

    #[test]
    fn what_a_client_printed_is_never_markup() {
        let mut run = RunReport::new("<b>".to_owned(), Vec::new());
        run.printed = "<script>alert('x')</script> & more".to_owned();
        let mut page = String::new();
        write_run(&mut page, &run).unwrap();
        assert!(
            page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more"),
            "{page}"
        );
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    }

    #[test]
    fn what_is_wrong_comes_first_with_why_and_its_command_and_runs_that_are_right_are_folded() {
        let case = cases()
            .unwrap()
            .into_iter()
            .find(|it| it.id.to_string() == "E1")
            .unwrap();
        let mut row = Row::of(&case);
        for (name, verdict) in [("1000", Verdict::Pass), ("1013", Verdict::Warn)] {
            let finding = Finding::new(verdict, "dials <at once>");
            row.push(&case, RunReport::new(name.to_owned(), vec![finding]));
        }
        let mut report = Report::new("a & b".to_owned(), "jsonrpc".to_owned(), [row]);
        report.options = "--healthy jsonrpc ".to_owned();
        let page = report.html();
        let first = page.find("<ul class=\"wrong\"><li>").unwrap();
        assert!(first < page.find("<main>").unwrap(), "{page}");
        assert!(
            page[first..].contains("1013: dials &lt;at once&gt;</li>"),
            "{page}"
        );
        assert!(
            page.contains("<p>Why: ") && page.contains("<p>Good clients: "),
            "{page}"
        );
        assert!(
            page.contains("<code>wstape referee --healthy jsonrpc --only E1 -- a &amp; b</code>"),
            "{page}"
        );
        let folded =
            "<details class=\"run\"><summary><span class=\"chip pass\">pass</span> 1000</summary>";
        assert!(
            page.contains(folded) && page.matches("class=\"run\"").count() == 1,
            "{page}"
        );
    }

    #[test]
    fn the_scale_has_few_round_steps() {
        for (length, expected) in [
            (0.5, 0.1),
            (8.0, 1.0),
            (60.0, 10.0),
            (130.0, 20.0),
            (600.0, 100.0),
        ] {
            assert!(
                (step(length) - expected).abs() < 1e-9,
                "{length}: {}",
                step(length)
            );
        }
    }
}
