//! PDF: blocks laid out on A4 pages.
//!
//! One glyph a character, which suits Chinese and Latin letters; lines are broken where Unicode allows it (UAX 14). The
//! fonts are embedded as subsets, and the text can be selected and searched. A letter with a character that no font has is
//! refused, and names it: what somebody answers for is not sent with holes. In a report such a character is a box.

#![allow(clippy::float_arithmetic, reason = "positions on a page")]

use std::collections::{BTreeSet, HashMap};

use krilla::Document;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::text::{GlyphId, KrillaGlyph};
use unicode_linebreak::{BreakOpportunity, linebreaks};

use super::chart::{Chart, INK};
use super::fonts::{FontError, Fonts, Glyph};
use super::markdown::{Block, Run, blocks};
use super::{MAX_SOURCE, Part, RenderError};
use crate::text::is_unseen;

/// A4 and its margin, in points.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 62.0;
/// Size of text, and of headings by level.
const TEXT: f32 = 10.5;
const HEADINGS: [f32; 6] = [18.0, 15.0, 13.0, 12.0, 11.0, 10.5];
/// Distance of base lines, as a part of the size.
const LEADING: f32 = 1.6;
/// Space after a block.
const GAP: f32 = 6.0;
/// Indent of one level of a list.
const INDENT: f32 = 18.0;
/// Space between two columns of a table.
const COLUMN_GAP: f32 = 8.0;
/// Columns of a table between which a page leaves room for two characters each.
const MAX_COLUMNS: usize = 16;
/// Size of the text of charts, length of standing bars, and room for the labels and numbers of lying ones.
const SMALL: f32 = 9.0;
const BARS: f32 = 90.0;
const BAR_LABEL: f32 = 130.0;
const BAR_NUMBER: f32 = 40.0;
/// A source of the greatest length may have as many lines as this; no letter has.
const MAX_PAGES: usize = 500;

/// A character at its place in the line.
#[derive(Clone, Copy)]
struct Placed {
    character: char,
    glyph: Glyph,
    bold: bool,
}

type Line = Vec<Placed>;

/// The document as a PDF.
///
/// # Errors
/// When it is too long, no font has one of its characters, or the writer fails.
pub fn render(title: &str, language: &str, source: &str, fonts: &Fonts) -> Result<Vec<u8>, RenderError> {
    letter(source, fonts)?.write(title, language)
}

/// Whether [`render`] can lay the document out.
///
/// # Errors
/// Those of [`render`], save the writer's.
pub fn check(source: &str, fonts: &Fonts) -> Result<(), RenderError> {
    letter(source, fonts).map(drop)
}

/// A report as a PDF.
///
/// # Errors
/// When it is too long, there is no font at all, or the writer fails.
pub fn report(title: &str, language: &str, parts: &[Part], fonts: &Fonts) -> Result<Vec<u8>, RenderError> {
    lay_out(parts, fonts)?.write(title, language)
}

fn letter<'a>(source: &str, fonts: &'a Fonts) -> Result<Layout<'a>, RenderError> {
    let layout = lay_out(&[Part::Text(source.to_owned())], fonts)?;
    if layout.missing.is_empty() { Ok(layout) } else { Err(FontError::Missing(layout.missing).into()) }
}

fn lay_out<'a>(parts: &[Part], fonts: &'a Fonts) -> Result<Layout<'a>, RenderError> {
    if fonts.is_empty() {
        return Err(FontError::None.into());
    }
    if parts.iter().map(Part::length).sum::<usize>() > MAX_SOURCE {
        return Err(RenderError::TooLong);
    }
    let (glyphs, missing) = (HashMap::new(), BTreeSet::new());
    let mut layout = Layout { fonts, glyphs, missing, pages: vec![Page::default()], y: MARGIN, columns: 0 };
    for part in parts {
        match part {
            Part::Text(source) => {
                for block in blocks(source) {
                    layout.block(&block);
                }
            }
            Part::Chart(chart) => layout.chart(chart),
        }
    }
    if layout.pages.len() > MAX_PAGES {
        return Err(RenderError::TooLong);
    }
    if layout.columns > MAX_COLUMNS {
        return Err(RenderError::TooManyColumns { limit: MAX_COLUMNS });
    }
    Ok(layout)
}

/// How much of the most a value is, in thousandths of its length.
fn part(value: u64, most: u64) -> f32 {
    let thousandths = u128::from(value) * 1_000 / u128::from(most.max(1));
    f32::from(u16::try_from(thousandths).unwrap_or(1_000)) / 1_000.0
}

