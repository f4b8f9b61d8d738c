//! What a picture looks like, in hashes that stay nearly the same when it is saved anew, resized, cropped a little, framed or
//! marked. Pure, and bounded whatever the bytes are.

use std::collections::BTreeSet;
use std::io::{BufRead, Cursor, Error, Read, Result as IoResult, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};

use entity::vocabulary::PictureVerdict as Verdict;
use image::imageops::{crop_imm, thumbnail};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use image_hasher::{HashAlg, Hasher, HasherConfig};

use super::memory;

/// Bytes by which the format is told.
pub const HEAD: usize = 64;
/// Bytes of a hash.
pub const LENGTH: usize = 18;
/// A hash of a picture, or of what is left of it when some of its edge is cut off.
pub type Hash = [u8; LENGTH];

/// Longest side of a picture that is read, in pixels.
const SIDE: u32 = 20_000;
/// Most pixels of a picture that is read.
const PIXELS: u64 = 40_000_000;
/// Most bytes that are held while it is read, the file among them.
const MEMORY: u64 = 256 << 20;
/// Longest side of what is looked at, in pixels.
const LOOKED_AT: u32 = 256;
/// Shortest side of what is looked at, without its frame.
const LEAST: u32 = 16;
/// Least difference between the darkest and the lightest of it.
const CONTRAST: u8 = 24;
/// Difference up to which a line is of one colour.
const ONE_COLOUR: u8 = 10;
/// Frames, one in the other, that are taken off.
const FRAMES: usize = 3;
/// How much is cut off an edge for a further hash, in thousandths of the side.
const CUT: u32 = 40;
/// Which edges are cut off for each hash: left 1, top 2, right 4, bottom 8; the whole comes first.
const EDGES: [u32; 6] = [0, 1, 2, 4, 8, 15];
/// Bits of a hash.
const BITS: u32 = 144;
/// Bits in which two hashes of the same picture differ at most: what people do to a screenshot takes up to 18 of those that the tests draw,
/// and unlike ones differ in 40 and more.
const APART: u32 = 24;
/// Bytes of a piece of a hash.
const PIECE: usize = 2;

/// What a file shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What came of it.
    pub verdict: Verdict,
    /// Pixels from left to right and from top to bottom, where they are known.
    pub size: Option<(u32, u32)>,
    /// Of the whole and with cut edges; where it has a frame, then the same without that. None unless it is compared.
    pub hashes: Vec<Hash>,
}

impl Looked {
    /// A file that is not compared.
    pub fn not_compared(verdict: Verdict) -> Self {
        Self { verdict, size: None, hashes: Vec::new() }
    }
}

/// The format that the first bytes tell.
///
/// # Errors
/// The verdict when they are no picture's, or one of a format that is not read.
pub fn format(head: &[u8]) -> Result<ImageFormat, Verdict> {
    match image::guess_format(head) {
        Ok(format) if format.reading_enabled() => Ok(format),
        Ok(_) => Err(Verdict::NotRead),
        // What is a picture to other programs.
        Err(_) if infer::is_image(head) => Err(Verdict::NotRead),
        Err(_) => Err(Verdict::NotAPicture),
    }
}

/// What these bytes show; `stop` ends the reading at its next step.
pub fn look(bytes: &[u8], format: ImageFormat, stop: &AtomicBool) -> Looked {
    let (size, read) = read(bytes, format, stop);
    let verdict = match read {
        Ok(seen) => {
            let hashes: Vec<Hash> = seen.iter().filter_map(hashes).flatten().collect();
            if !hashes.is_empty() {
                return Looked { verdict: Verdict::Compared, size, hashes };
            }
            Verdict::Plain
        }
        Err(_) if stop.load(Ordering::Relaxed) => Verdict::TooSlow,
        Err(ImageError::Limits(_)) => Verdict::TooLarge,
        Err(ImageError::Unsupported(_)) => Verdict::NotRead,
        Err(_) => Verdict::Damaged,
    };
    Looked { size, ..Looked::not_compared(verdict) }
}

/// Width and height, in pixels.
type Size = (u32, u32);

/// The size of a picture; and the picture in grey and no larger than it is looked at, as it is and without its frame.
fn read(
    bytes: &[u8],
    format: ImageFormat,
    stop: &AtomicBool,
) -> (Option<Size>, Result<Vec<GrayImage>, ImageError>) {
    let mut reader = ImageReader::with_format(Stoppable { bytes: Cursor::new(bytes), stop }, format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    // What stands before the picture, such as a packed colour profile.
    limits.max_alloc = Some(memory::HEAD);
    reader.limits(limits.clone());
    let mut decoder = match reader.into_decoder() {
        Ok(decoder) => decoder,
        Err(error) => return (None, Err(error)),
    };
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let held = memory::held(bytes, format, (width, height), decoder.color_type());
    let left = MEMORY.checked_sub(held).filter(|_| pixels <= PIXELS);
    let Some(left) = left else {
        let kind = image::error::LimitErrorKind::DimensionError;
        return (Some((width, height)), Err(ImageError::Limits(image::error::LimitError::from_kind(kind))));
    };
    // What a file says further on, such as a frame larger than its picture, has what is left.
    limits.max_alloc = Some(left.max(memory::HEAD));
    if let Err(error) = decoder.set_limits(limits) {
        return (Some((width, height)), Err(error));
    }
    // A picture that says how it is to be turned is saved anew as it is seen. What says it wrongly is not turned.
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let seen = DynamicImage::from_decoder(decoder).map(|picture| {
        let whole = picture.into_luma8();
        // A frame is taken off before its edge is blurred.
        let inner = without_frame(&whole);
        let as_seen = |picture| {
            let mut small = DynamicImage::ImageLuma8(scaled_down(picture));
            small.apply_orientation(turned);
            small.into_luma8()
        };
        [Some(&whole), inner.as_ref()].into_iter().flatten().map(as_seen).collect()
    });
    (Some((width, height)), seen)
}

fn scaled_down(grey: &GrayImage) -> GrayImage {
    let (width, height) = grey.dimensions();
    let longest = width.max(height);
    if longest <= LOOKED_AT {
        return grey.clone();
    }
    let scaled = |side: u32| {
        let side = (u64::from(side) * u64::from(LOOKED_AT) / u64::from(longest)).max(1);
        u32::try_from(side).unwrap_or(LOOKED_AT)
    };
    thumbnail(grey, scaled(width), scaled(height))
}

/// Bytes that can no longer be read once somebody says so.
struct Stoppable<'a> {
    bytes: Cursor<&'a [u8]>,
    stop: &'a AtomicBool,
}

