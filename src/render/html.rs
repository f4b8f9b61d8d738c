//! HTML.

use super::markdown::events;
use super::{Part, RenderError};

/// How a report looks, on a screen and on paper.
const STYLE: &str = "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em;line-height:1.5}\
table{border-collapse:collapse;margin:1em 0}th,td{border:1px solid #bbb;padding:.25em .7em;text-align:left}\
th{background:#f2f4f7}figure{margin:1em 0}svg{max-width:100%;height:auto}";

/// The document as a fragment: nothing in it runs, loads or leaves the place that it is put in.
pub fn fragment(source: &str) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events(source));
    ammonia::Builder::default().rm_tags(["img"]).clean(&html).to_string()
}

/// A report as a page of its own, with its charts inside: nothing in it runs or loads.
///
/// # Errors
/// When a chart cannot be written.
pub fn report(title: &str, language: &str, parts: &[Part]) -> Result<String, RenderError> {
    let mut body = String::new();
    for part in parts {
        match part {
            Part::Text(source) => body.push_str(&fragment(source)),
            Part::Chart(chart) => {
                let label = ammonia::clean_text(&chart.title);
                body.push_str(&format!(
                    "<figure role=\"img\" aria-label=\"{label}\">\n{}</figure>\n",
                    chart.svg()?
                ));
            }
        }
    }
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        ammonia::clean_text(language),
        ammonia::clean_text(title),
    ))
}

/// The document as a page of its own.
pub fn page(title: &str, language: &str, source: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n</head>\n<body>\n{}</body>\n</html>\n",
        ammonia::clean_text(language),
        ammonia::clean_text(title),
        fragment(source)
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_in_it_runs_or_loads() {
        let source = "<script>alert(1)</script> [x](javascript:alert(1)) ![p](https://example.org/p.png)\n\n| a |\n|---|\n| <img src=x onerror=y> |\n";
        let html = super::page("<t>", "zh-CN", source);
        for bad in ["<script", "<img", "href=\"javascript", "<t>"] {
            assert!(!html.contains(bad), "{bad} in {html}");
        }
        assert!(html.contains("&lt;script&gt;") && html.contains("<table>"), "{html}");
    }
}
