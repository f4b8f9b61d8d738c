//! HTML.

use super::markdown::events;

/// The document as a fragment: nothing in it runs, loads or leaves the place that it is put in.
pub fn fragment(source: &str) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events(source));
    ammonia::Builder::default().rm_tags(["img"]).clean(&html).to_string()
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
