//! The same picture is found whatever was done to it, unlike ones are not, and no bytes do harm.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entity::vocabulary::PictureVerdict as Verdict;
use image::imageops::{FilterType, crop_imm, replace, resize, rotate270};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use tokio::sync::Semaphore;

use super::rules::{format, look};
use super::view::{View, alike, bands, is_same};

/// Numbers that follow from a seed.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 33).unwrap() % bound
    }

    fn colour(&mut self) -> Rgb<u8> {
        Rgb([(); 3].map(|()| u8::try_from(self.below(256)).unwrap()))
    }
}

fn fill(picture: &mut RgbImage, (x, y): (u32, u32), (width, height): (u32, u32), colour: Rgb<u8>) {
    let (right, bottom) = ((x + width).min(picture.width()), (y + height).min(picture.height()));
    (y..bottom).for_each(|y| (x..right).for_each(|x| picture.put_pixel(x, y, colour)));
}

/// A picture like a screenshot: bars, boxes and lines of words.
pub(crate) fn screenshot(seed: u64) -> RgbImage {
    let mut drawn = Drawn(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..5 {
        drawn.below(9);
    }
    let (width, height) = (450 + drawn.below(350), 300 + drawn.below(200));
    let (paper, ink) = if drawn.below(4) == 0 { (30, 200) } else { (245, 40) };
    let mut picture = RgbImage::from_pixel(width, height, Rgb([paper; 3]));
    let bar = drawn.colour();
    fill(&mut picture, (0, 0), (width, 15 + drawn.below(25)), bar);
    if drawn.below(2) == 0 {
        fill(&mut picture, (0, 0), (50 + drawn.below(75), height), bar);
    }
    for _ in 0..4 + drawn.below(10) {
        let at = (drawn.below(width), drawn.below(height));
        let size = (20 + drawn.below(200), 10 + drawn.below(125));
        fill(&mut picture, at, size, drawn.colour());
    }
    let mut y = 45;
    while y + 10 < height {
        let mut x = 60 + drawn.below(30);
        let end = x + drawn.below(width - 75);
        while x < end {
            let length = 2 + drawn.below(5);
            fill(&mut picture, (x, y), (length, 5), Rgb([ink; 3]));
            x += length + 2 + drawn.below(2);
        }
        y += 8 + drawn.below(6);
    }
    picture
}

pub(crate) fn saved(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture.clone()).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg(picture: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture).unwrap();
    image::load_from_memory(&bytes).unwrap().to_rgb8()
}

fn scaled(picture: &RgbImage, part: u32, of: u32) -> RgbImage {
    resize(picture, picture.width() * part / of, picture.height() * part / of, FilterType::Triangle)
}

/// Without so many thousandths at the left, top, right and bottom.
fn cropped(picture: &RgbImage, [left, top, right, bottom]: [u32; 4]) -> RgbImage {
    let (width, height) = picture.dimensions();
    let of = |side: u32, part: u32| side * part / 1000;
    let (x, y) = (of(width, left), of(height, top));
    crop_imm(picture, x, y, width - x - of(width, right), height - y - of(height, bottom)).to_image()
}

fn framed(picture: &RgbImage, wide: u32, grey: u8) -> RgbImage {
    let size = (picture.width() + 2 * wide, picture.height() + 2 * wide);
    let mut frame = RgbImage::from_pixel(size.0, size.1, Rgb([grey; 3]));
    replace(&mut frame, picture, wide.into(), wide.into());
    frame
}

/// With a grey word across each of sixteen places, which covers three tenths of what is under it.
fn marked(picture: &RgbImage) -> RgbImage {
    let mut marked = picture.clone();
    let (width, height) = picture.dimensions();
    for place in 0..16 {
        let (left, top) = (place % 4 * width / 4 + 10, place / 4 * height / 4 + 15);
        for letter in 0..8 {
            for (x, y) in (0..4).flat_map(|x| (0..8).map(move |y| (x, y))) {
                let (x, y) = (left + letter * 8 + x, top + y + letter * 2);
                if x < width && y < height {
                    let cover = |under: u8| u8::try_from((u32::from(under) * 7 + 128 * 3) / 10).unwrap();
                    let pixel = marked.get_pixel_mut(x, y);
                    pixel.0 = pixel.0.map(cover);
                }
            }
        }
    }
    marked
}

