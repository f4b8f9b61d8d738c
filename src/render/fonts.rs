//! The fonts that PDFs are written with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use krilla::text::Font;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// Where Debian's packages fonts-wqy-microhei, fonts-droid-fallback and fonts-dejavu-core put what has Chinese and
/// Latin letters.
pub const DEFAULT: [&str; 3] = [
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
];

/// Why a text has no font.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FontError {
    /// None of the files is there or is a font.
    #[error(
        "there is no font to write a PDF with: install one (on Debian fonts-wqy-microhei or fonts-droid-fallback) or name its file in replies.fonts"
    )]
    None,
    /// No font has these characters.
    #[error("no font for the PDF has {}: write it without, or have a font that has them added to replies.fonts", listed(.0))]
    Missing(BTreeSet<char>),
}

/// Characters that are named one by one; of more it is said how many.
const NAMED: usize = 10;

/// Characters with their code points, which tell those apart that cannot be shown.
fn listed(characters: &BTreeSet<char>) -> String {
    let named = characters.iter().take(NAMED).map(|c| format!("{c} (U+{:04X})", u32::from(*c)));
    let mut listed = named.collect::<Vec<_>>().join(", ");
    if characters.len() > NAMED {
        listed.push_str(&format!(" and {} more", characters.len() - NAMED));
    }
    listed
}

/// A font with what is measured of it.
pub(super) struct Face {
    pub(super) font: Font,
    data: Arc<Vec<u8>>,
}

/// Fonts in the order in which they are asked for a character.
#[derive(Clone, Default)]
pub struct Fonts(Arc<[Face]>);

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fonts({})", self.0.len())
    }
}

/// A character as it is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    /// Which font has it.
    pub(super) face: usize,
    /// Its number there.
    pub(super) id: u32,
    /// How wide it is, as a part of the font's size.
    pub(super) advance: f32,
}

impl Fonts {
    /// Reads those of `files` that are there. A file that is none of ours to read, or no font, is left out: only a
    /// text that then lacks a character cannot be written.
    pub fn load(files: &[PathBuf]) -> Self {
        Self(files.iter().filter_map(|file| face(file)).collect())
    }

    pub(super) fn face(&self, number: usize) -> Option<&Face> {
        self.0.get(number)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds a character in the first font that has it.
    pub(super) fn glyph(&self, character: char) -> Option<Glyph> {
        // What has no shape of its own is drawn as a space.
        let wanted = if character.is_control() { ' ' } else { character };
        self.0.iter().enumerate().find_map(|(number, face)| {
            let font = FontRef::from_index(&face.data, 0).ok()?;
            let id = font.charmap().map(wanted).filter(|id| id.to_u32() != 0)?;
            let metrics = font.glyph_metrics(Size::new(1.0), LocationRef::default());
            Some(Glyph { face: number, id: id.to_u32(), advance: metrics.advance_width(id)? })
        })
    }

    /// What is drawn in the place of a character that no font has: a box or a mark, or a font's own sign for that.
    pub(super) fn stand_in(&self) -> Glyph {
        let found = ['\u{25a1}', '\u{fffd}', '?'].into_iter().find_map(|character| self.glyph(character));
        found.unwrap_or(Glyph { face: 0, id: 0, advance: 0.5 })
    }
}

fn face(file: &Path) -> Option<Face> {
    let data = Arc::new(std::fs::read(file).ok()?);
    let font = Font::new(Arc::clone(&data).into(), 0)?;
    Some(Face { font, data })
}
