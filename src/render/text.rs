//! Plain text.

use super::markdown::{Block, blocks, plain};

/// The document as plain text, without markup, blocks apart by an empty line.
pub fn render(source: &str) -> String {
    let mut text = String::new();
    let mut in_list = false;
    for block in blocks(source) {
        let is_item = matches!(block, Block::Item { .. });
        if !text.is_empty() {
            text.push_str(if is_item && in_list { "\n" } else { "\n\n" });
        }
        in_list = is_item;
        match block {
            Block::Heading(_, runs) | Block::Paragraph(runs) => text.push_str(&plain(&runs)),
            Block::Item { depth, marker, runs } => {
                let indent = "  ".repeat(depth.saturating_sub(1));
                let hang = " ".repeat(marker.chars().count() + 1);
                let body = plain(&runs).replace('\n', &format!("\n{indent}{hang}"));
                let marker = if marker.is_empty() { "  ".to_owned() } else { format!("{marker} ") };
                text.push_str(&format!("{indent}{marker}{body}"));
            }
            Block::Code(code) => text.push_str(&code),
            Block::Table(rows) => {
                let lines: Vec<String> = rows
                    .iter()
                    .map(|row| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>().join(" | "))
                    .collect();
                text.push_str(&lines.join("\n"));
            }
            Block::Rule => text.push_str("----------"),
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_markup_is_left() {
        let source = "## 处置结论\n\n**确认**：<script>\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n";
        assert_eq!(
            super::render(source),
            "处置结论\n\n确认：<script>\n\n\u{2022} a\n\u{2022} b\n\nx | y\n1 | 2\n"
        );
    }
}