impl Stoppable<'_> {
    fn go_on(&self) -> IoResult<()> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::other("it took too long")) } else { Ok(()) }
    }
}

impl Read for Stoppable<'_> {
    fn read(&mut self, into: &mut [u8]) -> IoResult<usize> {
        self.go_on()?;
        self.bytes.read(into)
    }
}

impl BufRead for Stoppable<'_> {
    fn fill_buf(&mut self) -> IoResult<&[u8]> {
        self.go_on()?;
        self.bytes.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.consume(amount);
    }
}

impl Seek for Stoppable<'_> {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        self.go_on()?;
        self.bytes.seek(to)
    }
}

/// The hashes of a picture; none where too little is to be seen.
fn hashes(seen: &GrayImage) -> Option<Vec<Hash>> {
    let (width, height) = seen.dimensions();
    let (darkest, lightest) =
        seen.as_raw().iter().fold((u8::MAX, 0), |(least, most), grey| (least.min(*grey), most.max(*grey)));
    if width.min(height) < LEAST || lightest.saturating_sub(darkest) < CONTRAST {
        return None;
    }
    let hasher = hasher();
    let mut hashes = Vec::new();
    for edges in EDGES {
        let cut = |edge: u32, side: u32| if edges & edge == 0 { 0 } else { side * CUT / 1000 };
        let (left, top, right, bottom) = (cut(1, width), cut(2, height), cut(4, width), cut(8, height));
        let part = crop_imm(seen, left, top, width - left - right, height - top - bottom).to_image();
        hashes.push(hasher.hash_image(&DynamicImage::ImageLuma8(part)).as_bytes().try_into().ok()?);
    }
    Some(hashes)
}

fn hasher() -> Hasher {
    HasherConfig::new().hash_size(12, 12).preproc_dct().hash_alg(HashAlg::Median).to_hasher()
}

/// The picture without lines of one colour at its edges; none where it has no such lines.
fn without_frame(picture: &GrayImage) -> Option<GrayImage> {
    let (mut x, mut y, mut width, mut height) = (0, 0, picture.width(), picture.height());
    for _ in 0..FRAMES {
        let of_one_colour = |place: &dyn Fn(u32, u32) -> (u32, u32), lines: u32, length: u32| {
            let at = |line: u32, along: u32| {
                let (right, down) = place(line, along);
                picture.get_pixel(x + right, y + down).0[0]
            };
            let is_of_one = |line: &u32| {
                let colour = at(0, length / 2);
                let others =
                    (0..length).filter(|along| at(*line, *along).abs_diff(colour) > ONE_COLOUR).count();
                // What was saved anew has a few others.
                u32::try_from(others).unwrap_or(u32::MAX).saturating_mul(200) <= length
            };
            u32::try_from((0..lines / 3).take_while(is_of_one).count()).unwrap_or_default()
        };
        let top = of_one_colour(&|line, along| (along, line), height, width);
        let bottom = of_one_colour(&|line, along| (along, height - 1 - line), height, width);
        let left = of_one_colour(&|line, along| (line, along), width, height);
        let right = of_one_colour(&|line, along| (width - 1 - line, along), width, height);
        if top + bottom + left + right == 0 {
            break;
        }
        (x, y, width, height) = (x + left, y + top, width - left - right, height - top - bottom);
    }
    ((width, height) != picture.dimensions()).then(|| crop_imm(picture, x, y, width, height).to_image())
}

/// The pieces of hashes under which a picture is found, each once. A piece that is all of one bit is many pictures'.
pub fn bands(hashes: &[Hash]) -> BTreeSet<i64> {
    let pieces = hashes.iter().flat_map(|hash| hash.chunks_exact(PIECE).enumerate());
    let telling = pieces.filter(|(_, piece)| piece.iter().any(|byte| !matches!(*byte, 0 | u8::MAX)));
    let band = |(place, piece): (usize, &[u8])| {
        let bits = piece.iter().fold(0, |bits, byte| bits << 8 | i64::from(*byte));
        i64::try_from(place).unwrap_or_default() << (8 * PIECE) | bits
    };
    telling.map(band).collect()
}

/// How much of two pictures is alike, in per cent, where it is the same picture: one may be a part of the other.
pub fn alike(own: &[Hash], other: &[Hash]) -> Option<u32> {
    let apart =
        |one: &Hash, two: &Hash| one.iter().zip(two).map(|(one, two)| (one ^ two).count_ones()).sum::<u32>();
    let least = |wholes: &[Hash], all: &[Hash]| {
        let wholes = wholes.chunks(EDGES.len()).filter_map(<[Hash]>::first);
        wholes.flat_map(|whole| all.iter().map(move |part| apart(whole, part))).min()
    };
    let least = least(own, other)?.min(least(other, own)?);
    (least <= APART).then_some(100 - least * 100 / BITS)
}