fn seen(bytes: &[u8]) -> super::Looked {
    match format(bytes) {
        Ok(format) => look(bytes, format, &AtomicBool::new(false)),
        Err(verdict) => super::Looked::not_compared(verdict),
    }
}

fn views(picture: &RgbImage) -> Vec<View> {
    let looked = seen(&saved(picture, ImageFormat::Bmp));
    assert_eq!(looked.verdict, Verdict::Compared);
    looked.views
}

/// What people do to a screenshot, on purpose or not.
type Change = (&'static str, fn(&RgbImage) -> RgbImage);

const CHANGES: [Change; 15] = [
    ("saved as a poor JPEG", |picture| jpeg(picture, 40)),
    ("half as large", |picture| scaled(picture, 1, 2)),
    ("a third as large", |picture| scaled(picture, 1, 3)),
    ("larger", |picture| scaled(picture, 3, 2)),
    ("cropped at the left", |picture| cropped(picture, [50, 0, 0, 0])),
    ("cropped at the top", |picture| cropped(picture, [0, 50, 0, 0])),
    ("cropped at the right", |picture| cropped(picture, [0, 0, 50, 0])),
    ("cropped at the bottom", |picture| cropped(picture, [0, 0, 0, 50])),
    ("cropped all around", |picture| cropped(picture, [25; 4])),
    ("cropped at two edges", |picture| cropped(picture, [30, 30, 0, 0])),
    ("in a white frame", |picture| framed(picture, 10, 255)),
    ("in a black frame", |picture| framed(picture, 20, 0)),
    ("marked", marked),
    ("marked, smaller and saved as a JPEG", |picture| jpeg(&scaled(&marked(picture), 1, 2), 50)),
    ("cropped, framed and saved as a JPEG", |picture| {
        jpeg(&framed(&cropped(picture, [0, 40, 0, 40]), 8, 255), 60)
    }),
];

/// Whether the picture is found among others and taken for the same, whichever of both came first.
fn is_found(own: &[View], other: &[View]) -> bool {
    !bands(own).is_disjoint(&bands(other)) && alike(own, other).is_some() && is_same(own, other)
}

#[test]
fn a_picture_is_found_whatever_was_done_to_it() {
    let mut missed = Vec::new();
    for seed in 0..6 {
        let picture = screenshot(seed);
        let own = views(&picture);
        for (what, change) in CHANGES {
            let changed = views(&change(&picture));
            if !is_found(&own, &changed) || !is_found(&changed, &own) {
                missed.push(format!("{seed} {what}"));
            }
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// A JPEG that says that it is to be turned by a quarter, clockwise.
fn to_be_turned(picture: &RgbImage) -> Vec<u8> {
    let turned = saved(&rotate270(picture), ImageFormat::Jpeg);
    let mut says =
        b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    says.splice(0..0, turned[..2].iter().copied());
    [says, turned[2..].to_vec()].concat()
}

#[test]
fn a_picture_is_looked_at_as_it_is_seen() {
    let picture = screenshot(2);
    let looked = seen(&to_be_turned(&picture));
    assert!(is_found(&views(&picture), &looked.views));
    assert!(!is_found(&views(&rotate270(&picture)), &looked.views));
    // What is broken of what it says turns nothing, and is no fault of the picture.
    let mut broken = to_be_turned(&picture);
    broken[16..20].fill(0xff);
    assert_eq!(seen(&broken).verdict, Verdict::Compared);
}

#[test]
fn of_fifty_unlike_pictures_none_is_taken_for_another() {
    let all: Vec<_> = (0..50).map(|seed| views(&screenshot(seed))).collect();
    for (place, own) in all.iter().enumerate() {
        for (other_place, other) in all[..place].iter().enumerate() {
            assert_eq!(alike(own, other), None, "{place} is like {other_place}");
        }
    }
}

/// A screen of a program, whose bars are on all of its screens.
fn page(seed: u64) -> RgbImage {
    let mut drawn = Drawn(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..5 {
        drawn.below(9);
    }
    let (width, height) = (680, 384);
    let mut picture = RgbImage::from_pixel(width, height, Rgb([250; 3]));
    fill(&mut picture, (0, 0), (width, 30), Rgb([60, 80, 160]));
    fill(&mut picture, (0, 30), (110, height), Rgb([40, 44, 52]));
    for line in 0..12 {
        fill(&mut picture, (10, 45 + line * 20), (60, 4), Rgb([220; 3]));
    }
    let mut y = 45;
    while y + 10 < height {
        let (mut x, end) = (125, 180 + drawn.below(480));
        while x < end {
            let length = 2 + drawn.below(5);
            fill(&mut picture, (x, y), (length, 5), Rgb([30; 3]));
            x += length + 2 + drawn.below(2);
        }
        y += 12;
        if drawn.below(8) == 0 {
            let size = (100 + drawn.below(350), 20 + drawn.below(40));
            fill(&mut picture, (125, y), size, drawn.colour());
            y += size.1 + 5;
        }
    }
    picture
}

#[test]
fn screens_of_one_program_are_told_apart_and_each_is_known_again() {
    let all: Vec<_> = (0..12).map(|seed| views(&page(seed))).collect();
    let mut from_afar = 0;
    for (place, own) in all.iter().enumerate() {
        for (other_place, other) in all[..place].iter().enumerate() {
            from_afar += u32::from(alike(own, other).is_some());
            assert!(alike(own, other).is_none() || !is_same(own, other), "{place} is {other_place}");
        }
    }
    assert!(from_afar > 0, "from afar they look alike");
    for seed in 0..2 {
        let picture = page(seed);
        for (what, change) in CHANGES {
            assert!(is_found(&views(&picture), &views(&change(&picture))), "{seed} {what}");
        }
    }
}

#[test]
fn what_is_kept_reads_back() {
    let looked = views(&framed(&screenshot(1), 12, 255));
    assert_eq!(looked.len(), 2);
    assert_eq!(View::decode(&View::encode(&looked)), looked);
}

#[test]
fn formats_are_told_by_the_bytes() {
    let picture = screenshot(3);
    let own = views(&picture);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp]
    {
        let looked = seen(&saved(&picture, format));
        assert_eq!(
            (looked.verdict, looked.size),
            (Verdict::Compared, Some(picture.dimensions())),
            "{format:?}"
        );
        assert!(is_found(&own, &looked.views), "{format:?}");
    }
    for (bytes, verdict) in [
        (b"#!/bin/sh\necho it is a picture.png".as_slice(), Verdict::NotAPicture),
        (b"PK\x03\x04 an archive that is called picture.png", Verdict::NotAPicture),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", Verdict::NotAPicture),
        (b"II*\x00\x08\x00\x00\x00 a TIFF file, which is not read", Verdict::NotRead),
        (b"", Verdict::NotAPicture),
    ] {
        assert_eq!(seen(bytes).verdict, verdict, "{}", String::from_utf8_lossy(bytes));
    }
}

/// A PNG of these dimensions by its header, with nothing in it.
fn png_that_says(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = saved(&RgbImage::new(1, 1), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[test]
fn no_bytes_do_harm() {
    let whole = saved(&screenshot(5), ImageFormat::Png);
    assert_eq!(seen(&saved(&RgbImage::new(1, 65_535), ImageFormat::Png)).verdict, Verdict::TooLarge);
    assert_eq!(seen(&png_that_says(0x7fff_ffff, 0x7fff_ffff)).verdict, Verdict::TooLarge);
    let huge = seen(&png_that_says(19_999, 19_999));
    assert_eq!(
        (huge.verdict, huge.size),
        (Verdict::TooLarge, Some((19_999, 19_999))),
        "before a pixel is read"
    );
    assert_eq!(seen(&png_that_says(600, 600)).verdict, Verdict::Damaged, "it says more than it holds");
    let mut step = 40;
    while step < whole.len() {
        assert_eq!(seen(&whole[..step]).verdict, Verdict::Damaged, "cut off after {step} bytes");
        step += whole.len() / 7;
    }
    // What follows a picture belongs to another format; the picture is one nevertheless.
    let polyglot = [whole.as_slice(), b"PK\x03\x04<script>alert(1)</script>"].concat();
    assert_eq!(seen(&polyglot).verdict, Verdict::Compared);
    for other in [ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp] {
        let bytes = saved(&screenshot(6), other);
        let cut = seen(&bytes[..bytes.len() / 2]).verdict;
        assert!(matches!(cut, Verdict::Damaged | Verdict::Compared), "{other:?}: {cut:?}");
        let mut noise = Drawn(7);
        let broken: Vec<u8> = bytes.iter().map(|byte| byte ^ u8::from(noise.below(50) == 0)).collect();
        let _ = seen(&broken);
    }
    for plain in [RgbImage::from_pixel(800, 600, Rgb([255; 3])), RgbImage::new(9, 9)] {
        assert_eq!(seen(&saved(&plain, ImageFormat::Png)).verdict, Verdict::Plain);
    }
}

/// An animated WebP of these dimensions, its one frame all of one colour.
fn animated_webp(width: u32, height: u32) -> Vec<u8> {
    let three = |number: u32| number.to_le_bytes()[..3].to_vec();
    let chunk = |name: &[u8], body: Vec<u8>| {
        let size = u32::try_from(body.len()).unwrap().to_le_bytes();
        [name, &size, &body, if body.len() % 2 == 1 { &[0][..] } else { &[] }].concat()
    };
    let bits: u32 = (width - 1) | (height - 1) << 14;
    // Five codes of one symbol each.
    let lossless = [&[0x2f][..], &bits.to_le_bytes(), &[0x88, 0x88, 0x08, 0, 0, 0]].concat();
    let (width, height) = (three(width - 1), three(height - 1));
    let picture = chunk(b"VP8L", lossless);
    let frame = [vec![0; 6], width.clone(), height.clone(), vec![0, 0, 0, 2], picture].concat();
    let head = [vec![2, 0, 0, 0], width, height].concat();
    let body = [b"WEBP".to_vec(), chunk(b"VP8X", head), chunk(b"ANIM", vec![0; 6]), chunk(b"ANMF", frame)];
    chunk(b"RIFF", body.concat())
}

/// A progressive JPEG of these dimensions by its header, with three components and no coefficients in them.
fn progressive_jpeg(width: u16, height: u16) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        let size = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker][..], &size, body].concat()
    };
    let frame = [&[8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[3, 1, 17, 0, 2, 17, 0, 3, 17, 0]];
    let blocks = |side: u16| usize::from(side).div_ceil(8);
    let one_code = |class: u8| [&[class, 1][..], &[0; 16]].concat();
    [
        vec![0xff, 0xd8],
        segment(0xdb, &[&[0][..], &[1; 64]].concat()),
        segment(0xc2, &frame.concat()),
        segment(0xc4, &one_code(0)),
        segment(0xda, &[3, 1, 0, 2, 0, 3, 0, 0, 0, 0]),
        // A bit for each block.
        vec![0; (blocks(width) * blocks(height) * 3).div_ceil(8)],
        vec![0xff, 0xd9],
    ]
    .concat()
}

#[test]
fn what_would_take_more_memory_than_there_is_is_not_read() {
    let whole = |bytes: &[u8]| {
        let looked = seen(bytes);
        (looked.verdict, looked.size)
    };
    assert_eq!(whole(&animated_webp(16_000, 2_500)), (Verdict::TooLarge, Some((16_000, 2_500))));
    assert_eq!(whole(&animated_webp(800, 600)), (Verdict::Plain, Some((800, 600))), "its frame is read");
    assert_eq!(whole(&progressive_jpeg(20_000, 2_000)), (Verdict::TooLarge, Some((20_000, 2_000))));
    assert_eq!(whole(&progressive_jpeg(800, 600)), (Verdict::Plain, Some((800, 600))), "and this is read");
    assert_eq!(whole(&png_that_says(8_000, 5_000)).0, Verdict::Damaged, "three bytes a pixel fit");
}

#[tokio::test]
async fn what_is_too_slow_keeps_its_place_until_it_has_ended() {
    let places = Arc::new(Semaphore::new(1));
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let place = Arc::clone(&places).acquire_owned().await.unwrap();
    let (saw, stopped) = std::sync::mpsc::channel();
    let looked = super::in_time(Duration::ZERO, place, move |stop| {
        ended.recv().unwrap();
        saw.send(stop.load(Ordering::Relaxed)).unwrap();
        super::Looked::not_compared(Verdict::Compared)
    });
    assert_eq!(looked.await.verdict, Verdict::TooSlow, "at once");
    assert_eq!(places.available_permits(), 0, "it still goes on");
    end.send(()).unwrap();
    assert!(stopped.recv().unwrap(), "it was told to stop");
    let _next = places.acquire().await.unwrap();
}

#[test]
fn reading_stops_when_it_is_told_to() {
    let bytes = saved(&screenshot(8), ImageFormat::Png);
    let looked = look(&bytes, ImageFormat::Png, &AtomicBool::new(true));
    assert_eq!(looked.verdict, Verdict::TooSlow);
}
