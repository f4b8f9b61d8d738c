//! Documents: one Markdown source rendered as text, HTML, DOCX and PDF.
//!
//! [`markdown`] reads the source into blocks once; the four writers agree because they all write these blocks (HTML
//! is written from the same events, and cleaned). Raw HTML in a source is text, pictures are their description, and a
//! line break in the source is one in the document: what people write in letters is lines.
//!
//! A report is such sources with charts between them ([`Part`]).

pub mod chart;
pub mod docx;
pub mod fonts;
pub mod html;
pub mod markdown;
pub mod pdf;
pub mod text;

pub use chart::Chart;
pub use fonts::{FontError, Fonts};

/// A part of a document, from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Markdown.
    Text(String),
    /// A chart.
    Chart(Chart),
}

impl Part {
    /// How long its source is, in bytes.
    fn length(&self) -> usize {
        match self {
            Self::Text(source) => source.len(),
            Self::Chart(chart) => chart.bars.iter().map(|(label, _)| label.len()).sum(),
        }
    }
}

/// Longest source, in bytes: what is rendered is a letter or a report, and work grows with its length.
pub const MAX_SOURCE: usize = 512 * 1024;

/// Why a document was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The source is longer than [`MAX_SOURCE`].
    #[error("the text is longer than {MAX_SOURCE} bytes")]
    TooLong,
    /// More paragraphs and table cells than a document may have.
    #[error("the document has more than {limit} paragraphs and table cells: shorten it")]
    TooManyPieces {
        /// As many as it may have.
        limit: usize,
    },
    /// A table is wider than a page.
    #[error("a PDF has tables of at most {limit} columns: make it narrower, or two of it")]
    TooManyColumns {
        /// As many as it may have.
        limit: usize,
    },
    /// No font for the text.
    #[error(transparent)]
    Font(#[from] FontError),
    /// The writer failed.
    #[error("the document cannot be written: {0}")]
    Writer(String),
}