/// Glyphs of one font and weight in a row.
struct Piece {
    x: f32,
    y: f32,
    size: f32,
    face: usize,
    bold: bool,
    text: String,
    glyphs: Vec<KrillaGlyph>,
}

/// What stands on a page.
#[derive(Default)]
struct Page {
    pieces: Vec<Piece>,
    bars: Vec<Rect>,
}

struct Layout<'a> {
    fonts: &'a Fonts,
    glyphs: HashMap<char, Glyph>,
    /// Characters that no font has.
    missing: BTreeSet<char>,
    pages: Vec<Page>,
    /// Where the next line's top is.
    y: f32,
    /// Columns of the widest table.
    columns: usize,
}

impl Layout<'_> {
    /// The pages as a PDF.
    fn write(&self, title: &str, language: &str) -> Result<Vec<u8>, RenderError> {
        let mut document = Document::new();
        document.set_metadata(Metadata::new().title(title.to_owned()).language(language.to_owned()));
        let settings = PageSettings::from_wh(WIDTH, HEIGHT)
            .ok_or_else(|| RenderError::Writer("the page has no size".to_owned()))?;
        for page in &self.pages {
            let mut written = document.start_page_with(settings.clone());
            let mut surface = written.surface();
            let ink = || Fill { opacity: NormalizedF32::ONE, ..Fill::default() };
            let of_bars = rgb::Color::new(INK.0, INK.1, INK.2);
            surface.set_fill(Some(Fill { paint: of_bars.into(), ..ink() }));
            for bar in &page.bars {
                let mut path = PathBuilder::new();
                path.push_rect(*bar);
                if let Some(path) = path.finish() {
                    surface.draw_path(&path);
                }
            }
            surface.set_fill(Some(ink()));
            for piece in &page.pieces {
                surface
                    .set_stroke(piece.bold.then(|| Stroke { width: piece.size / 36.0, ..Stroke::default() }));
                if let Some(face) = self.fonts.face(piece.face) {
                    let start = Point::from_xy(piece.x, piece.y);
                    surface.draw_glyphs(
                        start,
                        &piece.glyphs,
                        face.font.clone(),
                        &piece.text,
                        piece.size,
                        false,
                    );
                }
            }
            surface.finish();
            written.finish();
        }
        document.finish().map_err(|error| RenderError::Writer(format!("{error:?}")))
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(level, runs) => {
                let size = HEADINGS[usize::from((*level).clamp(1, 6)) - 1];
                let runs: Vec<Run> = runs.iter().map(|run| Run { bold: true, ..run.clone() }).collect();
                self.y += GAP;
                self.text(&runs, size, MARGIN, WIDTH - 2.0 * MARGIN);
            }
            Block::Paragraph(runs) => self.text(runs, TEXT, MARGIN, WIDTH - 2.0 * MARGIN),
            Block::Item { depth, marker, runs } => {
                let indent = INDENT * f32::from(u8::try_from((*depth).min(8)).unwrap_or(8));
                let marker = self.lines(&[Run { text: marker.clone(), ..Run::default() }], TEXT, INDENT);
                let lines = self.lines(runs, TEXT, WIDTH - 2.0 * MARGIN - indent);
                self.room(TEXT * LEADING);
                let baseline = self.y + TEXT * 1.2;
                if let Some(marker) = marker.first() {
                    self.draw(marker, TEXT, MARGIN + indent - INDENT, baseline);
                }
                self.stack(&lines, TEXT, MARGIN + indent);
            }
            Block::Code(text) => {
                self.text(
                    &[Run { text: text.clone(), ..Run::default() }],
                    TEXT,
                    MARGIN + INDENT,
                    WIDTH - 2.0 * MARGIN - INDENT,
                );
            }
            Block::Table(rows) => self.table(rows),
            Block::Rule => self.y += GAP,
        }
        self.y += GAP;
    }

    fn table(&mut self, rows: &[Vec<Vec<Run>>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        self.columns = self.columns.max(columns);
        // Of more of them nothing is written.
        let count = f32::from(u8::try_from(columns.clamp(1, MAX_COLUMNS)).unwrap_or(u8::MAX));
        let width = (WIDTH - 2.0 * MARGIN - COLUMN_GAP * (count - 1.0)) / count;
        for (number, row) in rows.iter().enumerate() {
            let mut cells = Vec::new();
            for cell in row.iter().take(MAX_COLUMNS) {
                let bold = |run: &Run| Run { bold: run.bold || number == 0, ..run.clone() };
                cells.push(self.lines(&cell.iter().map(bold).collect::<Vec<_>>(), TEXT, width));
            }
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            for line in 0..height {
                self.room(TEXT * LEADING);
                let baseline = self.y + TEXT * 1.2;
                let mut x = MARGIN;
                for cell in &cells {
                    if let Some(line) = cell.get(line) {
                        self.draw(line, TEXT, x, baseline);
                    }
                    x += width + COLUMN_GAP;
                }
                self.y += TEXT * LEADING;
            }
        }
    }

    fn chart(&mut self, chart: &Chart) {
        let title = Run { text: chart.title.clone(), bold: true, ..Run::default() };
        self.room(
            TEXT * LEADING + if chart.upright { BARS + SMALL * LEADING * 2.0 } else { SMALL * LEADING },
        );
        self.text(&[title], TEXT, MARGIN, WIDTH - 2.0 * MARGIN);
        if chart.upright {
            self.standing(chart)
        } else {
            self.lying(chart)
        }
        self.y += GAP;
    }

    /// Bars below each other, each with its label before it and its number after it.
    fn lying(&mut self, chart: &Chart) {
        let room = WIDTH - 2.0 * MARGIN - BAR_LABEL - BAR_NUMBER;
        for (bar, (_, value)) in chart.bars.iter().enumerate() {
            self.room(SMALL * LEADING);
            let baseline = self.y + SMALL * 1.2;
            self.word(&chart.label(bar), BAR_LABEL - COLUMN_GAP, MARGIN, baseline);
            let length = room * part(*value, chart.most());
            self.bar(MARGIN + BAR_LABEL, baseline - SMALL * 0.8, length, SMALL * 0.9);
            self.word(&value.to_string(), BAR_NUMBER, MARGIN + BAR_LABEL + length + 4.0, baseline);
            self.y += SMALL * LEADING;
        }
    }

    /// Bars side by side, each with its number above it and its label below it, as far as there is room for these.
    fn standing(&mut self, chart: &Chart) {
        let count = f32::from(u16::try_from(chart.bars.len().max(1)).unwrap_or(u16::MAX));
        let width = (WIDTH - 2.0 * MARGIN) / count;
        let bottom = self.y + SMALL * LEADING + BARS;
        let size = SMALL.min(width * 0.75);
        for (bar, (_, value)) in chart.bars.iter().enumerate() {
            let x = MARGIN + width * f32::from(u16::try_from(bar).unwrap_or(u16::MAX));
            let height = BARS * part(*value, chart.most());
            self.bar(x + width * 0.1, bottom - height, width * 0.8, height);
            if *value > 0 {
                self.small(&value.to_string(), size, width, x + width * 0.1, bottom - height - 2.0);
            }
            self.small(&chart.label(bar), size, width, x + width * 0.1, bottom + size * 1.2);
        }
        self.y = bottom + SMALL * LEADING;
    }

    fn bar(&mut self, x: f32, y: f32, width: f32, height: f32) {
        // Nothing is no bar.
        let shape = Rect::from_xywh(x, y, width, height).filter(|_| width > 0.0 && height > 0.0);
        if let (Some(page), Some(shape)) = (self.pages.last_mut(), shape) {
            page.bars.push(shape);
        }
    }

    /// As much of a text as there is room for in one line.
    fn word(&mut self, text: &str, width: f32, x: f32, y: f32) {
        self.small(text, SMALL, width, x, y)
    }

    fn small(&mut self, text: &str, size: f32, width: f32, x: f32, y: f32) {
        let lines = self.lines(&[Run { text: text.to_owned(), ..Run::default() }], size, width);
        if let Some(line) = lines.first() {
            self.draw(line, size, x, y);
        }
    }

    fn text(&mut self, runs: &[Run], size: f32, x: f32, width: f32) {
        let lines = self.lines(runs, size, width);
        self.stack(&lines, size, x);
    }

    fn stack(&mut self, lines: &[Line], size: f32, x: f32) {
        for line in lines {
            self.room(size * LEADING);
            let baseline = self.y + size * 1.2;
            self.draw(line, size, x, baseline);
            self.y += size * LEADING;
        }
    }

    /// Begins a new page unless there is room for `height`.
    fn room(&mut self, height: f32) {
        if self.y + height > HEIGHT - MARGIN {
            self.pages.push(Page::default());
            self.y = MARGIN;
        }
    }

    /// Breaks runs into lines no wider than `width`.
    fn lines(&mut self, runs: &[Run], size: f32, width: f32) -> Vec<Line> {
        let text: String = runs.iter().map(|run| run.text.as_str()).collect();
        let mut bold = runs.iter().flat_map(|run| run.text.chars().map(|_| run.bold));
        let mut breaks = linebreaks(&text).peekable();
        let (mut lines, mut line, mut used) = (Vec::new(), Line::new(), 0.0_f32);
        // Where the line may end, and how wide the rest after that is.
        let mut allowed: Option<usize> = None;
        for (at, character) in text.char_indices() {
            let is_bold = bold.next().unwrap_or_default();
            if character != '\n' && !is_unseen(character) {
                let glyph = self.glyph(character);
                let advance = glyph.advance * size;
                if used + advance > width && !line.is_empty() && character != ' ' {
                    let rest = line.split_off(allowed.filter(|end| *end > 0).unwrap_or(line.len()));
                    lines.push(std::mem::replace(&mut line, rest));
                    used = line.iter().map(|placed| placed.glyph.advance * size).sum();
                    allowed = None;
                }
                line.push(Placed { character, glyph, bold: is_bold });
                used += advance;
            }
            let end = at + character.len_utf8();
            while let Some((place, kind)) = breaks.peek().copied().filter(|(place, _)| *place <= end) {
                breaks.next();
                if kind == BreakOpportunity::Mandatory && place < text.len() {
                    lines.push(std::mem::take(&mut line));
                    (used, allowed) = (0.0, None);
                } else {
                    allowed = Some(line.len());
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    fn glyph(&mut self, character: char) -> Glyph {
        if let Some(glyph) = self.glyphs.get(&character) {
            return *glyph;
        }
        let glyph = self.fonts.glyph(character).unwrap_or_else(|| {
            self.missing.insert(character);
            self.fonts.stand_in()
        });
        self.glyphs.insert(character, glyph);
        glyph
    }

    fn draw(&mut self, line: &Line, size: f32, x: f32, y: f32) {
        let (mut x, mut rest) = (x, line.as_slice());
        while let Some(first) = rest.first() {
            let alike = |placed: &Placed| placed.glyph.face == first.glyph.face && placed.bold == first.bold;
            let end = rest.iter().position(|placed| !alike(placed)).unwrap_or(rest.len());
            let (piece, after) = rest.split_at(end);
            let mut text = String::new();
            let mut glyphs = Vec::with_capacity(piece.len());
            let mut advance = 0.0;
            for placed in piece {
                let from = text.len();
                text.push(placed.character);
                advance += placed.glyph.advance * size;
                glyphs.push(KrillaGlyph::new(
                    GlyphId::new(placed.glyph.id),
                    placed.glyph.advance,
                    0.0,
                    0.0,
                    0.0,
                    from..text.len(),
                    None,
                ));
            }
            let (face, bold) = (first.glyph.face, first.bold);
            if let Some(page) = self.pages.last_mut() {
                page.pieces.push(Piece { x, y, size, face, bold, text, glyphs });
            }
            x += advance;
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::render::fonts::DEFAULT;

    /// What Poppler reads in a PDF.
    fn read_back(pdf: &[u8]) -> String {
        let mut reader = Command::new("pdftotext")
            .args(["-layout", "-", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("pdftotext reads PDFs back: scripts/test installs poppler-utils");
        reader.stdin.take().unwrap().write_all(pdf).unwrap();
        let output = reader.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    fn fonts() -> Fonts {
        Fonts::load(&DEFAULT.map(Into::into))
    }

    #[test]
    fn another_program_reads_what_was_written() {
        let source = "# 漏洞处置反馈\n\n经研判，编号 CNVD-2026-00001 的漏洞**确认**存在。\n\n| 产品 | 版本 |\n|---|---|\n| Edge Gateway | 5.1 |\n\n1. 已发布补丁\n";
        let pdf = render("反馈", "zh-CN", source, &fonts()).unwrap();
        let text = read_back(&pdf);
        for expected in ["漏洞处置反馈", "CNVD-2026-00001", "确认", "Edge Gateway", "5.1", "1.", "已发布补丁"]
        {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }

    #[test]
    fn a_table_has_all_of_its_columns_or_is_refused() {
        let table = |columns: usize| {
            let cells: Vec<_> = (1..=columns).map(|column| format!("c{column}")).collect();
            format!("| {} |\n|{}\n| {} |\n", cells.join(" | "), "---|".repeat(columns), cells.join(" | "))
        };
        let text = read_back(&render("宽表", "zh-CN", &table(MAX_COLUMNS), &fonts()).unwrap());
        for column in 1..=MAX_COLUMNS {
            let words = text.split_whitespace().filter(|word| *word == format!("c{column}"));
            assert_eq!(words.count(), 2, "c{column} in {text}");
        }
        let refused = render("宽表", "zh-CN", &table(MAX_COLUMNS + 1), &fonts()).unwrap_err();
        assert!(matches!(refused, RenderError::TooManyColumns { limit: MAX_COLUMNS }), "{refused}");
    }

    #[test]
    fn charts_have_their_labels_and_numbers_and_break_pages() {
        let bars = |count: u64| (1..=count).map(|bar| (format!("产品 {bar}"), bar * 7)).collect::<Vec<_>>();
        let parts = [
            Part::Text("# 月报\n".to_owned()),
            Part::Chart(Chart { title: "按产品".to_owned(), bars: bars(90), upright: false }),
            Part::Chart(Chart { title: "按日".to_owned(), bars: bars(31), upright: true }),
        ];
        let text = read_back(&report("月报", "zh-CN", &parts, &fonts()).unwrap());
        for expected in ["月报", "按产品", "按日", "产品 1 ", "产品 90", "630", "217"] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert!(text.matches('\u{c}').count() >= 3, "{text}");
    }

    #[test]
    fn long_text_is_broken_into_lines_and_pages_and_nothing_is_lost() {
        let source = "漏洞描述与影响范围 abcdefghij ".repeat(600);
        let pdf = render("x", "zh-CN", &source, &fonts()).unwrap();
        let read: String = read_back(&pdf).chars().filter(|c| !c.is_whitespace()).collect();
        let written: String = source.chars().filter(|c| !c.is_whitespace()).collect();
        assert_eq!(read, written);
    }

    #[test]
    fn without_a_font_the_error_says_what_to_install() {
        let refused = render("x", "zh-CN", "漏洞", &Fonts::default()).unwrap_err();
        assert!(refused.to_string().contains("fonts-wqy-microhei"), "{refused}");
        let latin = Fonts::load(&["/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf".into()]);
        assert_eq!(render("x", "en", &"a".repeat(MAX_SOURCE + 1), &latin), Err(RenderError::TooLong));
    }

    #[test]
    fn what_no_font_has_is_named_in_full_and_is_a_box_in_a_report() {
        let source = "# 修复 🦀\n\n- བོད 🦀\n\n| 产品 | 🧨 |\n|---|---|\n| 网关 | `🪤` |\n";
        let refused = render("x", "zh-CN", source, &fonts()).unwrap_err();
        assert_eq!(check(source, &fonts()), Err(refused.clone()));
        let missing = ['\u{f51}', '\u{f56}', '\u{f7c}', '🦀', '🧨', '🪤'];
        assert_eq!(refused, FontError::Missing(missing.into()).into());
        for expected in ["བ (U+0F56)", "🦀 (U+1F980)", "🪤 (U+1FAA4)"] {
            assert!(refused.to_string().contains(expected), "{refused}");
        }
        let many: String = ('\u{f40}'..='\u{f69}').collect();
        let refused = check(&many, &fonts()).unwrap_err().to_string();
        assert!(refused.contains("(U+0F49) and 32 more:"), "{refused}");

        let parts = [
            Part::Text(source.to_owned()),
            Part::Chart(Chart {
                title: "🦀".to_owned(),
                bars: vec![("网关 🦀".to_owned(), 3)],
                upright: false,
            }),
        ];
        let text = read_back(&report("月报", "zh-CN", &parts, &fonts()).unwrap());
        for expected in ["修复", "产品", "网关"] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        let drawn = |text: &str| {
            lay_out(&[Part::Text(text.to_owned())], &fonts()).unwrap().pages[0].pieces[0].glyphs.len()
        };
        assert_eq!(drawn("🦀🦀"), 2, "each leaves its place");
    }

    #[test]
    fn what_nobody_sees_needs_no_font() {
        let source = "零\u{200b}宽\u{feff} soft\u{ad}ware \u{26a0}\u{fe0f}";
        let text = read_back(&render("x", "zh-CN", source, &fonts()).unwrap());
        assert!(text.contains("零宽 software \u{26a0}"), "{text}");
    }
}
