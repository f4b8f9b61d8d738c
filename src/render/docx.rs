//! Word documents.

use std::io::Cursor;

use docx_rs::{BreakType, Docx, Paragraph, Run as DocxRun, RunFonts, Table, TableCell, TableRow};

use super::RenderError;
use super::markdown::{Block, Run, blocks};

/// Fonts by name: Word has them, and other programs put theirs in place. Without an East Asian one, a program picks
/// any font for Chinese.
const LATIN: &str = "Arial";
const EAST_ASIAN: &str = "SimSun";
/// Sizes in half points, of text and of headings by level.
const TEXT: usize = 21;
const HEADINGS: [usize; 6] = [36, 30, 26, 24, 22, 21];
/// Indent of one level of a list, in twentieths of a point.
const INDENT: usize = 420;

/// Most paragraphs and cells of a document: each is some ten kilobytes of memory while it is written.
const MAX_PIECES: usize = 3_000;

/// The document as a Word file.
///
/// # Errors
/// When it is too long or cannot be packed.
pub fn render(source: &str) -> Result<Vec<u8>, RenderError> {
    let mut document = Docx::new().default_size(TEXT).default_fonts(fonts());
    for block in read(source)? {
        document = match block {
            Block::Heading(level, runs) => {
                let size = HEADINGS[usize::from(level.clamp(1, 6)) - 1];
                let paragraph =
                    add(Paragraph::new().outline_lvl(usize::from(level.max(1)) - 1), &runs, |run| {
                        run.size(size).bold()
                    });
                document.add_paragraph(paragraph)
            }
            Block::Paragraph(runs) => document.add_paragraph(add(Paragraph::new(), &runs, |run| run)),
            Block::Item { depth, marker, runs } => {
                let indent = i32::try_from(INDENT * depth).unwrap_or(i32::MAX);
                let paragraph = Paragraph::new().indent(Some(indent), None, None, None);
                let marker = Run { text: format!("{marker} "), ..Run::default() };
                let runs: Vec<Run> = std::iter::once(marker).chain(runs).collect();
                document.add_paragraph(add(paragraph, &runs, |run| run))
            }
            Block::Code(text) => {
                let runs = [Run { text, ..Run::default() }];
                document.add_paragraph(add(Paragraph::new(), &runs, |run| run))
            }
            Block::Table(rows) => document.add_table(table(&rows)).add_paragraph(Paragraph::new()),
            Block::Rule => document.add_paragraph(Paragraph::new()),
        };
    }
    let mut file = Cursor::new(Vec::new());
    document.build().pack(&mut file).map_err(|error| RenderError::Writer(error.to_string()))?;
    Ok(file.into_inner())
}

/// Whether [`render`] can write the document.
///
/// # Errors
/// When it is too long.
pub fn check(source: &str) -> Result<(), RenderError> {
    read(source).map(drop)
}

fn read(source: &str) -> Result<Vec<Block>, RenderError> {
    if source.len() > super::MAX_SOURCE {
        return Err(RenderError::TooLong);
    }
    let blocks = blocks(source);
    let pieces = blocks.iter().map(|block| match block {
        Block::Table(rows) => rows.iter().map(Vec::len).sum(),
        _ => 1,
    });
    if pieces.sum::<usize>() > MAX_PIECES {
        return Err(RenderError::TooManyPieces { limit: MAX_PIECES });
    }
    Ok(blocks)
}

fn fonts() -> RunFonts {
    RunFonts::new().ascii(LATIN).hi_ansi(LATIN).east_asia(EAST_ASIAN)
}

fn add(mut paragraph: Paragraph, runs: &[Run], style: impl Fn(DocxRun) -> DocxRun) -> Paragraph {
    for run in runs {
        let mut written = DocxRun::new().fonts(fonts());
        for (number, line) in run.text.split('\n').enumerate() {
            if number > 0 {
                written = written.add_break(BreakType::TextWrapping);
            }
            written = written.add_text(line);
        }
        if run.bold {
            written = written.bold();
        }
        if run.italic {
            written = written.italic();
        }
        paragraph = paragraph.add_run(style(written));
    }
    paragraph
}

