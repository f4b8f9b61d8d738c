//! Markdown as blocks of runs.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Text in one style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The text; a line break is `\n`.
    pub text: String,
    /// Strong.
    pub bold: bool,
    /// Emphasised.
    pub italic: bool,
}

/// One piece of a document, from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading of level 1 to 6.
    Heading(u8, Vec<Run>),
    /// A paragraph.
    Paragraph(Vec<Run>),
    /// An item of a list.
    Item {
        /// How many lists it is inside of, from 1.
        depth: usize,
        /// A bullet or a number with its point.
        marker: String,
        /// Its text.
        runs: Vec<Run>,
    },
    /// Lines that stand as they are.
    Code(String),
    /// A table, its head first.
    Table(Vec<Vec<Vec<Run>>>),
    /// A line across.
    Rule,
}

/// The text of runs without style.
pub fn plain(runs: &[Run]) -> String {
    runs.iter().map(|run| run.text.as_str()).collect()
}

/// A text with a mark in the place of what no XML may hold, which a source has by number (`&#1;`) or as it is: a Word file
/// with one in it opens nowhere.
fn whole(text: &str) -> String {
    let fits = |c: char| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if fits(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// The source's events: raw HTML is text, and a line break is kept.
pub(super) fn events(source: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new_ext(source, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::SoftBreak => Event::HardBreak,
        other => other,
    })
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    runs: Vec<Run>,
    bold: usize,
    italic: usize,
    /// Numbers of the lists around, innermost last; none for bullets.
    lists: Vec<Option<u64>>,
    /// The marker of an item whose first text is still to come.
    marker: Option<String>,
    heading: Option<u8>,
    code: Option<String>,
    table: Vec<Vec<Vec<Run>>>,
    /// Where the link leads that is being read, and its text so far.
    link: Option<(String, String)>,
}

/// Reads a source.
pub fn blocks(source: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    events(source).for_each(|event| reader.take(event));
    reader.close();
    reader.blocks
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) => self.text(&text),
            Event::HardBreak | Event::SoftBreak => self.text("\n"),
            Event::Rule => {
                self.close();
                self.blocks.push(Block::Rule);
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.close();
                self.heading = Some(level as u8);
            }
            Tag::Paragraph | Tag::BlockQuote(_) | Tag::HtmlBlock => self.close(),
            Tag::List(first) => {
                self.close();
                self.lists.push(first);
            }
            Tag::Item => {
                self.close();
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}.", *number - 1)
                    }
                    _ => "\u{2022}".to_owned(),
                });
            }
            Tag::CodeBlock(_) => {
                self.close();
                self.code = Some(String::new());
            }
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Link { dest_url, .. } => self.link = Some((dest_url.to_string(), String::new())),
            Tag::TableHead | Tag::TableRow => self.table.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Item | TagEnd::HtmlBlock => self.close(),
            TagEnd::List(_) => {
                self.close();
                self.lists.pop();
            }
            TagEnd::CodeBlock => {
                if let Some(code) = self.code.take() {
                    self.blocks.push(Block::Code(code.trim_end_matches('\n').to_owned()));
                }
            }
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Link => {
                // On paper an address that is not shown is lost.
                if let Some((url, text)) = self.link.take()
                    && text != url
                {
                    self.text(&format!(" ({url})"));
                }
            }
            TagEnd::TableCell => {
                let runs = std::mem::take(&mut self.runs);
                if let Some(row) = self.table.last_mut() {
                    row.push(runs);
                }
            }
            TagEnd::Table => self.blocks.push(Block::Table(std::mem::take(&mut self.table))),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let text = &whole(text);
        if let Some(code) = &mut self.code {
            code.push_str(text);
            return;
        }
        if let Some((_, link)) = &mut self.link {
            link.push_str(text);
        }
        let (bold, italic) = (self.bold > 0, self.italic > 0);
        match self.runs.last_mut() {
            Some(run) if run.bold == bold && run.italic == italic => run.text.push_str(text),
            _ => self.runs.push(Run { text: text.to_owned(), bold, italic }),
        }
    }

    /// Ends the block that is being read, if it has text.
    fn close(&mut self) {
        if self.runs.is_empty() {
            return;
        }
        let runs = std::mem::take(&mut self.runs);
        let depth = self.lists.len();
        let block = if let Some(level) = self.heading.take() {
            Block::Heading(level, runs)
        } else if let Some(marker) = self.marker.take() {
            Block::Item { depth, marker, runs }
        } else if depth > 0 {
            // A further paragraph of an item.
            Block::Item { depth, marker: String::new(), runs }
        } else {
            Block::Paragraph(runs)
        };
        self.blocks.push(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Run {
        Run { text: text.to_owned(), ..Run::default() }
    }

    #[test]
    fn a_letter_is_read_into_its_blocks() {
        let source = "# 标题\n\n第一行\n第二**行**\n\n1. one\n2. two\n   - in\n\n| 产品 | 版本 |\n|---|---|\n| a | 1 |\n\n```\nx = 1\n```\n";
        let bold = Run { text: "行".to_owned(), bold: true, italic: false };
        let item = |depth, marker: &str, text: &str| Block::Item {
            depth,
            marker: marker.to_owned(),
            runs: vec![run(text)],
        };
        assert_eq!(
            blocks(source),
            [
                Block::Heading(1, vec![run("标题")]),
                Block::Paragraph(vec![run("第一行\n第二"), bold]),
                item(1, "1.", "one"),
                item(1, "2.", "two"),
                item(2, "\u{2022}", "in"),
                Block::Table(vec![
                    vec![vec![run("产品")], vec![run("版本")]],
                    vec![vec![run("a")], vec![run("1")]],
                ]),
                Block::Code("x = 1".to_owned()),
            ]
        );
    }

    #[test]
    fn raw_html_is_text_and_addresses_are_shown() {
        let read = blocks("<b>x</b> [our page](https://example.org) <https://example.org/>");
        let Block::Paragraph(runs) = &read[0] else { panic!("{read:?}") };
        assert_eq!(plain(runs), "<b>x</b> our page (https://example.org) https://example.org/");
    }
}
