//! What a picture shows, as far as it is looked at. Pure, and bounded whatever the bytes are.

use std::io::{BufRead, Cursor, Error, Read, Result as IoResult, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};

use entity::vocabulary::PictureVerdict as Verdict;
use image::imageops::{crop_imm, thumbnail};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::memory;
use super::view::View;

/// Bytes by which the format is told.
pub const HEAD: usize = 64;

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

/// What a file shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What came of it.
    pub verdict: Verdict,
    /// Pixels from left to right and from top to bottom, where they are known.
    pub size: Option<(u32, u32)>,
    /// Of the whole; where it has a frame, then of it without that. None unless it is compared.
    pub views: Vec<View>,
}

impl Looked {
    /// A file that is not compared.
    pub fn not_compared(verdict: Verdict) -> Self {
        Self { verdict, size: None, views: Vec::new() }
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
            let views: Vec<View> = seen.iter().filter(|seen| tells(seen)).filter_map(View::of).collect();
            if !views.is_empty() {
                return Looked { verdict: Verdict::Compared, size, views };
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

/// Whether there is enough to be seen.
fn tells(seen: &GrayImage) -> bool {
    let (darkest, lightest) =
        seen.as_raw().iter().fold((u8::MAX, 0), |(least, most), grey| (least.min(*grey), most.max(*grey)));
    seen.width().min(seen.height()) >= LEAST && lightest.saturating_sub(darkest) >= CONTRAST
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