fn table(rows: &[Vec<Vec<Run>>]) -> Table {
    let rows = rows.iter().enumerate().map(|(number, row)| {
        let cells = row.iter().map(|cell| {
            let head = |run: DocxRun| if number == 0 { run.bold() } else { run };
            TableCell::new().add_paragraph(add(Paragraph::new(), cell, head))
        });
        TableRow::new(cells.collect())
    });
    Table::new(rows.collect())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::Command;

    /// What LibreOffice reads in a document, as its own format in one XML file.
    fn read_back(docx: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("reply.docx"), docx).unwrap();
        let profile = format!("-env:UserInstallation=file://{}/profile", folder.path().display());
        let output = Command::new("soffice")
            .args([&profile, "--headless", "--convert-to", "fodt", "reply.docx"])
            .current_dir(folder.path())
            .output()
            .expect("LibreOffice reads documents back: scripts/test installs libreoffice-writer-nogui");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(folder.path().join("reply.fodt")).unwrap()
    }

    /// The text between the tags of the first such element, without further tags.
    fn first(document: &str, element: &str) -> String {
        let (_, rest) = document.split_once(&format!("<{element} ")).unwrap();
        let (inside, _) = rest.split_once(&format!("</{element}>")).unwrap();
        let pieces = inside.split('<').map(|piece| piece.split_once('>').map_or("", |(_, text)| text.trim()));
        pieces.collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_document_of_very_many_pieces_is_refused() {
        let row = format!("{}|\n", "| 1 ".repeat(60));
        let of = |rows: usize| format!("{row}{}|\n{}", "|---".repeat(60), row.repeat(rows));
        assert!(super::render(&of(49)).is_ok());
        let refused = super::render(&of(50)).unwrap_err();
        assert!(refused.to_string().contains("more than 3000"), "{refused}");
        assert!(super::render(&"a paragraph\n\n".repeat(3_001)).is_err());
    }

    #[test]
    fn another_program_reads_headings_tables_and_chinese() {
        let source = "# 漏洞处置反馈\n\n经研判，编号 CNVD-2026-00001 的漏洞**确认**存在。\n\n| 产品 | 版本 |\n|---|---|\n\
                      | Edge Gateway | 5.1 |\n\n1. 已发布补丁\n";
        let document = read_back(&super::render(source).unwrap());
        let (_, body) = document.split_once("<office:body>").unwrap();
        assert_eq!(first(body, "text:h"), "漏洞处置反馈", "a heading is a heading");
        assert_eq!(first(body, "table:table"), "产品版本Edge Gateway5.1", "a table is a table");
        for expected in ["CNVD-2026-00001", "确认", "已发布补丁"] {
            assert!(body.contains(expected), "{expected} in {body}");
        }
    }

    #[test]
    fn what_no_document_may_hold_is_a_mark_in_it() {
        let source = "a&#1;b \u{1b}c \u{fffe}d [e](https://example.org/&#2;)\n\n    f\u{0}g\n";
        let document = read_back(&super::render(source).unwrap());
        for expected in ["a\u{fffd}b \u{fffd}c \u{fffd}d e (https://example.org/\u{fffd})", "f\u{fffd}g"] {
            assert!(document.contains(expected), "{expected} in {document}");
        }
    }

    #[test]
    fn a_reader_finds_the_text_and_the_font() {
        let bytes =
            super::render("# 漏洞报告\n\na < b & **c**\n\n| 产品 | 版本 |\n|---|---|\n| 网关 | 1.0 |\n")
                .unwrap();
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut xml = String::new();
        archive.by_name("word/document.xml").unwrap().read_to_string(&mut xml).unwrap();
        let mut reader = quick_xml::Reader::from_str(&xml);
        let mut text = String::new();
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Text(words) => text.push_str(&words.xml10_content().unwrap()),
                quick_xml::events::Event::GeneralRef(name) => {
                    text.push_str(&format!("&{};", name.decode().unwrap()))
                }
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        for expected in ["漏洞报告", "a &lt; b &amp; ", "c", "产品", "网关"] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert!(xml.contains("w:eastAsia=\"SimSun\""), "{xml}");
    }
}
